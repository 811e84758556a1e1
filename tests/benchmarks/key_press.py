"""How long it takes from a key to the painted frame, with hundreds of containers of which every one is measured anew
each second, while the log in sight is flooded. Containers are made up, and the log is a file; the app and its terminal
are real.

``python -m tests.benchmarks.key_press --help``
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import random
import re
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from textual.app import App

from engine.log_reader import Reading, read
from engine.model import LogLine, Snapshot
from engine.runtime.logs import rotated
from tests.benchmarks.idle import App as Program
from tests.benchmarks.idle import Screen
from tests.benchmarks.turns import Work, noted
from tests.tui import fake_measures
from tests.tui.fake_engine import FakeContainers, FakeEngine, container

_SETTLE_SECONDS = 8.0
_PATIENCE_SECONDS = 10.0
_TITLE = r"box-%s (?:\x1b\[[0-9;]*m)*─"
"""In the frame of the selected container, and nowhere else."""

_STEP_SECONDS = 0.01
_SAMPLES_A_TURN = 40
_FILE_BYTES = 10 << 20
_LINE = b"%s.%09dZ stdout F \x1b[32mGET\x1b[0m /index-%d.html \x1b[1m200\x1b[0m 12 ms\n"


class Watched(Program):
    """An app whose output is looked at: the name of the selected container stands in a frame's title.

    Args:
        folder: has the log that is shown.
        flood: lines that it grows by each second.
    """

    def __init__(self, containers: int, screen: Screen, folder: Path, flood: int) -> None:
        self.report = folder / "work"
        show = ("--show", str(containers), "--flood", str(flood), "--folder", str(folder))
        super().__init__(folder, folder, screen, (sys.executable, "-m", "tests.benchmarks.key_press", *show))
        self.text = b""

    def _drain(self) -> None:
        while True:
            try:
                self.text = self.text[-65_536:] + os.read(self._terminal, 65_536)
            except OSError:  # EIO: nobody holds the other side any more (pty(7))
                return

    def type(self, keys: bytes) -> None:
        """Press keys."""
        os.write(self._terminal, keys)

    def press(self, key: bytes, number: int) -> float:
        """Seconds until the container of that number is shown as the selected one."""
        self.text, title = b"", re.compile((_TITLE % f"{number:03}").encode())
        begun = time.perf_counter()
        self.type(key)
        while not title.search(self.text):
            if time.perf_counter() - begun > _PATIENCE_SECONDS:
                raise TimeoutError(f"{key!r} selected nothing")
            time.sleep(0.0005)
        return time.perf_counter() - begun

    def work(self) -> Work:
        """Have the app end; what it noted."""
        self.type(b"q")
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not self.report.exists():
            assert time.monotonic() < deadline, "the app doesn't end"
            time.sleep(0.05)
        work = Work()
        work.__dict__.update(json.loads(self.report.read_text()))
        return work


# --- what is shown ---


class _Containers(FakeContainers):
    """All of them have the same log, which is a file."""

    log: Path

    async def logs(
        self, reference: str, follow: bool = False, tail: int | None = None, since_unix_ns: int | None = None
    ) -> AsyncIterator[LogLine]:
        async for line in read(self.log, 3, Reading(follow, tail, since_unix_ns), _is_running):
            yield line


class _Engine(FakeEngine):
    """Lets others run while it makes numbers up, as the engine's sampler does while it reads them."""

    async def samples(self, interval_seconds: float = 1.0) -> AsyncIterator[Snapshot]:
        for tick in itertools.count():
            samples = {}
            for number, each in enumerate(self.all):
                samples[each.id] = fake_measures.sample(each, number, tick)
                if number % _SAMPLES_A_TURN == 0:
                    await asyncio.sleep(0)
            host = fake_measures.host_sample(tick)
            yield Snapshot(
                taken_unix_ns=time.time_ns(), interval_seconds=interval_seconds, host=host, containers=samples
            )
            await asyncio.sleep(interval_seconds)


async def _is_running() -> bool:
    return True


