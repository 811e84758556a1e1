"""Further processes that go on when nobody looks at them, and are found again."""

from __future__ import annotations

import asyncio

import pytest

from engine import Engine
from engine.errors import Conflict, InvalidRequest, NotFound
from engine.model import ContainerRequest, ExecRequest
from engine.runtime.kept import PAST_BYTES, Past
from engine.session import Session

PATIENCE_SECONDS = 10


async def box(engine: Engine) -> str:
    request = ContainerRequest(image="base", command=("sleep", "1000"), network="none")
    return (await engine.containers.run(request)).id


def shell(name: str | None = "one", *, tty: bool = True) -> ExecRequest:
    return ExecRequest(argv=("sh",), env=("PS1=$ ",), tty=tty, interactive=True, kept=name)


async def until_written(session: Session, text: str) -> str:
    async def read() -> str:
        seen = session.past.decode()
        while text not in seen:
            chunk = await session.read()
            assert chunk is not None, seen
            seen += chunk.data.decode()
        return seen

    return await asyncio.wait_for(read(), PATIENCE_SECONDS)


async def until_gone(engine: Engine, container: str) -> None:
    for _ in range(PATIENCE_SECONDS * 50):
        if not await engine.containers.sessions(container):
            return
        await asyncio.sleep(0.02)
    raise AssertionError(await engine.containers.sessions(container))


async def test_a_kept_session_is_gone_on_with_where_it_was(engine: Engine) -> None:
    container = await box(engine)
    first = await engine.containers.exec(container, shell())
    await first.write(b"x=before; echo said-$((1+1))\n")
    await until_written(first, "said-2")
    await first.close()
    await asyncio.sleep(0.2)
    assert [(each.name, each.viewed) for each in await engine.containers.sessions(container)] == [("one", False)]
    again = await engine.containers.resume(container, "one")
    assert "said-2" in again.past.decode()
    await again.write(b"echo $x-and-after\n")
    await until_written(again, "before-and-after")
    assert [each.viewed for each in await engine.containers.sessions(container)] == [True]
    await again.write(b"exit 5\n")
    assert await again.wait() == 5
    assert await engine.containers.sessions(container) == ()


async def test_what_is_written_meanwhile_is_there_later(engine: Engine) -> None:
    container = await box(engine)
    first = await engine.containers.exec(container, shell())
    await first.write(b"sleep 0.5; echo late-$((1+1))\n")
    await first.close()
    await asyncio.sleep(1)
    again = await engine.containers.resume(container, "one")
    assert "late-2" in await until_written(again, "late-2")
    await again.close()


async def test_two_see_the_same(engine: Engine) -> None:
    container = await box(engine)
    first = await engine.containers.exec(container, shell())
    second = await engine.containers.resume(container, "one")
    await first.write(b"echo both-$((1+1))\n")
    await until_written(first, "both-2")
    await until_written(second, "both-2")
    await first.close()
    await second.write(b"exit 3\n")
    assert await second.wait() == 3


async def test_hanging_up_ends_it(engine: Engine) -> None:
    container = await box(engine)
    session = await engine.containers.exec(container, shell())
    await session.hang_up()
    await session.close()
    await until_gone(engine, container)


async def test_one_that_ends_unseen_is_forgotten(engine: Engine) -> None:
    container = await box(engine)
    session = await engine.containers.exec(container, shell())
    await session.write(b"sleep 0.3; exit\n")
    await session.close()
    await until_gone(engine, container)
    with pytest.raises(NotFound, match="no session is called one"):
        await engine.containers.resume(container, "one")


async def test_names_are_unique_and_a_terminal_is_needed(engine: Engine) -> None:
    container = await box(engine)
    await engine.containers.exec(container, shell())
    with pytest.raises(Conflict, match="called one already"):
        await engine.containers.exec(container, shell())
    with pytest.raises(InvalidRequest, match="a terminal"):
        await engine.containers.exec(container, shell("two", tty=False))


async def test_sessions_that_aren_t_kept_end_with_their_viewer_as_before(engine: Engine) -> None:
    container = await box(engine)
    session = await engine.containers.exec(container, shell(None))
    assert await engine.containers.sessions(container) == ()
    await session.close()


def test_the_past_is_bounded_and_begins_with_a_whole_line() -> None:
    past = Past()
    for number in range(20_000):
        past.write(b"stdout", b"line %06d\r\n" % number)
    assert PAST_BYTES - 20 < len(past.data) <= PAST_BYTES
    assert past.data.startswith(b"line ") and past.data.endswith(b"line 019999\r\n")
