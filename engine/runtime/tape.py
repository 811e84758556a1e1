"""One container as the recorder has it: where its figures come from, open, and where they go."""

from __future__ import annotations

import contextlib
import time
from typing import NamedTuple

from engine.cgroups import layout
from engine.cgroups.vitals import UNKNOWN, Vitals, VitalsReader
from engine.runtime.history_file import Figures, HistoryFile
from engine.runtime.traffic import Interfaces, TrafficReader
from engine.runtime.unheard import Unheard

_NEW_SECONDS = 2.5  # so long after its start nothing of a container has been missed
_MOST_MISSED_SECONDS = 60  # so long an average stands for each second in which the recorder couldn't run
_TOLERANCE_SECONDS = 0.5
_SECONDS_PER_MINUTE = 60


class Reading(NamedTuple):
    """Totals and levels at one moment; NaN is what isn't known.

    Attributes:
        at: on the monotonic clock, in seconds.
    """

    at: float
    vitals: Vitals
    received_bytes: float
    sent_bytes: float


class Tape:
    """Records one container until its cgroup has gone.

    Args:
        path: of the file.
        runtime: its run-time folder.
        cgroup: its path.
        interfaces: the host's ends of its network interfaces as they are now.
        started: when it was, in seconds since 1970. All counters of a new one began at 0 with it, and the second that
            it was started in is averaged over as a whole.

    Raises:
        OSError: something isn't there, or EMFILE.
    """

    def __init__(self, path: str, runtime: str, cgroup: str, interfaces: Interfaces, started: float) -> None:
        with contextlib.ExitStack() as undo:
            self._unheard = Unheard(runtime, cgroup)
            undo.callback(self._unheard.close)
            self._vitals = VitalsReader(layout.detect(), cgroup)
            undo.callback(self._vitals.close)
            self._traffic = TrafficReader()
            undo.callback(self._traffic.close)
            self._before = self._read(interfaces)
            self._file = HistoryFile(path)
            undo.pop_all()
        self._minute: int | None = None
        since = time.time() - int(started)
        is_new = 0 <= since < _NEW_SECONDS
        self._second = int(started if is_new else time.time()) - 1
        if is_new:
            unused = Vitals(cpu_seconds=0, system_seconds=0, read_bytes=0, written_bytes=0)
            self._before = Reading(time.monotonic() - since, unused, 0, 0)

    def record(self, second: int, interfaces: Interfaces) -> None:
        """Record the second that is over.

        Args:
            interfaces: as they are now.

        Raises:
            OSError: ENODEV, the cgroup has gone.
        """
        self._unheard.pass_on()
        now = self._read(interfaces)
        used = figures(now, self._before)
        for passed in seconds(second, self._second, now.at - self._before.at):
            self._file.put_second(passed, used)
        self._before, self._second = now, second
        if second // _SECONDS_PER_MINUTE != self._minute:
            self._write_minute()
            self._minute = second // _SECONDS_PER_MINUTE

    def close(self) -> None:
        """Write the record of the minute that isn't over, and close everything."""
        with contextlib.suppress(OSError):
            self._write_minute()
        self._file.close()
        self._unheard.close()
        self._vitals.close()
        self._traffic.close()

    def _read(self, interfaces: Interfaces) -> Reading:
        return Reading(time.monotonic(), self._vitals.read(), *self._traffic.read(interfaces))

    def _write_minute(self) -> None:
        if self._minute is not None:
            self._file.put_minute(self._minute)


def figures(now: Reading, before: Reading) -> Figures:
    """What was used between two readings."""
    elapsed = now.at - before.at
    new, old = now.vitals, before.vitals
    return Figures(
        100 * _rate(new.cpu_seconds - old.cpu_seconds, elapsed),
        100 * _rate(new.system_seconds - old.system_seconds, elapsed),
        new.memory_bytes,
        new.anonymous_bytes,
        new.file_bytes,
        new.kernel_bytes,
        new.swap_bytes,
        _rate(new.read_bytes - old.read_bytes, elapsed),
        _rate(new.written_bytes - old.written_bytes, elapsed),
        _rate(now.received_bytes - before.received_bytes, elapsed),
        _rate(now.sent_bytes - before.sent_bytes, elapsed),
        new.cpu_stalled_percent,
        new.memory_stalled_percent,
        new.io_stalled_percent,
        new.pids,
    )


def seconds(second: int, last: int, elapsed: float) -> range:
    """The seconds that a reading stands for: the one that is over, and those missed since the one before.

    None counts as missed when the clocks disagree about the time between: it was set, or the machine was suspended.

    Args:
        last: the second of the reading before.
        elapsed: the time between both by the monotonic clock, in seconds.
    """
    missed = second - last - 1
    if 0 < missed < _MOST_MISSED_SECONDS and abs(missed + 1 - elapsed) < _TOLERANCE_SECONDS:
        return range(last + 1, second + 1)
    return range(second, second + 1)


def _rate(growth: float, elapsed: float) -> float:
    """Growth per second; unknown when a counter went backwards."""
    return growth / elapsed if growth >= 0 and elapsed > 0 else UNKNOWN