def _show(count: int, folder: Path) -> None:
    """The app over containers that are made up; what took long is written down when it ends."""
    from engine.config.model import Config
    from tui.app import BoxdeckApp

    engine = _Engine(*(container(n, f"box-{n:03}") for n in range(count)))
    engine.containers = _Containers(engine)
    engine.containers.log = folder / "log"
    app = BoxdeckApp(engine, Config())  # type: ignore[arg-type]
    app.garbage.is_last = True
    with noted(re.compile(_TITLE % r"\d{3}")) as work:
        asyncio.run(_run(app, work))
    report = folder / "report"
    report.write_text(json.dumps(work.__dict__))
    report.rename(folder / "work")


async def _run(app: App[None], work: Work) -> None:
    """What takes long while it begins isn't counted."""
    asyncio.get_running_loop().call_later(_SETTLE_SECONDS, work.clear)
    await app.run_async()


def _write(log: Path, lines_per_second: int) -> None:
    """Have a log grow, and begin anew, in the form that logs have on disk."""
    begun, number = time.monotonic(), 0
    while True:
        with log.open("wb", buffering=0) as file:
            while file.tell() < _FILE_BYTES:
                due = int((time.monotonic() - begun) * lines_per_second)
                stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime()).encode()
                file.write(b"".join(_LINE % (stamp, n % 1_000_000_000, n) for n in range(number, due)))
                number = due
                time.sleep(_STEP_SECONDS)
        for old in (2, 1):
            with suppress(FileNotFoundError):
                os.rename(rotated(str(log), old - 1), rotated(str(log), old))


# --- measuring ---


class Keys(NamedTuple):
    """What was measured: milliseconds that keys took, what the app noted, and percent of a processor."""

    frames: list[float]
    work: Work
    percent: float

    @property
    def line(self) -> str:
        """For people."""
        turns = [1000 * each for each in self.work.long_turns]
        return (
            f"frame after {_spread(self.frames)}; processor time until then "
            f"{_spread([1000 * each for each in self.work.keys])}; "
            f"{len(turns)} turns of more than 10 ms of it, the longest {max(turns, default=0):.1f}; "
            f"{self.percent:.0f} % of a processor"
        )


def _spread(milliseconds: list[float]) -> str:
    cut = statistics.quantiles(milliseconds, n=20)[-1]
    return f"{statistics.median(milliseconds):.1f} ms (95 of 100 within {cut:.1f}, longest {max(milliseconds):.1f})"


def measure(containers: int, keys: int, screen: Screen, flood: int) -> Keys:
    """Press keys, each selects the next container."""
    folder = Path(tempfile.mkdtemp(prefix="boxdeck-keys-"))
    writer = os.fork()
    if writer == 0:
        _write(folder / "log", flood)
    try:
        with Watched(containers, screen, folder, flood) as app:
            time.sleep(_SETTLE_SECONDS / 2)
            app.type(b"l" if flood else b"")
            time.sleep(_SETTLE_SECONDS / 2)
            cpu, begun, seconds = app.cpu_seconds(), time.monotonic(), []
            for number in range(1, keys + 1):
                seconds.append(app.press(b"j", number % containers))
                time.sleep(random.uniform(0.05, 0.15))  # so that some meet a tick
            percent = 100 * (app.cpu_seconds() - cpu) / (time.monotonic() - begun)
            return Keys([1000 * each for each in seconds], app.work(), percent)
    finally:
        os.kill(writer, 9)
        os.waitpid(writer, 0)
        shutil.rmtree(folder)


def main() -> None:
    """Measure and tell."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.key_press", description=__doc__)
    parser.add_argument("--containers", type=int, default=500, help="[500]")
    parser.add_argument("--keys", type=int, default=200, help="how many to press, fewer than containers [200]")
    parser.add_argument("--flood", type=int, default=20_000, help="lines a second in the log; 0 has none shown [20000]")
    parser.add_argument("--size", default="120x36", help="columns and rows [120x36]")
    parser.add_argument("--show", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options, _ = parser.parse_known_args()  # the app's own options are of no use here
    if options.show is not None:
        _show(options.show, options.folder)
        return
    screen = Screen(*(int(number) for number in options.size.split("x")))
    for flood in sorted({0, options.flood}):
        found = measure(options.containers, options.keys, screen, flood)
        sys.stdout.write(
            f"{options.containers} containers, {flood:,} lines a second in sight, {options.keys} keys: {found.line}; "
            f"load {os.getloadavg()[0]:.1f}\n"
        )
        sys.stdout.flush()


if __name__ == "__main__":
    main()
