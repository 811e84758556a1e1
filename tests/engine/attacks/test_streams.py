"""A container against those who look after its streams: floods, silence, garbage on what it inherited."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import pytest

from engine import Engine
from engine.log_config import LogConfig
from engine.runtime import protocol, status, unix_socket
from tests.engine.attacks.inside import execute, first_line, perl, run, start
from tests.engine.traces import traces

pytestmark = pytest.mark.vm

PATIENCE_SECONDS = 20.0
FORGED = 'syswrite(STDOUT, "\\0" . q({"type":"Exited","status":0})) for 1..50; exit 3'
FLOOD = 'my $b = "0123456789abcdef\\n" x 4000; syswrite(STDOUT, $b) while 1'


def shim_pid(engine: Engine, container: str) -> int:
    found = status.read(engine.paths.status(container))
    assert found is not None
    return found.shim_pid


def private_kib(pid: int) -> int:
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return sum(int(line.split()[1]) for line in text.splitlines() if line.startswith("Private_"))


def log_bytes(engine: Engine, container: str) -> int:
    total = 0
    for path in engine.paths.container(container).glob("log*"):
        with contextlib.suppress(FileNotFoundError):  # it has been renamed
            total += path.stat().st_size
    return total


async def test_what_a_container_writes_at_once_is_never_taken_for_a_message_of_ours(attacked: Engine) -> None:
    """With its output watched before init's socket, one start in ten fails: "a message can't be understood"."""
    for _ in range(20):
        out = await run(attacked, *perl(FORGED))
        assert out.count("Exited") == 50


async def test_a_flood_that_nobody_watches_leaves_a_bounded_log_and_a_small_shim(attacked: Engine) -> None:
    """Without rotation the log has grown beyond its bound."""
    container = await start(attacked, *perl(FLOOD), log=LogConfig(max_bytes=1 << 20, max_files=2))
    pid = shim_pid(attacked, container)
    await first_line(attacked, container)
    before = private_kib(pid)
    for _ in range(20):
        await asyncio.sleep(0.05)
        assert log_bytes(attacked, container) <= 2 << 20
    assert log_bytes(attacked, container) > 1 << 19 and private_kib(pid) < before + 1500
    await attacked.containers.remove(container, force=True)
    assert await traces(attacked) == []


async def test_a_flood_is_bounded_by_default(attacked: Engine) -> None:
    """Tried without rotation, and with nine files by default: the log is larger."""
    container = await start(attacked, *perl("syswrite(STDOUT, 'x' x 65536) for 1..1000"))
    assert await attacked.containers.wait(container) == 0
    assert 20 << 20 < log_bytes(attacked, container) <= 30 << 20


async def test_a_viewer_that_stalls_costs_the_shim_no_memory_and_others_no_answer(attacked: Engine) -> None:
    """With outputs that aren't paused for congested viewers the shim grows without bound."""
    container = await start(attacked, *perl(FLOOD))
    pid = shim_pid(attacked, container)
    with unix_socket.connect(attacked.paths.runtime(container)) as viewer:
        viewer.send(protocol.encode(protocol.Attach(stdin=False)))
        for _ in range(20):
            await asyncio.sleep(0.1)
            assert private_kib(pid) < 8000
        assert await execute(attacked, container, "echo", "alive") == "alive\n"
        await attacked.containers.remove(container, force=True)


GARBAGE = {
    "stdin is filled by itself": """open(my $f, ">", "/proc/self/fd/0"); fcntl($f, 4, 04000);
        syswrite($f, "x" x 65536) for 1..20""",
    "stdout is read by itself": """open(my $f, "<", "/proc/self/fd/1"); fcntl($f, 4, 04000);
        sysread($f, my $b, 9) for 1..20""",
    "its pipes are made large": "fcntl($_, 1031, 1048576) for \\*STDIN, \\*STDOUT, \\*STDERR",
    "its pipes are made small": "fcntl($_, 1031, 4096) for \\*STDIN, \\*STDOUT, \\*STDERR",
    "its pipes send signals": "for (\\*STDIN, \\*STDOUT) { fcntl($_, 8, 1); fcntl($_, 4, 020000 | 04000) }",
    "its pipes are closed": "close STDIN; close STDOUT; close STDERR",
    "its pipes are locked": "flock($_, 2) for \\*STDIN, \\*STDOUT",
    "frames of ours": 'syswrite(STDOUT, pack("C", $_ % 4) . qq({"type":"Failed","kind":"x"})) for 1..200',
}


@pytest.mark.parametrize("what", GARBAGE)
async def test_whatever_it_does_to_the_streams_it_inherited_it_can_be_used_and_removed(
    attacked: Engine, what: str
) -> None:
    """Tried with pipes that the shim waits for (without O_NONBLOCK): it hangs."""
    container = await start(attacked, *perl(f"{GARBAGE[what]}; sleep 1000"), interactive=True)
    await asyncio.sleep(0.1)
    assert await asyncio.wait_for(execute(attacked, container, "echo", "alive"), PATIENCE_SECONDS) == "alive\n"
    session = await attacked.containers.attach(container)
    await session.write(b"x" * 1000)
    await session.close()
    await asyncio.wait_for(attacked.containers.remove(container, force=True), PATIENCE_SECONDS)
    assert await traces(attacked) == []
