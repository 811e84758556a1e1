"""What was measured lately, for curves: some minutes of samples per container, and no more."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from engine.model import ContainerSample, HostSample, Snapshot
from engine.model import Series as Recorded
from engine.model.history import History as Past

CAPACITY = 600
"""Samples kept of each series: ten minutes at one a second."""

_JITTER = 0.1
"""By this share of an interval ticks are early or late without its being another interval."""

Values = deque[float | None]


class Series:
    """One container's recent past, oldest first; None where nothing was known."""

    def __init__(self) -> None:
        self.cpu_percent: Values = deque(maxlen=CAPACITY)
        self.memory_bytes: Values = deque(maxlen=CAPACITY)
        self.received_per_second: Values = deque(maxlen=CAPACITY)
        self.sent_per_second: Values = deque(maxlen=CAPACITY)
        self._begun_unix_seconds: int | None = None

    def add(self, sample: ContainerSample, at_unix_seconds: int) -> None:
        """Append one tick."""
        if self._begun_unix_seconds is None:
            self._begun_unix_seconds = at_unix_seconds
        cpu, memory, network = sample.cpu, sample.memory, sample.network
        self.cpu_percent.append(cpu.percent if cpu else None)
        self.memory_bytes.append(memory.working_set_bytes if memory else None)
        self.received_per_second.append(network.received_bytes_per_second if network else None)
        self.sent_per_second.append(network.sent_bytes_per_second if network else None)

    def precede(self, recorded: Recorded) -> None:
        """Put what was recorded, a second a step, before the first tick that has rates."""
        every = (self.cpu_percent, self.memory_bytes, self.received_per_second, self.sent_per_second)
        if len(self.cpu_percent) > 1 and self.cpu_percent[0] is None:
            for values in every:  # the next tick came within the same second
                values.popleft()
        begun = self._begun_unix_seconds
        later = 0 if begun is None else recorded.until_unix_seconds - begun + 1  # known from ticks; negative: a gap
        columns = (
            recorded.cpu_percent,
            recorded.memory_working_set_bytes,
            recorded.received_bytes_per_second,
            recorded.sent_bytes_per_second,
        )
        for values, earlier in zip(every, columns, strict=True):
            _precede(values, earlier, later)


class History:
    """The recent past of every container and of the machine.

    A container that has ended keeps its curve until it is removed or starts anew, so that a person can see
    what it died of.
    """

    def __init__(self) -> None:
        self.host_cpu_percent: Values = deque(maxlen=CAPACITY)
        self._series: dict[str, Series] = {}
        self._live: set[str] = set()
        self._filled: set[str] = set()
        self.interval_seconds = 1.0

    def record(self, snapshot: Snapshot) -> None:
        """Append one tick of everything."""
        measured = snapshot.interval_seconds or self.interval_seconds
        if abs(measured - self.interval_seconds) > _JITTER * self.interval_seconds:
            self.interval_seconds = measured
        self._add_host(snapshot.host)
        for container_id, sample in snapshot.containers.items():
            if container_id not in self._live:
                self._series[container_id] = Series()
            self._series[container_id].add(sample, snapshot.taken_unix_ns // 10**9)
        self._live = set(snapshot.containers)

    def of(self, container_id: str) -> Series:
        """A container's series; empty when nothing is known of it."""
        return self._series.get(container_id) or Series()

    def is_filled(self, container_id: str) -> bool:
        """Whether what was recorded before the app came is known already."""
        return container_id in self._filled

    def fill(self, container_id: str, past: Past | None) -> None:
        """Put what was recorded before the app came where it belongs; None: nothing was."""
        self._filled.add(container_id)
        if past is not None and past.hour.cpu_percent:
            self._series.setdefault(container_id, Series()).precede(past.hour)

    def keep_only(self, container_ids: set[str]) -> None:
        """Forget containers that no longer exist."""
        self._filled &= container_ids
        for container_id in set(self._series) - container_ids:
            del self._series[container_id]

    def _add_host(self, host: HostSample) -> None:
        self.host_cpu_percent.append(host.cpu_percent)


def _precede(values: Values, earlier: Sequence[float | None], later: int) -> None:
    room = CAPACITY - len(values)
    if -later >= room:
        return
    known = earlier[: max(0, len(earlier) - later)] if later > 0 else (*earlier, *[None] * -later)
    if room:
        values.extendleft(reversed(known[-room:]))
