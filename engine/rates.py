"""From two readings of a container to what front ends show: levels, totals and rates. Pure."""

from __future__ import annotations

from msgspec import Struct

from engine.cgroups.statistics import Usage
from engine.model import ContainerSample, Limits


class Traffic(Struct, frozen=True):
    """Bytes through a container's interface since it was made, seen from inside.

    Attributes:
        at_ns: when they were counted, on the monotonic clock: all interfaces are, before the first cgroup is read.
    """

    at_ns: int
    received_bytes: int
    sent_bytes: int


_NO_TRAFFIC = Traffic(0, 0, 0)


class Reading(Struct, frozen=True):
    """Everything read about one container; no traffic where it has no interface of ours.

    Attributes:
        at_ns: when its cgroup was read, on the monotonic clock.
    """

    at_ns: int
    usage: Usage
    traffic: Traffic | None = None


def compare(container_id: str, now: Reading, before: Reading | None, limits: Limits) -> ContainerSample:
    """The sample of one tick; without an earlier reading all rates are 0."""
    before = before or now
    seconds = (now.at_ns - before.at_ns) / 1e9
    traffic = now.traffic or _NO_TRAFFIC
    earlier = before.traffic or traffic
    traffic_seconds = (traffic.at_ns - earlier.at_ns) / 1e9
    usage = now.usage
    return ContainerSample(
        container_id=container_id,
        cpu_usage_usec=usage.cpu_usage_usec,
        cpu_percent=_rate(usage.cpu_usage_usec, before.usage.cpu_usage_usec, seconds) / 1e4,
        cpu_limit_percent=None if limits.cpus is None else limits.cpus * 100,
        memory_bytes=usage.memory_bytes,
        memory_cache_bytes=usage.memory_cache_bytes,
        memory_limit_bytes=limits.memory_bytes,
        pids=usage.pids,
        pids_limit=limits.pids,
        oom_kills=usage.oom_kills,
        block_read_bytes=usage.block_read_bytes,
        block_written_bytes=usage.block_written_bytes,
        block_read_bytes_per_second=_rate(usage.block_read_bytes, before.usage.block_read_bytes, seconds),
        block_written_bytes_per_second=_rate(usage.block_written_bytes, before.usage.block_written_bytes, seconds),
        network_received_bytes=traffic.received_bytes,
        network_sent_bytes=traffic.sent_bytes,
        network_received_bytes_per_second=_rate(traffic.received_bytes, earlier.received_bytes, traffic_seconds),
        network_sent_bytes_per_second=_rate(traffic.sent_bytes, earlier.sent_bytes, traffic_seconds),
    )


def _rate(now: int, before: int, seconds: float) -> float:
    """Growth per second; a counter that went back was reset, and its rate isn't known for one tick."""
    return max(now - before, 0) / seconds if seconds > 0 else 0.0
