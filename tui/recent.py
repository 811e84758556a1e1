"""Whole samples of the machine and of the selected container, for what one looks at closely; bounded."""

from __future__ import annotations

from collections import deque

from msgspec import Struct

from engine.model import ContainerSample, HostSample, Snapshot

CAPACITY = 600
"""Ticks kept: ten minutes at one a second."""


class Tick(Struct, frozen=True):
    """A container's sample, and when it was taken."""

    at_unix_seconds: float
    sample: ContainerSample


class Recent:
    """The last ticks.

    Only the selected container's are kept whole: those of hundreds would take hundreds of megabytes.

    Attributes:
        hosts: of the machine, oldest first.
        ticks: of the selected container since it was selected, oldest first.
    """

    def __init__(self) -> None:
        self.hosts: deque[HostSample] = deque(maxlen=CAPACITY)
        self.ticks: deque[Tick] = deque(maxlen=CAPACITY)
        self._container_id: str | None = None

    def take(self, snapshot: Snapshot, container_id: str | None) -> None:
        """Remember one tick of the machine, and of that container if it runs."""
        self.hosts.append(snapshot.host)
        if container_id != self._container_id:
            self.ticks.clear()
            self._container_id = container_id
        sample = snapshot.containers.get(container_id or "")
        if sample is not None:
            self.ticks.append(Tick(snapshot.taken_unix_ns / 1e9, sample))

    def of(self, container_id: str) -> tuple[Tick, ...]:
        """A container's ticks; none unless it is the one that is being kept."""
        return tuple(self.ticks) if container_id == self._container_id else ()
