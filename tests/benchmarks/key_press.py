"""How long it takes from a key to the painted frame, with hundreds of containers of which every one is measured anew
each second. The containers are made up, the app and its terminal are not.

``python -m tests.benchmarks.key_press --help``
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import sys
import time
from pathlib import Path

from tests.benchmarks.idle import App, Screen
from tests.tui.fake_engine import FakeEngine, container

_SETTLE_SECONDS = 8.0
_PATIENCE_SECONDS = 5.0


class Watched(App):
    """An app whose output is looked at: the pid of the selected container stands in its own part alone."""

    def __init__(self, containers: int, screen: Screen) -> None:
        super().__init__(
            Path("/nowhere"),
            Path("/nowhere"),
            screen,
            (sys.executable, "-m", "tests.benchmarks.key_press", f"--show={containers}"),
        )
        self.text = b""

    def _drain(self) -> None:
        while True:
            try:
                self.text = self.text[-65_536:] + os.read(self._terminal, 65_536)
            except OSError:  # EIO: nobody holds the other side any more (pty(7))
                return

    def press(self, key: bytes, number: int) -> float:
        """Seconds until the container of that number is shown as the selected one."""
        self.text, pid = b"", str(container(number, "").pid).encode()
        begun = time.perf_counter()
        os.write(self._terminal, key)
        while pid not in self.text:
            if time.perf_counter() - begun > _PATIENCE_SECONDS:
                raise TimeoutError(f"{key!r} selected nothing")
            time.sleep(0.0005)
        return time.perf_counter() - begun


def _show(count: int) -> None:
    """The app over containers that are made up."""
    from engine.config.model import Config
    from tui.app import BoxdeckApp

    BoxdeckApp(FakeEngine(*(container(n, f"box-{n:03}") for n in range(count))), Config()).run()  # type: ignore[arg-type]


def main() -> None:
    """Measure and tell."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.key_press", description=__doc__)
    parser.add_argument("--containers", type=int, default=500)
    parser.add_argument("--keys", type=int, default=200, help="how many to press, fewer than containers [200]")
    parser.add_argument("--show", type=int, help=argparse.SUPPRESS)
    options, _ = parser.parse_known_args()  # the app's own options are of no use here
    if options.show is not None:
        _show(options.show)
        return
    with Watched(options.containers, Screen(120, 36)) as app:
        time.sleep(_SETTLE_SECONDS)
        cpu, seconds = app.cpu_seconds(), []
        begun = time.monotonic()
        for number in range(1, options.keys + 1):
            seconds.append(app.press(b"j", number % options.containers))
            time.sleep(random.uniform(0.05, 0.15))  # so that some meet a tick
        used, passed = app.cpu_seconds() - cpu, time.monotonic() - begun
    milliseconds = [1000 * each for each in seconds]
    cuts = statistics.quantiles(milliseconds, n=20)
    sys.stdout.write(
        f"{options.containers} containers, {options.keys} keys: median {statistics.median(milliseconds):.1f} ms, "
        f"95th percentile {cuts[-1]:.1f} ms, longest {max(milliseconds):.1f} ms; "
        f"{1000 * used / options.keys:.1f} ms of processor time a key, ticks included ({100 * used / passed:.0f} %)\n"
    )


if __name__ == "__main__":
    main()
