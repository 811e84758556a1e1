"""Five hundred idle containers: what each takes, how the last one starts, and how soon the app shows them all.

``python -m tests.benchmarks.crowd [CONTAINERS]``. They are on a network with room for them, and sleep.
"""

from __future__ import annotations

import asyncio
import os
import pty
import re
import select
import shutil
import struct
import sys
import tempfile
import termios
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from fcntl import ioctl
from pathlib import Path
from statistics import median
from typing import NamedTuple

import psutil

from engine import Engine
from engine.model import ContainerRequest, NetworkRequest

CONTAINERS = 500
SAMPLE = 20  # starts that are compared: the first ones, and the last ones
_WARM_UP = 5
_NETWORK = NetworkRequest(name="crowd", subnets=("10.213.0.0/20",))
_REQUEST = ContainerRequest(image="base", command=("sleep", "100000"), network="crowd")
_ESCAPES = re.compile(rb"\x1b(\[[0-9;?]*[a-zA-Z]|\][^\x07\x1b]*(\x07|\x1b\\)|[()][A-Z0-9]|[=>])")
_PATIENCE_SECONDS = 30.0
_SCREEN = (40, 120)  # rows and columns
_OURS = ("boxdeck-shim", "boxdeck-record")


class Crowd(NamedTuple):
    """What was measured.

    Attributes:
        first_seconds, last_seconds: the median of starts when nobody was there, and when nearly all were.
        private_bytes, proportional_bytes: of our processes, for each container: of its own, and with its share of what
            several have in common.
        quit_seconds, open_seconds: until the app has gone, and until it shows them all again.
    """

    containers: int
    first_seconds: float
    last_seconds: float
    private_bytes: int
    proportional_bytes: int
    quit_seconds: float
    open_seconds: float

    @property
    def lines(self) -> list[str]:
        """For people."""
        ratio = self.last_seconds / self.first_seconds
        total = self.quit_seconds + self.open_seconds
        first, last = self.first_seconds * 1000, self.last_seconds * 1000
        own, shared = self.private_bytes / 2**20, self.proportional_bytes / 2**20
        return [
            f"{self.containers} containers",
            f"start of the first {first:.1f} ms, of the last {last:.1f} ms: {ratio:.2f} times",
            f"memory of ours for each: {own:.2f} MiB of its own, {shared:.2f} MiB proportionally",
            f"app: quit {self.quit_seconds:.2f} s, open to a full table {self.open_seconds:.2f} s, both {total:.2f} s",
        ]


async def measure(engine: Engine, count: int = CONTAINERS) -> Crowd:
    """Start them, look, and remove them."""
    await engine.images.ensure("base")
    await engine.networks.create(_NETWORK)
    made: list[str] = []
    try:
        seconds = [await _start(engine, made) for _ in range(count)]
        await asyncio.sleep(1.5)  # the recorder begins within a second
        private, proportional = _memory(engine)
        with_app = await asyncio.to_thread(_quit_and_open, engine, count)
        return Crowd(
            count,
            median(seconds[_WARM_UP : _WARM_UP + SAMPLE]),
            median(seconds[-SAMPLE:]),
            private // count,
            proportional // count,
            *with_app,
        )
    finally:
        for container_id in made:
            await engine.containers.remove(container_id, force=True)
        await engine.networks.remove(_NETWORK.name)


async def _start(engine: Engine, made: list[str]) -> float:
    """Start one; how long that took, without making it."""
    container = await engine.containers.create(_REQUEST)
    made.append(container.id)
    began = time.perf_counter()
    await engine.containers.start(container.id)
    return time.perf_counter() - began


def _memory(engine: Engine) -> tuple[int, int]:
    """Private and proportional bytes of all processes that keep containers of this root, or record them."""
    found = [process.memory_full_info() for process in _keepers(str(engine.paths.root / "containers"))]
    return sum(each.uss for each in found), sum(each.pss for each in found)


def _keepers(folder: str) -> Iterator[psutil.Process]:
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if process.name() in _OURS and _has_open_below(process.pid, folder):
                yield process
                yield from (child for child in process.children() if child.name() in _OURS)


def _has_open_below(pid: int, folder: str) -> bool:
    names = os.listdir(f"/proc/{pid}/fd")
    return any(os.readlink(f"/proc/{pid}/fd/{name}").startswith(folder) for name in names)


def _quit_and_open(engine: Engine, count: int) -> tuple[float, float]:
    """The best of three, of an app that shows them all: how long it takes to go, and another one to show them all."""
    rounds = []
    for _ in range(3):
        app = _App([*_command(engine)])
        app.wait_for(f"{count} of {count} running")
        began = time.perf_counter()
        app.press(b"q")
        app.wait_for_end()
        gone = time.perf_counter()
        app = _App([*_command(engine)])
        app.wait_for(f"{count} of {count} running")
        rounds.append((gone - began, time.perf_counter() - gone))
        app.press(b"q")
        app.wait_for_end()
    return min(rounds, key=sum)


def _command(engine: Engine) -> Sequence[str]:
    program = str(Path(sys.executable).parent / "boxdeck")
    return (program, "--root", str(engine.paths.root), "--runroot", str(engine.paths.runroot))


class _App:
    """The app on a pseudo-terminal, whose output is searched for words."""

    def __init__(self, command: list[str]) -> None:
        self._pid, self._terminal = pty.fork()
        if self._pid == 0:
            os.execvpe(command[0], command, {**os.environ, "TERM": "xterm-256color"})
        ioctl(self._terminal, termios.TIOCSWINSZ, struct.pack("HHHH", *_SCREEN, 0, 0))
        self._said = b""

    def wait_for(self, words: str) -> None:
        """Until the words have been written."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while words.encode() not in _ESCAPES.sub(b"", self._said):
            assert time.monotonic() < deadline, _ESCAPES.sub(b"", self._said)[-2000:]
            self._hear()

    def press(self, keys: bytes) -> None:
        """As a person would."""
        os.write(self._terminal, keys)

    def wait_for_end(self) -> None:
        """Until it has gone, whatever it still says."""
        while self._hear():
            continue
        os.waitpid(self._pid, 0)
        os.close(self._terminal)

    def _hear(self) -> bool:
        if not select.select([self._terminal], [], [], 0.5)[0]:
            return True
        try:
            self._said += os.read(self._terminal, 65_536)
        except OSError:  # EIO: nobody holds the other side any more (pty(7))
            return False
        return True


async def _alone(folder: Path, count: int) -> None:
    async with Engine.open(str(folder / "root"), str(folder / "run")) as engine:
        try:
            found = await measure(engine, count)
        finally:
            await engine.reset()
    sys.stdout.write("\n".join((*found.lines, f"load {os.getloadavg()[0]:.1f}")) + "\n")


def main() -> int:
    """Measure, and print."""
    folder = Path(tempfile.mkdtemp(prefix="boxdeck-crowd-"))
    folder.chmod(0o711)  # a process that is nobody outside has to pass it
    try:
        asyncio.run(_alone(folder, int(sys.argv[1]) if len(sys.argv) > 1 else CONTAINERS))
    finally:
        shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
