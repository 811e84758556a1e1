"""What tells of trouble in a container's cgroup: processes killed for memory, and limits that are met.

Counts are the kernel's, and begin with the cgroup. They are kept by the cgroup that the processes are in (all counts of
v1, pids.events of v2 before Linux 6.12) or passed on to the ones above, so both the container's and the one below it
are asked.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Protocol

from engine.cgroups import folders, layout
from engine.cgroups.alarms import Alarm, Kind, open_eventfd, open_file, open_silent
from engine.cgroups.layout import Layout
from engine.linux.machine import KERNEL_VERSION

_FULL = 0.9  # of a limit, without what can be dropped at once
_PRESSURE = "medium"  # most of what the kernel looks through can't be freed: page cache alone doesn't get there
_UNLIMITED = "max"
# Nobody is told that v1's pids.events has changed: since Linux 6.11 those are who wait for pids.events.local, which is
# a file of v2 (kernel/cgroup/pids.c, pids_event).
_IS_SILENT = KERNEL_VERSION >= (6, 11)


class Trouble(Protocol):
    """The side of one kernel interface.

    Attributes:
        foretells: whether the alarm comes before the kill that it tells of, so that the count may be behind.
    """

    foretells: bool

    def alarms(self) -> list[Alarm]:
        """What tells of it; without those that can't be had."""

    def unheard(self) -> list[tuple[Kind, str, bytes]]:
        """Counts that may grow without an alarm: what they are of, the file, and its content when nothing has happened.

        Whoever sees that can have the alarm go off (`Alarm.sound`).
        """

    def oom_kills(self) -> int:
        """Processes killed for lack of memory."""

    def is_stopped(self) -> bool:
        """Whether processes wait for memory, since the OOM killer is off."""

    def is_full(self) -> bool:
        """Whether it is at its memory limit, with less than a tenth of that in page cache that could be dropped."""

    def pids_refused(self) -> int:
        """Processes and threads that weren't started for the limit."""


def find(path: str) -> Trouble:
    """What tells of the cgroup at a path below the top of each hierarchy.

    What isn't there, for lack of a controller or because the cgroup has gone, has no alarm and counts nothing.
    """
    machine = layout.detect()
    if machine.version == "v2":
        return _V2(f"{machine.unified}{path}")
    return _V1(_folder(machine, "memory", path), _folder(machine, "pids", path))


class _V1:
    foretells = True

    def __init__(self, memory: str, pids: str) -> None:
        self._memory = memory
        self._pids = pids

    def alarms(self) -> list[Alarm]:
        own, below = _both(self._pids, "pids.events")
        return [
            *_eventfd("oom", self._memory, "memory.oom_control"),
            *_eventfd("memory", self._memory, "memory.pressure_level", _PRESSURE),
            *(_silent("pids", (own, below)) if _IS_SILENT else _file("pids", below) or _file("pids", own)),
        ]

    def unheard(self) -> list[tuple[Kind, str, bytes]]:
        oom = _seat(*_both(self._memory, "memory.oom_control"))  # tells of no kill for the machine's lack of memory
        return [
            ("oom", oom, b"oom_kill_disable 0\nunder_oom 0\noom_kill 0\n"),
            ("pids", _seat(*_both(self._pids, "pids.events")), b"max 0\n"),
        ]

    def oom_kills(self) -> int:
        return sum(_values(_both(self._memory, "memory.oom_control"), "oom_kill"))

    def is_stopped(self) -> bool:
        text = folders.read(f"{self._memory}/memory.oom_control")
        return bool(folders.value_of(text, "oom_kill_disable") and folders.value_of(text, "under_oom"))

    def is_full(self) -> bool:
        limit = int(folders.read(f"{self._memory}/memory.limit_in_bytes") or 0)
        usage = int(folders.read(f"{self._memory}/memory.usage_in_bytes") or 0)
        droppable = _dropped(f"{self._memory}/memory.stat", ("total_inactive_file", "total_active_file"))
        return _is_full(usage - droppable, limit)

    def pids_refused(self) -> int:
        own, below = _both(self._pids, "pids.events")
        return folders.value_of(folders.read(below) or folders.read(own), "max") or 0


class _V2:
    foretells = False

    def __init__(self, folder: str) -> None:
        self._folder = folder

    def alarms(self) -> list[Alarm]:
        memory = f"{self._folder}/memory.events"
        return [
            *_file("oom", memory),
            *_file("memory", memory),  # a second time, since each is deaf at other times
            *(alarm for path in _both(self._folder, "pids.events") for alarm in _file("pids", path)),
        ]

    def unheard(self) -> list[tuple[Kind, str, bytes]]:
        return []

    def oom_kills(self) -> int:
        return sum(_values([f"{self._folder}/memory.events"], "oom_kill"))

    def is_stopped(self) -> bool:
        return False

    def is_full(self) -> bool:
        limits = [folders.read(f"{self._folder}/{file}") for file in ("memory.max", "memory.high")]
        limit = min((int(limit) for limit in limits if limit not in ("", _UNLIMITED)), default=0)
        usage = int(folders.read(f"{self._folder}/memory.current") or 0)
        droppable = _dropped(f"{self._folder}/memory.stat", ("inactive_file", "active_file", "slab_reclaimable"))
        return _is_full(usage - droppable, limit)

    def pids_refused(self) -> int:
        return max(_values(_both(self._folder, "pids.events"), "max"))


def _folder(machine: Layout, controller: str, path: str) -> str:
    """A folder that isn't there where the controller isn't."""
    points = (hierarchy.point for hierarchy in machine.hierarchies if controller in hierarchy.controllers)
    return next(points, "/proc/self/absent") + path


def _both(folder: str, file: str) -> tuple[str, str]:
    return f"{folder}/{file}", f"{folder}/{folders.PAYLOAD}/{file}"


def _seat(own: str, below: str) -> str:
    """The file of the cgroup that the processes are in."""
    return below if os.path.exists(below) else own


def _eventfd(kind: Kind, folder: str, file: str, argument: str = "") -> tuple[Alarm, ...]:
    try:
        return (Alarm(kind, False, open_eventfd(folder, file, argument)),)
    except OSError:  # ENOENT: no such controller or cgroup; EMFILE
        return ()


def _file(kind: Kind, path: str) -> tuple[Alarm, ...]:
    try:
        return (Alarm(kind, True, open_file(path)),)
    except OSError:
        return ()


def _silent(kind: Kind, paths: Iterable[str]) -> tuple[Alarm, ...]:
    return (Alarm(kind, False, open_silent()),) if any(map(os.path.exists, paths)) else ()


def _values(paths: Iterable[str], key: str) -> list[int]:
    return [folders.value_of(folders.read(path), key) or 0 for path in paths]


def _dropped(path: str, keys: tuple[str, ...]) -> int:
    text = folders.read(path)
    return sum(folders.value_of(text, key) or 0 for key in keys)


def _is_full(held: int, limit: int) -> bool:
    return limit > 0 and held >= limit * _FULL
