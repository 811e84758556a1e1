"""What was measured lately, for graphs: a few minutes of samples per container, and no more."""

from __future__ import annotations

from collections import deque

from engine.model import ContainerSample, HostSample, Snapshot

CAPACITY = 600
"""Samples kept of each series: ten minutes at one a second."""


class Series:
    """One container's recent past, oldest first."""

    def __init__(self) -> None:
        self.cpu_percent: deque[float] = deque(maxlen=CAPACITY)
        self.memory_bytes: deque[float] = deque(maxlen=CAPACITY)
        self.received_per_second: deque[float] = deque(maxlen=CAPACITY)
        self.sent_per_second: deque[float] = deque(maxlen=CAPACITY)

    def add(self, sample: ContainerSample) -> None:
        """Append one tick."""
        self.cpu_percent.append(sample.cpu_percent)
        self.memory_bytes.append(sample.memory_bytes)
        self.received_per_second.append(sample.network_received_bytes_per_second)
        self.sent_per_second.append(sample.network_sent_bytes_per_second)


class History:
    """The recent past of every container and of the machine.

    A container that has ended keeps its curve until it is removed or starts anew, so that a person can see
    what it died of.
    """

    def __init__(self) -> None:
        self.host_cpu_percent: deque[float] = deque(maxlen=CAPACITY)
        self._series: dict[str, Series] = {}
        self._live: set[str] = set()
        self.interval_seconds = 1.0

    def record(self, snapshot: Snapshot) -> None:
        """Append one tick of everything."""
        self.interval_seconds = snapshot.interval_seconds or self.interval_seconds
        self._add_host(snapshot.host)
        for container_id, sample in snapshot.containers.items():
            if container_id not in self._live:
                self._series[container_id] = Series()
            self._series[container_id].add(sample)
        self._live = set(snapshot.containers)

    def of(self, container_id: str) -> Series:
        """A container's series; empty when nothing is known of it."""
        return self._series.get(container_id) or Series()

    def keep_only(self, container_ids: set[str]) -> None:
        """Forget containers that no longer exist."""
        for container_id in set(self._series) - container_ids:
            del self._series[container_id]

    def _add_host(self, host: HostSample) -> None:
        self.host_cpu_percent.append(host.cpu_percent)
