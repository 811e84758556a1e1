"""Alarms that the shim listens to, and that cost it next to nothing until the first one goes off.

Most containers have no incident ever. What answers alarms touches 100 KiB of the interpreter's memory, which would be
each shim's own from then on: it is made when there is something to answer.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial

from engine.cgroups.alarms import Alarm, Kind
from engine.incidents import Incidents
from engine.runtime.incident_watch import IncidentWatch
from engine.runtime.loop import Loop


class IncidentAlarms:
    """The alarms of one container's cgroup, which are ours from now on.

    Args:
        alarms: kind, urgency and descriptor of each, as in `Alarm`.
    """

    def __init__(self, loop: Loop, alarms: tuple[tuple[Kind, bool, int], ...]) -> None:
        self._loop = loop
        self._alarms = alarms
        self._watch: IncidentWatch | None = None

    def listen(self, path: str, tell: Callable[[Incidents], None]) -> None:
        """Be told of new totals, from the loop.

        Args:
            path: of the cgroup.
        """
        for _, urgent, descriptor in self._alarms:
            self._loop.watch(descriptor, partial(self._hear, path, tell), urgent=urgent)

    def sound(self, kind: Kind) -> None:
        """Have those of a kind go off."""
        for alarm in self._alarms:
            if alarm[0] == kind:
                Alarm(*alarm).sound()

    def close(self) -> None:
        """Be told no more."""
        if self._watch is not None:
            self._watch.close()
        for _, _, descriptor in self._alarms:
            self._loop.forget(descriptor)
            os.close(descriptor)
        self._alarms = ()

    def _hear(self, path: str, tell: Callable[[Incidents], None]) -> None:
        alarms = tuple(Alarm(*alarm) for alarm in self._alarms)
        self._watch = IncidentWatch(self._loop, path, alarms, tell)  # it hears the same alarm once more
