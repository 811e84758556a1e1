"""The shell pane and the log view: throughput beside tmux, echo latency, and logs that are large or fast.

``python -m tests.benchmarks.terminal [MEGABYTES [LOG_GIGABYTES]]``; other emulators are measured where there are any.
"""

from __future__ import annotations

import asyncio
import importlib.util
import os
import pty
import select
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from unittest.mock import patch

from textual.app import App, ComposeResult

from engine.log_reader import Reading, read
from engine.model import LogLine
from tests.tui.emulators import EMULATORS
from tests.tui.pty_session import PtySession
from tui.terminal.emulator import Emulator
from tui.widgets.log_view import LogView
from tui.widgets.shell_pane import ShellPane

COLUMNS, ROWS = 160, 50
ECHOES = 200
FLOOD_LINES_PER_SECOND = 50_000
_PARSED_ALONE = 1_160_000  # bytes: slow emulators take their time
_PANE_SECONDS = 8.0
_MB = 1_000_000


def coloured_lines(size: int) -> bytes:
    """Output as of a build: words in 16, 256 and true colours."""
    form = (
        b"\x1b[3%dm%06d\x1b[0m \x1b[1mcompiling\x1b[0m \x1b[38;5;%dmmodule_%d\x1b[0m of "
        b"\x1b[38;2;%d;120;90ma long list of words\x1b[0m ok\r\n"
    )
    lines = b"".join(form % (number % 8, number, number % 256, number, number % 256) for number in range(10_000))
    return (lines * (size // len(lines) + 1))[:size]


def _rate(size: int, seconds: float) -> str:
    return f"{size / seconds / _MB:6.1f} MB/s"


def _parse(feed: Callable[[bytes], object], data: bytes) -> float:
    began = time.perf_counter()
    for start in range(0, len(data), 65_536):
        feed(data[start : start + 65_536])
    return time.perf_counter() - began


def emulators(data: bytes) -> Iterator[tuple[str, float]]:
    """Seconds that interpreting takes, without painting."""
    for kind in EMULATORS:
        yield f"{kind.__name__}, interpreted only", _parse(kind(COLUMNS, ROWS).feed, data)
    if importlib.util.find_spec("pyte"):
        import pyte

        yield "pyte, interpreted only", _parse(pyte.ByteStream(pyte.Screen(COLUMNS, ROWS)).feed, data)


def bare_reader(file: Path) -> float:
    """Seconds that a process takes to write a file to a terminal that is only read."""
    began = time.perf_counter()
    pid, descriptor = pty.fork()
    if pid == 0:
        os.execvp("cat", ["cat", str(file)])
    _drain(descriptor)
    os.waitpid(pid, 0)
    return time.perf_counter() - began


def _drain(descriptor: int) -> None:
    while True:
        try:
            if not os.read(descriptor, 65_536):
                break
        except OSError:  # EIO: the last process let go of the terminal (pty(7))
            break
    os.close(descriptor)


def tmux(file: Path, folder: Path, attached: bool) -> float:
    """Seconds that the same takes in tmux, with or without somebody who looks."""
    base = ["tmux", "-S", str(folder / f"tmux-{attached}"), "-f", "/dev/null"]
    environment = {**os.environ, "TERM": "xterm-256color", "LC_ALL": "C.UTF-8"}
    script = f"sleep 1; a=$(date +%s%N); cat {file}; echo $(($(date +%s%N)-a)) > {folder}/took-{attached}; sleep 9"
    subprocess.run(
        [*base, "new-session", "-d", "-x", str(COLUMNS), "-y", str(ROWS), script], env=environment, check=True
    )
    pid, descriptor = pty.fork() if attached else (0, -1)
    if attached and pid == 0:
        os.execvpe("tmux", [*base, "attach"], environment)
    took = folder / f"took-{attached}"
    while not (took.exists() and took.read_text().strip()):
        if descriptor >= 0 and select.select([descriptor], [], [], 0.05)[0]:
            os.read(descriptor, 65_536)
        elif descriptor < 0:
            time.sleep(0.05)
    subprocess.run([*base, "kill-server"], env=environment, check=False)
    if pid:
        _drain(descriptor)
        os.waitpid(pid, 0)
    return int(took.read_text()) / 1e9


class _Pane(App[None]):
    """A pane as large as tmux's window."""

    def __init__(self, kind: type[Emulator], *argv: str) -> None:
        super().__init__()
        self._kind = kind
        self.session = PtySession.spawn(*argv, rows=ROWS, columns=COLUMNS)

    def compose(self) -> ComposeResult:
        with patch("tui.widgets.pane_rows.new_emulator", self._kind):
            yield ShellPane(self.session)

    def on_mount(self) -> None:
        self.query_one(ShellPane).focus()

    async def turn(self) -> float:
        """Milliseconds that a key waits for its turn among the app's messages."""
        asked, handled = time.perf_counter(), asyncio.Event()
        self.call_later(handled.set)
        await handled.wait()
        return (time.perf_counter() - asked) * 1000


async def pane_throughput(file: Path, kind: type[Emulator] = EMULATORS[-1]) -> tuple[int, float, list[float]]:
    """Bytes that the pane took and painted, in how many seconds, and milliseconds that keys waited meanwhile."""
    app, delays = _Pane(kind, "sh", "-c", f"while :; do cat {file}; done"), []
    async with app.run_test(size=(COLUMNS + 2, ROWS + 2)):
        before, began = app.session.read_bytes, time.perf_counter()
        while time.perf_counter() - began < _PANE_SECONDS:
            delays.append(await app.turn())
            await asyncio.sleep(0.05)
        return app.session.read_bytes - before, time.perf_counter() - began, delays


async def pane_echoes() -> list[float]:
    """Milliseconds from a key to its echo on the painted pane."""
    app, delays = _Pane(EMULATORS[-1], "cat"), []
    async with app.run_test(size=(COLUMNS + 2, ROWS + 2)) as pilot:
        pane = app.query_one(ShellPane)
        painted = asyncio.Event()
        paint = pane._paint

        def painting() -> None:
            paint()
            painted.set()

        pane._paint = painting  # type: ignore[method-assign]
        await pilot.pause(0.3)
        for _ in range(ECHOES):
            painted.clear()
            began = time.perf_counter()
            pane.type_key("a", "a")
            await asyncio.wait_for(painted.wait(), 5)
            delays.append((time.perf_counter() - began) * 1000)
            await asyncio.sleep(0.03)
    return delays


def plain_echoes() -> list[float]:
    """Milliseconds from a key to its echo on a plain pseudo-terminal."""
    pid, descriptor = pty.fork()
    if pid == 0:
        os.execvp("cat", ["cat"])
    delays = []
    for _ in range(ECHOES):
        time.sleep(0.01)
        began = time.perf_counter()
        os.write(descriptor, b"a")
        os.read(descriptor, 100)
        delays.append((time.perf_counter() - began) * 1000)
    os.close(descriptor)
    os.waitpid(pid, 0)
    return delays


class _Logs(App[None]):
    """A log view alone."""

    def compose(self) -> ComposeResult:
        yield LogView()

    def on_mount(self) -> None:
        self.query_one(LogView).focus()


async def log_opening(gigabytes: float, folder: Path) -> tuple[int, list[float]]:
    """The size of a log, and seconds from asking for its end to its last line in the view."""
    path = folder / "log"
    block = b"".join(
        b"2026-11-29T06:%02d:%02d.%09dZ stdout F line %06d of a log, with words as servers write them all day\n"
        % (number // 600 % 60, number // 10 % 60, number, number)
        for number in range(9_000)
    )
    with path.open("wb") as file:
        for _ in range(int(gigabytes * 1e9 / len(block))):
            file.write(block)

    async def is_running() -> bool:
        return True

    seconds = []
    app = _Logs()
    async with app.run_test(size=(COLUMNS, ROWS)) as pilot:
        view = app.query_one(LogView)
        for _ in range(5):
            view.clear()
            await pilot.pause(0.2)
            began = time.perf_counter()
            view.show(read(path, 3, Reading(follow=True, tail=2_000), is_running))
            while not (view._buffer.lines and b"line 008999" in view._buffer.lines[-1].data):
                await asyncio.sleep(0.002)
            seconds.append(time.perf_counter() - began)
    size = path.stat().st_size
    path.unlink()
    return size, seconds


async def log_flood() -> tuple[float, list[float]]:
    """Lines a second that a view takes of those that are offered, and milliseconds that keys take meanwhile."""
    taken = 0

    async def flood() -> AsyncIterator[LogLine]:
        nonlocal taken
        began = time.perf_counter()
        while True:
            if taken > (time.perf_counter() - began) * FLOOD_LINES_PER_SECOND:
                await asyncio.sleep(0.001)
                continue
            taken += 1
            yield LogLine(at_unix_ns=time.time_ns(), stream="stdout", data=b"line %d of a flood of lines" % taken)

    delays = []
    app = _Logs()
    async with app.run_test(size=(COLUMNS, ROWS)) as pilot:
        view = app.query_one(LogView)
        view.show(flood())
        await pilot.pause(1)
        before, began = taken, time.perf_counter()
        for _ in range(60):
            asked, handled = time.perf_counter(), asyncio.Event()
            app.call_later(handled.set)  # what a key waits for: its turn among the app's messages
            await handled.wait()
            delays.append((time.perf_counter() - asked) * 1000)
            await asyncio.sleep(0.05)
        return (taken - before) / (time.perf_counter() - began), delays


def _spread(delays: list[float]) -> str:
    high = sorted(delays)[int(len(delays) * 0.95)]
    return f"median {statistics.median(delays):.1f} ms, 95th percentile {high:.1f} ms"


def main(megabytes: int = 50, gigabytes: float = 5.0) -> int:
    """Print all figures."""
    out = sys.stdout.write
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        file = folder / "lines"
        file.write_bytes(coloured_lines(megabytes * _MB))
        out(f"{megabytes} MB of coloured lines at {COLUMNS}x{ROWS}; load average {os.getloadavg()[0]:.1f}\n")
        out(f"  {'a bare reader':<34} {_rate(megabytes * _MB, bare_reader(file))}\n")
        for attached in (False, True):
            label = "tmux, a client attached" if attached else "tmux, nobody attached"
            out(f"  {label:<34} {_rate(megabytes * _MB, tmux(file, folder, attached))}\n")
        for label, seconds in emulators(coloured_lines(_PARSED_ALONE)):
            out(f"  {label:<34} {_rate(_PARSED_ALONE, seconds)}\n")
        for kind in EMULATORS:
            taken, seconds, turns = asyncio.run(pane_throughput(file, kind))
            label = f"the pane, painting, {kind.__name__}"
            out(f"  {label:<34} {_rate(taken, seconds)}; a key waits: {_spread(turns)}\n")
        out(f"echo of a key, plain terminal: {_spread(plain_echoes())}\n")
        out(f"echo of a key, painted pane:   {_spread(asyncio.run(pane_echoes()))}\n")
        size, opened = asyncio.run(log_opening(gigabytes, folder))
        out(f"a log of {size / 1e9:.1f} GB opens at its end in {statistics.median(opened):.3f} s")
        out(f" (most {max(opened):.3f})\n")
        rate, delays = asyncio.run(log_flood())
        out(f"{FLOOD_LINES_PER_SECOND:,} lines/s offered: {rate:,.0f} taken; a key waits: {_spread(delays)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(*(int(word) for word in sys.argv[1:])))
