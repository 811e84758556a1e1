"""One look at all running containers: their cgroups through open descriptors, their traffic in one netlink dump."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from engine.cgroups import layout
from engine.cgroups.manager import Cgroup
from engine.cgroups.statistics import FILES_PER_CGROUP, Usage, UsageReader, open_usage, read_once
from engine.errors import BoxdeckError
from engine.model import Container, ContainerSample, Limits
from engine.rates import Reading, Traffic, compare

_LIMITS_EVERY = 10  # looks: limits seldom change, so each container's are read in one look out of so many


class Counters(Protocol):
    """What was counted at one interface, seen from inside the container."""

    @property
    def received_bytes(self) -> int:
        """Bytes that came into the container."""

    @property
    def sent_bytes(self) -> int:
        """Bytes that left it."""


class CounterReader(Protocol):
    """Reads the counters of all our interfaces by the host's name of each (`engine.network.counters`)."""

    def read(self) -> Mapping[str, Counters]:
        """What has been counted so far."""

    def close(self) -> None:
        """Let go of the socket."""


class _Tracked:
    """A container between two looks: its open files, limits and last reading."""

    def __init__(self, container: Container, path: str, keep_open: bool) -> None:
        self.started_unix_ns = container.started_unix_ns
        self.cgroup = Cgroup(path)
        self.limits = Limits()
        self.last: Reading | None = None
        self._reader: UsageReader | None = open_usage(layout.detect(), path)
        if not keep_open:
            self.close()

    def read(self) -> Usage | None:
        """What it uses now; None when it has gone."""
        if self._reader is not None:
            return self._reader.read()
        return read_once(layout.detect(), self.cgroup.path)

    def close(self) -> None:
        """Close its files; later reads open them again."""
        if self._reader is not None:
            self._reader.close()
            self._reader = None


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
        self._tracked: dict[str, _Tracked] = {}
        self._most_open = _most_open()
        self._looks = 0

    def look(self, containers: Sequence[Container]) -> dict[str, ContainerSample]:
        """A sample of every container that is there, by id."""
        self._forget_all_but(containers)
        counters, counted_at_ns = self._read_counters(), time.monotonic_ns()
        samples: dict[str, ContainerSample] = {}
        for number, container in enumerate(containers):
            fresh_limits = (self._looks + number) % _LIMITS_EVERY == 0
            sample = self._sample(container, _traffic(container, counters, counted_at_ns), fresh_limits)
            if sample is not None:
                samples[container.id] = sample
        self._looks += 1
        return samples

    def close(self) -> None:
        """Close everything; the next look starts anew, without rates."""
        self._forget_all_but(())
        self._close_counters()

    def _sample(self, container: Container, traffic: Traffic | None, fresh_limits: bool) -> ContainerSample | None:
        tracked = self._tracked.get(container.id) or self._track(container)
        usage = tracked.read() if tracked else None
        if tracked is None or usage is None:
            self._forget(container.id)
            return None
        if fresh_limits or tracked.last is None:
            tracked.limits = tracked.cgroup.read_limits()
        reading = Reading(time.monotonic_ns(), usage, traffic)
        sample = compare(container.id, reading, tracked.last, tracked.limits)
        tracked.last = reading
        return sample

    def _track(self, container: Container) -> _Tracked | None:
        keep_open = len(self._tracked) < self._most_open
        try:
            tracked = _Tracked(container, self._cgroup_path(container), keep_open)
        except OSError:  # it has ended since it was listed
            return None
        self._tracked[container.id] = tracked
        return tracked

    def _forget_all_but(self, containers: Sequence[Container]) -> None:
        starts = {container.id: container.started_unix_ns for container in containers}
        for container_id, tracked in list(self._tracked.items()):
            if starts.get(container_id, -1) != tracked.started_unix_ns:  # ended, or started anew in a new cgroup
                self._forget(container_id)

    def _forget(self, container_id: str) -> None:
        tracked = self._tracked.pop(container_id, None)
        if tracked is not None:
            tracked.close()

    def _read_counters(self) -> Mapping[str, Counters]:
        """Network counters; none when the kernel doesn't tell, which must not cost the other figures."""
        if self._open_counters is None:
            return {}
        try:
            if self._counters is None:
                self._counters = self._open_counters()
            return self._counters.read()
        except (OSError, BoxdeckError):
            self._close_counters()
            return {}

    def _close_counters(self) -> None:
        if self._counters is not None:
            self._counters.close()
            self._counters = None


def _traffic(container: Container, counters: Mapping[str, Counters], at_ns: int) -> Traffic | None:
    found = counters.get(container.endpoint.host_interface) if container.endpoint else None
    return Traffic(at_ns, found.received_bytes, found.sent_bytes) if found else None


def _most_open() -> int:
    """How many containers' files may stay open: half of what the process may have belongs to others."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return 100_000 if soft == resource.RLIM_INFINITY else soft // 2 // FILES_PER_CGROUP
