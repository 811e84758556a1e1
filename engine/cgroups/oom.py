"""Being told when a cgroup runs out of memory: a descriptor to wait for, and how often it has happened."""

from __future__ import annotations

import os
import select
from typing import Protocol

from engine.cgroups import alarms, folders, layout
from engine.cgroups.manager import Cgroup
from engine.errors import Unsupported


class OomWatch(Protocol):
    """Wait for `events` on the descriptor with poll(2), then `read`.

    Attributes:
        events: for poll(2).
    """

    events: int

    def fileno(self) -> int:
        """The descriptor."""

    def read(self) -> int | None:
        """How often it has happened since the last look; None when the cgroup has gone."""

    def close(self) -> None:
        """Look no more."""


def watch_oom(cgroup: Cgroup) -> OomWatch:
    """Watch a cgroup and all below it.

    Raises:
        Unsupported: the kernel doesn't tell.
    """
    machine = layout.detect()
    try:
        if machine.version == "v2":
            return _V2(f"{machine.unified}{cgroup.path}")
        for hierarchy in machine.hierarchies:
            if "memory" in hierarchy.controllers:
                return _V1(hierarchy.point + cgroup.path)
    except OSError as error:
        cause = f"the kernel doesn't tell when memory runs out ({error.strerror})"
        raise Unsupported(cause, "look at the exit status instead") from error
    raise Unsupported("the memory controller is not available here", "look at the exit status instead")


def wait(watch: OomWatch, seconds: float) -> int | None:
    """Wait for the next time at most so long; how often it has happened, None when the cgroup has gone."""
    poll = select.poll()
    poll.register(watch.fileno(), watch.events)
    poll.poll(seconds * 1000)
    return watch.read()


class _V1:
    events = select.POLLIN

    def __init__(self, folder: str) -> None:
        self._descriptor = alarms.open_eventfd(folder, "memory.oom_control")
        self._folder = folder

    def fileno(self) -> int:
        return self._descriptor

    def read(self) -> int | None:
        try:
            count = os.eventfd_read(self._descriptor)
        except BlockingIOError:
            count = 0
        return count if os.path.isdir(self._folder) else None  # removing the cgroup counts as an event, too

    def close(self) -> None:
        os.close(self._descriptor)


class _V2:
    events = select.POLLPRI

    def __init__(self, folder: str) -> None:
        self._descriptor = alarms.open_file(f"{folder}/memory.events")
        self._count = self._kills() or 0

    def fileno(self) -> int:
        return self._descriptor

    def read(self) -> int | None:
        before, now = self._count, self._kills()
        if now is None:
            return None
        self._count = now
        return now - before

    def close(self) -> None:
        os.close(self._descriptor)

    def _kills(self) -> int | None:
        try:
            text = os.pread(self._descriptor, 4096, 0).decode()
        except OSError:  # ENODEV
            return None
        return folders.value_of(text, "oom_kill") or 0
