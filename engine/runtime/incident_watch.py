"""The shim's watch over its container's limits: the kernel tells, and the shim counts.

Nothing is done while nothing happens. However much does, a shim says a few words a second of it at most, fewer when it
goes on, and looks a few times a second; what it says are totals, so nothing is lost.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from msgspec.structs import replace

from engine.cgroups import incident_counts
from engine.cgroups.alarms import Alarm
from engine.cgroups.trouble import find
from engine.incidents import Incidents
from engine.runtime.loop import Loop

_FIRST_LOOK_SECONDS = 0.002  # for a kill that was foretold; doubled each time
_LOOKS = 8  # 0.5 s together


class Pace:
    """How soon a further word may follow (the generic cell rate algorithm, ITU-T I.371).

    Args:
        gap_seconds: between two words at least.
        regain_seconds: between two words in the long run.
        burst: how many may come before that counts.
    """

    def __init__(self, gap_seconds: float, regain_seconds: float, burst: int) -> None:
        self._gap = gap_seconds
        self._regain = regain_seconds
        self._tolerance = regain_seconds * burst
        self._due = 0.0

    def spoken(self, now: float) -> float:
        """A word was said at this time (monotonic); how many seconds to be silent."""
        self._due = max(self._due, now) + self._regain
        return max(self._gap, self._due - now - self._tolerance)


class _Habit(NamedTuple):
    """How one kind of alarm is answered.

    Attributes:
        delay_seconds: before the first look.
        quiet_seconds: to be deaf after an alarm that was nothing.
    """

    delay_seconds: float
    quiet_seconds: float


_HABITS = {
    "oom": _Habit(0.0, 0.05),
    "memory": _Habit(0.05, 1.0),  # what is still full then neither was killed nor had a spike only
    "pids": _Habit(0.0, 0.0),
}


class IncidentWatch:
    """Watches one cgroup until `close`.

    Args:
        path: of the cgroup, which is as old as the container's start: its counts begin with that.
        alarms: those of its that are to be listened to, and will be closed by the caller.
        tell: called with the new totals, from the loop.
    """

    def __init__(self, loop: Loop, path: str, alarms: tuple[Alarm, ...], tell: Callable[[Incidents], None]) -> None:
        self._loop = loop
        self._path = path
        self._trouble = find(path)
        self._alarms = alarms
        self._incidents = Incidents()
        self._tell = tell
        self._paces = {"oom": Pace(0.25, 60.0, 20), "memory": Pace(60.0, 600.0, 3), "pids": Pace(1.0, 60.0, 5)}
        self._looks = {"oom": self._look_for_kills, "memory": self._look_at_memory, "pids": self._look_at_pids}
        for alarm in alarms:
            self._watch(alarm)

    def close(self) -> None:
        """Watch no more."""
        self._alarms = ()

    def _watch(self, alarm: Alarm) -> None:
        if alarm in self._alarms:
            self._loop.watch(alarm.descriptor, partial(self._woken, alarm), urgent=alarm.urgent)

    def _woken(self, alarm: Alarm) -> None:
        """Deaf until the look is over, and as long after it as fits what it found; what happens meanwhile waits."""
        self._loop.forget(alarm.descriptor)
        self._loop.call_later(_HABITS[alarm.kind].delay_seconds, partial(self._clear_and_look, alarm))

    def _clear_and_look(self, alarm: Alarm) -> None:
        if alarm in self._alarms:
            alarm.clear()
            self._look(alarm, _LOOKS if alarm.kind == "oom" and self._trouble.foretells else 1)

    def _look(self, alarm: Alarm, looks: int) -> None:
        if alarm not in self._alarms:
            return
        before = self._incidents
        self._looks[alarm.kind]()
        if self._incidents != before:
            self._tell(self._incidents)
            pause = self._paces[alarm.kind].spoken(time.monotonic())
            self._loop.call_later(pause, partial(self._watch, alarm))
        elif looks > 1:
            pause = _FIRST_LOOK_SECONDS * 2 ** (_LOOKS - looks)
            self._loop.call_later(pause, partial(self._look, alarm, looks - 1))
        else:
            self._loop.call_later(_HABITS[alarm.kind].quiet_seconds, partial(self._watch, alarm))

    def _look_for_kills(self) -> None:
        before = self._incidents
        self._incidents = incident_counts.with_kills(before, self._trouble, self._path)
        if self._incidents == before and self._trouble.is_stopped():
            self._incidents = replace(before, oom_stops=incident_counts.now(before.oom_stops.count + 1))

    def _look_at_memory(self) -> None:
        known = self._incidents.memory_limit
        if self._trouble.is_full():
            self._incidents = replace(self._incidents, memory_limit=incident_counts.now(known.count + 1))

    def _look_at_pids(self) -> None:
        self._incidents = incident_counts.with_refusals(self._incidents, self._trouble)
