"""From two readings of a container to what front ends show: levels, totals and rates. Pure."""

from __future__ import annotations

from msgspec import Struct

from engine.cgroups.statistics import Usage
from engine.model import ContainerSample, Limits


class Traffic(Struct, frozen=True):
    """Bytes through a container's interface since it was made, seen from inside."""

    received_bytes: int = 0
    sent_bytes: int = 0


class Reading(Struct, frozen=True):
    """Everything read about one container at one moment.

    Attributes:
        at_ns: on the monotonic clock.
    """

    at_ns: int
    usage: Usage
    traffic: Traffic = Traffic()


def compare(container_id: str, now: Reading, before: Reading | None, limits: Limits) -> ContainerSample:
    """The sample of one tick; without an earlier reading all rates are 0."""
    usage, traffic = now.usage, now.traffic
    before = before or now
    seconds = (now.at_ns - before.at_ns) / 1e9
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
        network_received_bytes_per_second=_rate(traffic.received_bytes, before.traffic.received_bytes, seconds),
        network_sent_bytes_per_second=_rate(traffic.sent_bytes, before.traffic.sent_bytes, seconds),
    )


def _rate(now: int, before: int, seconds: float) -> float:
    """Growth per second; a counter that went back was reset, and its rate isn't known for one tick."""
    return max(now - before, 0) / seconds if seconds > 0 else 0.0
