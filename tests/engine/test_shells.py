"""Which shell people get in a container, and what they get where there is none."""

from __future__ import annotations

import asyncio

import pytest

from engine import Engine
from engine.errors import CommandNotFound
from engine.login_shell import shells
from engine.model import ContainerRequest, ExecRequest
from engine.session import Session

PASSWD = b"root:x:0:0:root:/root:/bin/zsh\nweb:x:33:33::/srv:/usr/sbin/nologin\nbroken\n"


@pytest.mark.parametrize(
    ("uid", "expected"),
    [(0, ["/bin/zsh", "bash", "ash", "sh"]), (33, ["bash", "ash", "sh"]), (5, ["bash", "ash", "sh"])],
)
def test_the_users_own_comes_first_unless_it_refuses(uid: int, expected: list[str]) -> None:
    assert list(shells(PASSWD, uid)) == expected


async def output_of(session: Session) -> str:
    output = b""
    while (chunk := await session.read()) is not None:
        output += chunk.data
    await session.wait()
    return output.decode()


async def run(engine: Engine, *command: str) -> str:
    request = ContainerRequest(image="base", command=command, network="none")
    return (await engine.containers.run(request)).id


async def test_a_shell_that_the_container_has_is_found(engine: Engine) -> None:
    container = await run(engine, "sleep", "1000")
    session = await engine.containers.shell(container, ExecRequest(argv=(), tty=True, interactive=True))
    await session.write(b"echo $0-$((1+1)); exit\n")
    assert "sh-2" in await asyncio.wait_for(output_of(session), 10)


async def test_without_a_shell_the_remedy_is_debug(engine: Engine) -> None:
    bare = "rm -f /bin/sh /bin/bash /bin/dash /usr/bin/sh /usr/bin/bash /usr/bin/dash; exec sleep 1000"
    container = await run(engine, "sh", "-c", bare)
    await asyncio.sleep(0.5)
    with pytest.raises(CommandNotFound, match="boxdeck debug"):
        await engine.containers.shell(container, ExecRequest(argv=(), tty=True, interactive=True))
    command = ("sh", "-c", "ls -d /proc/1/root/etc/passwd; tr '\\0' ' ' < /proc/1/cmdline; ip -o link | wc -l")
    session = await engine.containers.debug(container, command, tty=False)
    said = (await asyncio.wait_for(output_of(session), 20)).split("\n")
    assert said[:2] == ["/proc/1/root/etc/passwd", "sleep 1000 1"]


async def test_a_debug_shell_sees_and_writes_the_files_and_leaves_nothing(engine: Engine) -> None:
    container = await run(engine, "sleep", "1000")
    session = await engine.containers.debug(container, ("sh", "-c", "echo found > /proc/1/root/note"), tty=False)
    await asyncio.wait_for(output_of(session), 20)
    there = await engine.containers.exec(container, ExecRequest(argv=("cat", "/note")))
    assert await output_of(there) == "found\n"
    for _ in range(100):
        left = await engine.containers.list(all_states=True)
        if len(left) == 1:
            break
        await asyncio.sleep(0.05)
    assert [each.id for each in left] == [container]
