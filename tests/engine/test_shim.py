"""The shim against whoever talks to it: garbage, silence, haste and floods end neither it nor its container."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from engine import Engine
from engine.cgroups.manager import Cgroup
from engine.errors import CommandNotFound, RuntimeFailure
from engine.model import Container, ContainerRequest, ExecRequest, State
from engine.oci.process_spec import Process, User
from engine.runtime import protocol, recorder, status, unix_socket
from tests.engine.traces import traces

pytestmark = pytest.mark.vm

PATIENCE_SECONDS = 5.0


async def start(engine: Engine, *command: str, interactive: bool = False) -> Container:
    request = ContainerRequest(image="base", command=command, network="none", interactive=interactive)
    return await engine.containers.run(request)


async def execute(engine: Engine, container: Container, *argv: str, tty: bool = False) -> tuple[bytes, int]:
    session = await engine.containers.exec(container.id, ExecRequest(argv=argv, tty=tty))
    chunks = []
    while (chunk := await session.read()) is not None:
        chunks.append(chunk.data)
    return b"".join(chunks), await session.wait()


def shim_pid(engine: Engine, container: Container) -> int:
    found = status.read(engine.paths.status(container.id))
    assert found is not None
    return found.shim_pid


def connect(engine: Engine, container: Container) -> socket.socket:
    connection = unix_socket.connect(engine.paths.runtime(container.id))
    connection.settimeout(PATIENCE_SECONDS)
    return connection


def exec_frame(*argv: str, terminal: bool = False) -> bytes:
    user = User(uid=0, gid=0)
    process = Process(args=argv, cwd="/", env=("PATH=/usr/bin:/bin",), user=user, terminal=terminal)
    return protocol.encode(protocol.Exec(process=process, interactive=True))


def descriptors(pid: int) -> int:
    """Those that are open, but for the recorder's: a shim waits for that one's end from the next second on."""
    return sum(not is_recorder(pid, number) for number in os.listdir(f"/proc/{pid}/fdinfo"))


def is_recorder(pid: int, number: str) -> bool:
    try:
        lines = Path(f"/proc/{pid}/fdinfo/{number}").read_text().splitlines()
        target = next((line.split()[1] for line in lines if line.startswith("Pid:")), None)
        return target is not None and Path(f"/proc/{target}/comm").read_text().strip() == recorder.NAME
    except OSError:
        return False  # it has been closed, or the process has ended


def private_kib(pid: int) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Private_Dirty"))


async def settled(engine: Engine, pid: int, expected: int) -> bool:
    """Whether the shim comes back to so many descriptors."""
    for _ in range(100):
        if descriptors(pid) <= expected:
            return True
        await asyncio.sleep(0.02)
    return False


GARBAGE = {
    "no JSON": b"\0junk",
    "nothing after the kind": b"\0",
    "the largest frame": b"\0" + b"x" * 199_000,
    "brackets without end": b"\0" + b"[" * 90_000,
    "a message that isn't for shims": protocol.encode(protocol.Created(1)),
    "a second start": protocol.encode(protocol.Start()),
    "a signal that doesn't exist": protocol.encode(protocol.Kill(9999)),
    "nothing to execute": exec_frame(),
    "a zero byte in an argument": exec_frame("a\0b"),
}


@pytest.mark.parametrize("name", GARBAGE)
async def test_garbage_is_answered_and_the_container_lives_on(engine: Engine, name: str) -> None:
    container = await start(engine, "sleep", "1000")
    with connect(engine, container) as connection:
        connection.send(GARBAGE[name])
        assert isinstance(protocol.receive(connection), protocol.Failed)
    assert await execute(engine, container, "echo", "alive") == (b"alive\n", 0)


async def test_an_impossible_size_of_a_terminal_ends_only_its_own_session(engine: Engine) -> None:
    container = await start(engine, "sleep", "1000")
    with connect(engine, container) as connection:
        connection.send(exec_frame("cat", terminal=True))
        assert isinstance(protocol.receive(connection), protocol.Running)
        connection.send(protocol.encode(protocol.Resize(-1, 1 << 20)))
        assert isinstance(protocol.receive(connection), protocol.Failed)
    assert await execute(engine, container, "echo", "alive") == (b"alive\n", 0)


async def test_many_execs_leave_no_descriptor_and_no_memory_behind(engine: Engine) -> None:
    container = await start(engine, "sleep", "1000")
    pid = shim_pid(engine, container)
    for tty in (False, True):
        await execute(engine, container, "true", tty=tty)
    before = descriptors(pid)
    memory = private_kib(pid)
    for _ in range(10):
        await asyncio.gather(*(execute(engine, container, "true", tty=bool(n % 2)) for n in range(5)))
        with pytest.raises(CommandNotFound):
            await execute(engine, container, "nonsense")
    assert await settled(engine, pid, before)
    assert private_kib(pid) - memory < 1500


async def test_what_there_is_to_enter_is_read_for_the_first_exec_and_never_again(engine: Engine) -> None:
    container = await start(engine, "sleep", "1000")
    config = engine.paths.bundle(container.id) / "config.json"
    for is_first in (True, False):
        with connect(engine, container) as connection:
            connection.send(exec_frame("true"))
            assert isinstance(protocol.receive(connection), protocol.Running)
        if is_first:
            config.rename(config.with_suffix(".away"))
    config.with_suffix(".away").rename(config)


async def test_whoever_asks_for_a_terminal_and_runs_away_leaves_no_process(engine: Engine) -> None:
    container = await start(engine, "sleep", "1000")
    pid = shim_pid(engine, container)
    await execute(engine, container, "true")
    before = descriptors(pid)
    for _ in range(20):
        with connect(engine, container) as connection:
            connection.send(exec_frame("sleep", "500", terminal=True))
    for _ in range(100):
        out, _ = await execute(engine, container, "sh", "-c", "echo /proc/[0-9]*")
        if len(out.split()) == 2:
            break
    assert len(out.split()) == 2 and await settled(engine, pid, before)


async def test_more_connections_than_a_shim_can_hold_wait_and_end_nothing(engine: Engine) -> None:
    container = await start(engine, "sleep", "1000")
    pid = shim_pid(engine, container)
    held = descriptors(pid)
    limits = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (held + 12, limits[1]))
    silent = [connect(engine, container) for _ in range(30)]
    await asyncio.sleep(0.3)
    for connection in silent:
        connection.close()
    assert await settled(engine, pid, held)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, limits)
    assert await execute(engine, container, "echo", "alive") == (b"alive\n", 0)


async def test_an_exec_for_which_no_descriptor_is_left_is_refused(engine: Engine) -> None:
    container = await start(engine, "sleep", "1000")
    pid = shim_pid(engine, container)
    held = descriptors(pid)
    limits = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (held + 4, limits[1]))
    with connect(engine, container) as connection:
        connection.send(exec_frame("true"))
        assert isinstance(protocol.receive(connection), protocol.Failed)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, limits)
    assert await settled(engine, pid, held)
    assert await execute(engine, container, "echo", "alive") == (b"alive\n", 0)


async def test_input_that_a_process_leaves_unread_doesn_t_cost_its_exit_status(engine: Engine) -> None:
    container = await start(engine, "sleep", "1000")
    request = ExecRequest(argv=("sh", "-c", "head -c 1; exit 7"), interactive=True)
    session = await engine.containers.exec(container.id, request)
    writer = asyncio.create_task(session.write(b"x" * 4_000_000))
    assert await session.wait() == 7
    await asyncio.wait_for(writer, PATIENCE_SECONDS)


async def test_who_waits_for_a_session_that_is_left_goes_on(engine: Engine) -> None:
    container = await start(engine, "sleep", "1000")
    session = await engine.containers.exec(container.id, ExecRequest(argv=("sleep", "1000"), interactive=True))
    writer = asyncio.create_task(session.write(b"x" * 4_000_000))
    reader = asyncio.create_task(session.read())
    await asyncio.sleep(0.3)  # nobody takes so much
    assert not writer.done()
    await session.close()
    await asyncio.wait_for(asyncio.gather(writer, reader), PATIENCE_SECONDS)
    assert reader.result() is None


async def test_input_from_whoever_isn_t_attached_fills_no_memory(engine: Engine) -> None:
    container = await start(engine, "sleep", "1000", interactive=True)
    with connect(engine, container) as connection:
        connection.settimeout(0.3)
        assert send_at_most(connection, 20_000_000) < 5_000_000


def send_at_most(connection: socket.socket, size: int) -> int:
    """Send input until nobody takes it any more, or so much was sent."""
    sent = 0
    with contextlib.suppress(TimeoutError):
        while sent < size:
            sent += connection.send(bytes((protocol.STDIN,)) + b"x" * 60_000)
    return sent


async def test_half_a_character_and_no_newline_arrive_as_they_were_written(engine: Engine) -> None:
    container = await start(engine, "sleep", "1000")
    script = r"printf '\303'; sleep 0.05; printf '\251\377'; head -c 300000 /dev/zero"
    out, _ = await execute(engine, container, "sh", "-c", script)
    assert out == b"\xc3\xa9\xff" + bytes(300_000)


async def test_a_viewer_that_reads_nothing_keeps_no_container_from_being_stopped_and_removed(engine: Engine) -> None:
    container = await start(engine, "sh", "-c", "while :; do echo flood; done")
    with connect(engine, container) as viewer:
        viewer.send(protocol.encode(protocol.Attach(stdin=False)))
        await asyncio.sleep(0.2)
        await engine.containers.remove(container.id, force=True)
        assert await traces(engine) == []


async def test_background_writers_don_t_keep_an_exec_from_ending(engine: Engine) -> None:
    container = await start(engine, "sleep", "1000")
    script = "for i in 1 2 3 4; do cat /dev/zero & done; exit 5"
    session = await engine.containers.exec(container.id, ExecRequest(argv=("sh", "-c", script)))
    assert await asyncio.wait_for(session.wait(), PATIENCE_SECONDS) == 5


async def test_a_container_that_ends_takes_its_execs_along(engine: Engine) -> None:
    container = await start(engine, "sleep", "1000")
    running = [asyncio.create_task(execute(engine, container, "sleep", "1000")) for _ in range(5)]
    await asyncio.sleep(0.3)
    await engine.containers.kill(container.id)
    assert {result[1] for result in await asyncio.gather(*running)} == {128 + signal.SIGKILL}
    assert (await engine.containers.get(container.id)).state is State.EXITED


async def test_whoever_waits_hears_the_status_however_soon_the_container_ends(engine: Engine) -> None:
    for _ in range(15):
        container = await start(engine, "sh", "-c", "exit 3")
        assert await engine.containers.wait(container.id) == 3


async def test_an_init_that_is_killed_before_it_could_execute_has_not_run(engine: Engine) -> None:
    await start(engine, "sleep", "100000")  # the next one's init is in stock, and told to start as soon as it can
    container = await engine.containers.create(ContainerRequest(image="base", command=("true",), network="none"))
    above, own = Cgroup.open(f"/{engine.paths.cgroup_name}"), Path(engine.paths.cgroup_path(container.id))
    above.freeze()
    try:
        starting = asyncio.create_task(engine.containers.start(container.id))
        while not (found := [pid for pid in above.processes() if is_in(pid, own.name)]):
            await asyncio.sleep(0.01)
        os.kill(found[0], signal.SIGKILL)
    finally:
        above.thaw()
    with pytest.raises(RuntimeFailure, match="init died before the container stood"):
        await starting
    ended = await engine.containers.get(container.id)
    assert (ended.state, ended.started_unix_ns) == (State.CREATED, None)


def is_in(pid: int, cgroup: str) -> bool:
    return cgroup in Path(f"/proc/{pid}/cgroup").read_text()


async def test_many_engines_at_once_start_and_remove_on_one_root(engine: Engine) -> None:
    script = (
        "import asyncio, sys\n"
        "from engine import Engine\n"
        "from engine.model import ContainerRequest\n"
        "async def main():\n"
        "    async with Engine.open(*sys.argv[1:]) as engine:\n"
        "        for _ in range(4):\n"
        "            request = ContainerRequest(image='base', command=('true',), network='none')\n"
        "            container = await engine.containers.run(request)\n"
        "            assert await engine.containers.wait(container.id) == 0\n"
        "            await engine.containers.remove(container.id, force=True)\n"
        "asyncio.run(main())\n"
    )
    command = [sys.executable, "-c", script, str(engine.paths.root), str(engine.paths.runroot)]
    processes = [subprocess.Popen(command, stderr=subprocess.PIPE, cwd=Path(__file__).parents[2]) for _ in range(4)]
    for process in processes:
        _, complaints = await asyncio.to_thread(process.communicate)
        assert (complaints.decode(), process.returncode) == ("", 0)
    assert await traces(engine) == []


async def test_many_starts_leave_no_descriptor_in_the_launcher(engine: Engine) -> None:
    async def run_and_count() -> int:
        session = await engine.containers.run_attached(
            ContainerRequest(image="base", command=("true",), network="none", auto_remove=True)
        )
        assert await session.wait() == 0
        assert engine.launcher.pid is not None
        await asyncio.sleep(0.05)  # for the next spare
        return descriptors(engine.launcher.pid)

    before = [await run_and_count() for _ in range(4)]
    after = [await run_and_count() for _ in range(8)]
    assert max(after) <= max(before) + 1
