"""One look at all running containers: cgroups through open descriptors, traffic in one netlink message."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Protocol

from engine import descriptors
from engine.cgroups import layout
from engine.cgroups.in_force import InForce
from engine.cgroups.statistics.reader import MOST_FILES, UsageReader, read_once
from engine.cgroups.statistics.usage import Usage
from engine.errors import BoxdeckError
from engine.model import Container, ContainerSample, Endpoint, Limits
from engine.model.topology import LinkCounters
from engine.network.links import LinkStatistics
from engine.rates import Comparison, InterfaceCount, Reading, Traffic

_LIMITS_EVERY = 20  # turns: each container's limits are read in one out of so many, and when its record has changed
_TURN_SECONDS = 0.9  # from one turn to the next; a look each second is one each time
_ABOVE_SECONDS = 10.0  # what binds all of them together is read again after so long


class CounterReader(Protocol):
    """Reads network counters (`engine.network.counters`)."""

    machine: Mapping[int, LinkStatistics]

    def read(self, names: Collection[str]) -> Mapping[str, LinkCounters]:
        """What has been counted so far at these interfaces of the host's, by name; the very same if nothing was."""

    def close(self) -> None:
        """Let go of the socket."""


class _Tracked:
    """A container between two looks: its open files, its limits, and what there is to compare with.

    Attributes:
        read: what it uses now; None when it has gone.
        close: closes its files.
    """

    __slots__ = ("_counters", "_interfaces", "close", "comparison", "container", "limits", "path", "read")

    def __init__(self, container: Container, path: str, keep_open: bool) -> None:
        self.container = container
        self.path = path
        self.limits: Limits | None = None
        self.comparison = Comparison(container.id)
        self._counters: Mapping[str, LinkCounters] | None = None
        self._interfaces: tuple[InterfaceCount, ...] = ()
        machine = layout.detect()
        reader = UsageReader(machine, path)
        self.read: Callable[[], Usage | None] = reader.read
        self.close = reader.close
        if not keep_open:
            self.close()
            self.read = lambda: read_once(machine, path)

    def traffic(self, counters: Mapping[str, LinkCounters], at_ns: int) -> Traffic | None:
        """What went through its interfaces; None where there is none, and where none could be counted."""
        if counters is not self._counters:
            self._counters = counters
            counted = [
                _count(end, found)
                for end in self.container.endpoints
                if (found := counters.get(end.host_interface)) is not None
            ]
            if counted != list(self._interfaces):
                self._interfaces = tuple(counted)
        return Traffic(at_ns, self._interfaces) if self._interfaces else None

    def is_of(self, container: Container) -> bool:
        """Whether it is about this very start, and not an earlier one in another cgroup."""
        if container is self.container:
            return True
        if container.started_unix_ns != self.container.started_unix_ns:
            return False
        self.container, self.limits = container, None  # something about it has changed: perhaps its limits
        self._counters = None
        return True


class Survey:
    """Keeps what is needed to look at the same containers again and again.

    Args:
        cgroup_path: a container's cgroup, below the top of each hierarchy.
        open_counters: opens the reader of network counters; None for no network figures.
    """

    def __init__(
        self, cgroup_path: Callable[[Container], str], open_counters: Callable[[], CounterReader] | None = None
    ) -> None:
        self._cgroup_path = cgroup_path
        self._open_counters = open_counters
        self._counters: CounterReader | None = None
        self._in_force = InForce(_ABOVE_SECONDS)
        self._tracked: dict[str, _Tracked] = {}
        self._seen: tuple[Container, ...] = ()
        self._interfaces: tuple[str, ...] = ()
        self._turn = 0
        self._turned_at = 0.0

    def look(self, containers: Sequence[Container]) -> dict[str, ContainerSample]:
        """A sample of every container that is there, by id."""
        return {sample.container_id: sample for sample in self.samples(containers)}

    def samples(self, containers: Sequence[Container]) -> Iterator[ContainerSample]:
        """As `look`, one after the other, for those who have something else to do in between."""
        self._forget_all_but(containers)
        counters, counted_at_ns = self._read_counters(), time.monotonic_ns()
        is_turn = self._turned()
        for number, container in enumerate(containers, self._turn):
            tracked = self._tracked.get(container.id) or self._track(container)
            usage = tracked.read() if tracked else None
            if tracked is None or usage is None:
                self._forget(container.id)
                continue
            reading = Reading(usage, tracked.traffic(counters, counted_at_ns) if container.endpoints else None)
            limits = tracked.limits
            if limits is None or (is_turn and number % _LIMITS_EVERY == 0):
                limits = self._read_limits(tracked)
            yield tracked.comparison.sample(reading, limits)

    def _turned(self) -> bool:
        """Whether it is time for some more limits to be read."""
        now = time.monotonic()
        if now - self._turned_at < _TURN_SECONDS:
            return False
        self._turn, self._turned_at = self._turn + 1, now
        return True

    @property
    def devices(self) -> Mapping[int, LinkStatistics] | None:
        """The machine's own network devices as of the last look; None where nobody counts."""
        return self._counters.machine if self._counters is not None else None

    def close(self) -> None:
        """Close everything; the next look starts anew, without rates."""
        self._forget_all_but(())
        self._close_counters()

    def _read_limits(self, tracked: _Tracked) -> Limits:
        """Those in force; the very same object as long as they are the same."""
        found = self._in_force.read(tracked.path)
        limits = Limits(memory_bytes=found.memory_limit_bytes, cpus=found.cpus_limit, pids=found.pids_limit)
        if tracked.limits is None or limits != tracked.limits:
            tracked.limits = limits
        return tracked.limits

    def _track(self, container: Container) -> _Tracked | None:
        wanted = MOST_FILES * (len(self._tracked) + 1)
        try:
            tracked = _Tracked(container, self._cgroup_path(container), descriptors.make_room(wanted) >= wanted)
        except OSError:  # it has ended since it was listed
            return None
        self._tracked[container.id] = tracked
        return tracked

    def _forget_all_but(self, containers: Sequence[Container]) -> None:
        seen = tuple(containers)
        if seen == self._seen:
            return
        self._seen = seen
        self._interfaces = tuple([end.host_interface for each in containers for end in each.endpoints])
        present = {
            container.id
            for container in containers
            if (tracked := self._tracked.get(container.id)) is not None and tracked.is_of(container)
        }
        if len(present) < len(self._tracked):
            for container_id in self._tracked.keys() - present:
                self._forget(container_id)

    def _forget(self, container_id: str) -> None:
        tracked = self._tracked.pop(container_id, None)
        if tracked is not None:
            tracked.close()

    def _read_counters(self) -> Mapping[str, LinkCounters]:
        """Network counters; none when the kernel doesn't tell, which must not cost the other figures."""
        if self._open_counters is None:
            return {}
        try:
            if self._counters is None:
                self._counters = self._open_counters()
            return self._counters.read(self._interfaces)
        except (OSError, BoxdeckError):
            self._close_counters()
            return {}

    def _close_counters(self) -> None:
        if self._counters is not None:
            self._counters.close()
            self._counters = None


def _count(endpoint: Endpoint, found: LinkCounters) -> InterfaceCount:
    return InterfaceCount(
        name=endpoint.container_interface,
        host_interface=endpoint.host_interface,
        received_bytes=found.received_bytes,
        received_packets=found.received_packets,
        received_errors=found.received_errors,
        received_dropped=found.received_dropped,
        sent_bytes=found.sent_bytes,
        sent_packets=found.sent_packets,
        sent_errors=found.sent_errors,
        sent_dropped=found.sent_dropped,
    )
