"""How soon the app shows something: from its start to the first frame with a container in it, and to numbers beside it.

``python -m tests.benchmarks.opening [CONTAINERS [ROUNDS]]``, beside an interpreter that only imports Textual.
"""

from __future__ import annotations

import asyncio
import os
import pty
import select
import shutil
import struct
import sys
import tempfile
import termios
import time
from fcntl import ioctl
from pathlib import Path
from statistics import median
from typing import NamedTuple

from engine import Engine
from engine.model import ContainerRequest

CONTAINERS = 50
ROUNDS = 10
_SCREEN = (36, 120)  # rows and columns
_PATIENCE_SECONDS = 30.0
_SLEEP = ("sleep", "100000")
_IMPORT = (sys.executable, "-c", "import textual.app; print('imported')")


class Opened(NamedTuple):
    """From a program's start until it said something, by the clock and of processor time."""

    seconds: float
    cpu_seconds: float


class Opening(NamedTuple):
    """Medians of what was measured, in seconds.

    Attributes:
        imported: an interpreter that imports Textual.
        painted: the app, up to the first frame with a container's row.
    """

    containers: int
    imported: Opened
    painted: Opened

    @property
    def line(self) -> str:
        """For people."""
        ours, theirs = self.painted, self.imported
        return (
            f"{self.containers} containers: first frame after {1000 * ours.seconds:.0f} ms "
            f"({1000 * ours.cpu_seconds:.0f} of processor time); importing Textual alone {1000 * theirs.seconds:.0f} "
            f"({1000 * theirs.cpu_seconds:.0f}): {ours.seconds / theirs.seconds:.2f} times "
            f"({ours.cpu_seconds / theirs.cpu_seconds:.2f})"
        )


def until_said(command: tuple[str, ...], words: str) -> Opened:
    """Start a program on a terminal, end it when it has said something."""
    began = time.perf_counter()
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvpe(command[0], command, {**os.environ, "TERM": "xterm-256color"})
    ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", *_SCREEN, 0, 0))
    said, wanted = b"", words.encode()
    try:
        while wanted not in said:
            assert time.perf_counter() - began < _PATIENCE_SECONDS, said[-2000:]
            if select.select([terminal], [], [], 0.5)[0]:
                said += os.read(terminal, 65_536)
        return Opened(time.perf_counter() - began, _cpu_seconds(pid))
    finally:
        os.kill(pid, 9)
        os.waitpid(pid, 0)
        os.close(terminal)


def _cpu_seconds(pid: int) -> float:
    """Of all threads so far."""
    total = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        total += int(Path(f"/proc/{pid}/task/{task}/schedstat").read_text().split()[0])
    return total / 1e9


async def measure(engine: Engine, count: int = CONTAINERS, rounds: int = ROUNDS) -> Opening:
    """Start containers, and the app beside the interpreter in turns."""
    await engine.images.ensure("base")
    made = []
    try:
        for number in range(count):
            request = ContainerRequest(image="base", command=_SLEEP, name=f"box-{number:03}", network="none")
            made.append(await engine.containers.run(request))
        return await asyncio.to_thread(_contest, command_of(engine), made[-1].name, count, rounds)
    finally:
        for container in made:
            await engine.containers.remove(container.id, force=True)


def command_of(engine: Engine) -> tuple[str, ...]:
    """Starts the app on an engine's state."""
    program = str(Path(sys.executable).parent / "boxdeck")
    return (program, "--root", str(engine.paths.root), "--runroot", str(engine.paths.runroot))


def _contest(command: tuple[str, ...], name: str, count: int, rounds: int) -> Opening:
    imported, painted = [], []
    for _ in range(rounds):
        imported.append(until_said(_IMPORT, "imported"))
        painted.append(until_said(command, name))
    return Opening(count, _middle(imported), _middle(painted))


def _middle(found: list[Opened]) -> Opened:
    return Opened(median(each.seconds for each in found), median(each.cpu_seconds for each in found))


async def _alone(folder: Path, count: int, rounds: int) -> None:
    async with Engine.open(str(folder / "root"), str(folder / "run")) as engine:
        try:
            found = await measure(engine, count, rounds)
        finally:
            await engine.reset()
    sys.stdout.write(f"{found.line}; load {os.getloadavg()[0]:.1f}\n")


def main() -> int:
    """Measure, and print."""
    folder = Path(tempfile.mkdtemp(prefix="boxdeck-opening-"))
    folder.chmod(0o711)  # a process that is nobody outside has to pass it
    counts = [int(word) for word in sys.argv[1:]] + [CONTAINERS, ROUNDS][len(sys.argv) - 1 :]
    try:
        asyncio.run(_alone(folder, *counts))
    finally:
        shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
