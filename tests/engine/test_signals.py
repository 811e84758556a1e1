"""Signals from 1 to 64 arrive, by number and name, and those sent to the command line are passed on."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import time
from pathlib import Path

import pytest

from engine import Engine
from engine.cli.early_signals import FORWARDED
from engine.errors import InvalidRequest
from engine.model import Container, ContainerRequest, ExecRequest
from engine.signal_names import signal_name, signal_number
from tests.command_line import PROGRAM

pytestmark = pytest.mark.vm

# A signal that is blocked stays to be seen; these two can't be, and of the next two the C library thinks they are its.
UNBLOCKED = {signal.SIGKILL, signal.SIGSTOP, 32, 33}
DEAF = ("env", "--block-signal", "sleep", "1000")


def field(pid: int | None, name: str) -> str:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(line.partition(":")[2].strip() for line in lines if line.startswith(f"{name}:"))


def signals(pid: int | None, *names: str) -> set[int]:
    """Those in any of these masks."""
    masks = [int(field(pid, name), 16) for name in names]
    return {number for number in range(1, 65) if any(mask >> (number - 1) & 1 for mask in masks)}


def pending(container: Container) -> set[int]:
    return signals(container.pid, "ShdPnd", "SigPnd")


async def deaf(container: Container) -> None:
    while "sleep" not in field(container.pid, "Name"):
        await asyncio.sleep(0.005)


async def test_every_signal_arrives(engine: Engine) -> None:
    container = await engine.containers.run(ContainerRequest(image="base", command=DEAF))
    await deaf(container)
    for number in sorted(set(range(1, 65)) - UNBLOCKED):
        await engine.containers.kill(container.id, str(number))
        assert number in pending(container)  # asked each time: stopping and going on take each other back
    for number in (32, 33):
        await engine.containers.kill(container.id, str(number))  # ignored by a first process that doesn't expect them
    await engine.containers.kill(container.id, "STOP")
    while not field(container.pid, "State").startswith("T"):
        await asyncio.sleep(0.005)
    await engine.containers.kill(container.id, "9")
    assert await engine.containers.wait(container.id) == 128 + 9


async def test_signals_to_the_command_line_are_passed_on(engine: Engine) -> None:
    folders = (str(engine.paths.root), str(engine.paths.runroot))
    words = [PROGRAM, "--root", folders[0], "--runroot", folders[1], "run", "--name", "deaf", "base", *DEAF]
    command = subprocess.Popen(words, stdin=subprocess.DEVNULL)
    while not (found := await engine.containers.list()):
        await asyncio.sleep(0.02)
    (container,) = found
    await deaf(container)
    while not signals(command.pid, "SigCgt") >= {int(number) for number in FORWARDED}:
        await asyncio.sleep(0.005)
    wanted = {int(number) for number in FORWARDED} - {signal.SIGCONT, signal.SIGTSTP}
    for number in wanted - {signal.SIGINT}:
        command.send_signal(number)
    deadline = time.monotonic() + 10
    while pending(container) != wanted - {signal.SIGINT} and time.monotonic() < deadline:
        await asyncio.sleep(0.01)
    assert pending(container) == wanted - {signal.SIGINT}
    command.send_signal(signal.SIGINT)
    command.send_signal(signal.SIGTERM)  # the third that asks it to end: whoever insists leaves
    assert await asyncio.to_thread(command.wait, 10) in (128 + signal.SIGINT, 128 + signal.SIGTERM)


def test_names_of_signals() -> None:
    assert [signal_number(name) for name in ("TERM", "sigterm", "15", "RTMIN", "SIGRTMIN+3", "rtmax-1", "64")] == [
        15, 15, 15, 34, 37, 63, 64,
    ]  # fmt: skip
    assert [signal_name(number) for number in (15, 32, 34, 37, 64)] == [
        "SIGTERM", "32", "SIGRTMIN", "SIGRTMIN+3", "SIGRTMAX",
    ]  # fmt: skip
    for wrong in ("0", "65", "RTMIN+31", "RTMIN-1", "RTMAX+1", "NONE", "", "TERM+1", "-9"):
        with pytest.raises(InvalidRequest, match="is not a signal"):
            signal_number(wrong)


async def test_orphans_behind_an_init_are_reaped_and_its_stop_is_the_programs(engine: Engine) -> None:
    script = "trap 'exit 7' TERM; for i in 1 2 3; do (true &); done; echo ready; while :; do sleep 0.02; done"
    request = ContainerRequest(image="base", command=("sh", "-c", script), init=True)
    container = await engine.containers.run(request)
    async for line in engine.containers.logs(container.id, follow=True):
        assert line.data == b"ready"
        break
    states = "cat /proc/1/cmdline; echo; cat /proc/[0-9]*/stat | cut -d' ' -f3"

    async def look() -> tuple[bytes, list[bytes]]:
        session = await engine.containers.exec(container.id, ExecRequest(argv=("sh", "-c", states)))
        out = b""
        while (chunk := await session.read()) is not None:
            out += chunk.data
        first, *found = out.split(b"\n")
        return first, found

    # Any process is a zombie for a moment between its end and its parent's wait; an orphan nobody reaps stays one.
    for _ in range(20):
        first, found = await look()
        if b"Z" not in found:
            break
    assert first == b"boxdeck-init\0"  # and not where the host has us
    assert b"S" in found and b"Z" not in found
    assert (await engine.containers.stop(container.id)).exit_status == 7
