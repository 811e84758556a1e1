"""What the app costs while nobody touches it: a crowd of containers, the table in sight, a tick a second.

``python -m tests.benchmarks.idle --help`` measures it alone, also while some containers do a little work.
"""

from __future__ import annotations

import argparse
import asyncio
import fcntl
import os
import pty
import select
import shutil
import signal
import struct
import sys
import tempfile
import termios
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple, Self

import psutil

from engine import Engine
from engine.model import ContainerRequest

CONTAINERS = 20
_SETTLE_SECONDS = 8.0  # imports, the first layout, and names that are read once
_SLEEP = ("sleep", "100000")
_WORK = ("sh", "-c", "while :; do i=0; while [ $i -lt 3000 ]; do i=$((i+1)); done; sleep 0.3; done")


class Screen(NamedTuple):
    """A terminal's size."""

    columns: int
    rows: int


class Idle(NamedTuple):
    """One measurement.

    Attributes:
        percent: of one processor, of the app and of all processes that it started, user and system.
        written_bytes_per_second: to the terminal.
    """

    percent: float
    written_bytes_per_second: float


class App:
    """The app on a pseudo-terminal that is read and never answers; use it as a context manager.

    Args:
        root, runroot: the state of the containers that it shows.
        command: runs it, without options.
    """

    def __init__(self, root: Path, runroot: Path, screen: Screen, command: tuple[str, ...] = ()) -> None:
        self._command = (
            *(command or (sys.executable, "-m", "tui.entry")), "--root", str(root), "--runroot", str(runroot),
        )  # fmt: skip
        self._screen = screen
        self.written_bytes = 0

    def __enter__(self) -> Self:
        self.pid, self._terminal = pty.fork()
        if self.pid == 0:
            os.execvpe(self._command[0], self._command, {**os.environ, "TERM": "xterm-256color", "COLORTERM": ""})
        size = struct.pack("HHHH", self._screen.rows, self._screen.columns, 0, 0)
        fcntl.ioctl(self._terminal, termios.TIOCSWINSZ, size)
        self._reader = threading.Thread(target=self._drain, daemon=True)
        self._reader.start()
        return self

    def __exit__(self, *_: object) -> None:
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        self._reader.join()
        os.close(self._terminal)

    def cpu_seconds(self) -> float:
        """So far, with all that it started."""
        app = psutil.Process(self.pid)
        times = [process.cpu_times() for process in (app, *app.children(recursive=True))]
        return sum(each.user + each.system for each in times)

    def _drain(self) -> None:
        while True:
            select.select([self._terminal], [], [])
            try:
                self.written_bytes += len(os.read(self._terminal, 65_536))
            except OSError:  # EIO: nobody holds the other side any more (pty(7))
                return


async def measure(app: App, seconds: float) -> Idle:
    """What an app that has settled costs from now on."""
    begun, cpu, written = time.monotonic(), app.cpu_seconds(), app.written_bytes
    await asyncio.sleep(seconds)
    passed = time.monotonic() - begun
    return Idle(100 * (app.cpu_seconds() - cpu) / passed, (app.written_bytes - written) / passed)


@asynccontextmanager
async def crowd(engine: Engine, count: int, busy: int = 0) -> AsyncIterator[None]:
    """So many containers that run, some of which do a little work; they are removed in the end."""
    await engine.images.ensure("base")
    made = []
    try:
        for number in range(count):
            command = _WORK if number < busy else _SLEEP
            made.append(await engine.containers.run(ContainerRequest(image="base", command=command)))
        yield
    finally:
        for container in made:
            await engine.containers.remove(container.id, force=True)


async def idle_percent(engine: Engine, *, containers: int = CONTAINERS, seconds: float = 30.0, runs: int = 3) -> float:
    """The least of several measurements at 120 by 36, in percent of one processor."""
    async with crowd(engine, containers):
        with App(engine.paths.root, engine.paths.runroot, Screen(120, 36)) as app:
            await asyncio.sleep(_SETTLE_SECONDS)
            return min([(await measure(app, seconds)).percent for _ in range(runs)])


# --- alone ---


class _Options(argparse.Namespace):
    containers: int
    busy: int
    size: str
    seconds: float
    runs: int
    command: list[str]


async def _alone(options: _Options, folder: Path) -> None:
    """Every command is measured at the same time, so that all meet the same neighbours."""
    screen = Screen(*(int(number) for number in options.size.split("x")))
    root, runroot = folder / "root", folder / "run"
    async with _engine(root, runroot) as engine, crowd(engine, options.containers, options.busy):
        apps = [App(root, runroot, screen, tuple(command.split())) for command in options.command or [""]]
        for app in apps:
            app.__enter__()
        try:
            await asyncio.sleep(_SETTLE_SECONDS)
            for _ in range(options.runs):
                found = await asyncio.gather(*(measure(app, options.seconds) for app in apps))
                words = (f"{each.percent:5.2f} % {each.written_bytes_per_second:7.0f} B/s" for each in found)
                sys.stdout.write("   ".join(words) + "\n")
                sys.stdout.flush()
        finally:
            for app in apps:
                app.__exit__()


@asynccontextmanager
async def _engine(root: Path, runroot: Path) -> AsyncIterator[Engine]:
    async with Engine.open(str(root), str(runroot)) as engine:
        try:
            yield engine
        finally:
            await engine.reset()


def main() -> int:
    """Measure the app alone."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--containers", type=int, default=CONTAINERS, help=f"[{CONTAINERS}]")
    parser.add_argument("--busy", type=int, default=0, help="how many of them work [0]")
    parser.add_argument("--size", default="120x36", help="columns and rows [120x36]")
    parser.add_argument("--seconds", type=float, default=30.0, help="a run takes [30]")
    parser.add_argument("--runs", type=int, default=3, help="[3]")
    parser.add_argument("command", nargs="*", help="what runs the app; several are measured side by side")
    options = parser.parse_args(namespace=_Options())
    folder = Path(tempfile.mkdtemp(prefix="boxdeck-idle-"))
    folder.chmod(0o711)  # a process that is nobody outside has to pass it
    try:
        asyncio.run(_alone(options, folder))
    finally:
        shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
