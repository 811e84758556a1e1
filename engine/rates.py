"""From two readings of a container to what front ends show: levels, totals and rates. Pure.

A rate is None, and never a wrong number, when there was no earlier reading, when a counter went backwards, as one does
that was reset, when its controller was off before, and when no time or next to none has passed.
"""

from __future__ import annotations

from msgspec import Struct

from engine.cgroups.statistics.usage import CpuUsage, DeviceUsage, IoUsage, MemoryUsage, PidsUsage, Usage
from engine.model import (
    ContainerSample,
    CpuSample,
    DeviceSample,
    InterfaceSample,
    IoSample,
    Limits,
    MemorySample,
    NetworkSample,
    PidsSample,
)

_SHORTEST_NS = 1_000_000  # the kernel adds up the time of a running process every few milliseconds only

# A device that wasn't in an earlier reading has been used for the first time since: it began at nothing.
_UNUSED = DeviceUsage("", "")


class InterfaceCount(Struct, frozen=True, kw_only=True, gc=False):
    """What went through one interface since it was made, seen from inside; the names are `InterfaceSample`'s."""

    name: str
    host_interface: str
    received_bytes: int = 0
    received_packets: int = 0
    received_errors: int = 0
    received_dropped: int = 0
    sent_bytes: int = 0
    sent_packets: int = 0
    sent_errors: int = 0
    sent_dropped: int = 0


class Traffic(Struct, frozen=True, gc=False):
    """What went through a container's interfaces.

    Attributes:
        at_ns: when they were counted, on the monotonic clock: all interfaces are, before the first cgroup is read.
    """

    at_ns: int
    interfaces: tuple[InterfaceCount, ...] = ()


class Reading(Struct, frozen=True, gc=False):
    """Everything read about one container; no traffic where it has no interface of ours."""

    usage: Usage
    traffic: Traffic | None = None


class Comparison:
    """Makes the samples of one container, look by look; as long as nothing changes it is the very same sample."""

    __slots__ = ("_container_id", "_last", "_limits", "_rests", "_sample")

    def __init__(self, container_id: str) -> None:
        self._container_id = container_id
        self._last: Reading | None = None
        self._limits = Limits()
        self._rests = False
        self._sample = ContainerSample(container_id=container_id)

    def sample(self, now: Reading, limits: Limits) -> ContainerSample:
        """The sample of one tick, as `compare` makes it of this reading and the one before."""
        before, self._last = self._last, now
        rested, self._rests = self._rests, before is not None and _has_rested(now, before)
        if not (rested and self._rests and limits is self._limits):
            self._sample, self._limits = compare(self._container_id, now, before, limits), limits
        return self._sample


def _has_rested(now: Reading, before: Reading) -> bool:
    """Whether nothing at all has changed in a time long enough to say so: all rates are 0.

    Whoever reads tells what hasn't changed by the very same object. Nearly all containers are asked this at each look.
    """
    usage, earlier = now.usage, before.usage
    traffic, counted = now.traffic, before.traffic
    if (
        usage.cpu is not earlier.cpu
        or usage.memory is not earlier.memory
        or usage.io is not earlier.io
        or usage.pids is not earlier.pids
        or usage.at_ns - earlier.at_ns < _SHORTEST_NS
    ):
        return False
    if traffic is None or counted is None:
        return traffic is counted
    return traffic.interfaces is counted.interfaces and traffic.at_ns - counted.at_ns >= _SHORTEST_NS


def compare(container_id: str, now: Reading, before: Reading | None, limits: Limits) -> ContainerSample:
    """The sample of one tick; without an earlier reading rates are None.

    Args:
        limits: those in force, an ancestor's included.
    """
    usage, earlier = now.usage, before.usage if before else None
    seconds = _seconds(usage.at_ns, earlier.at_ns) if earlier else 0.0
    return ContainerSample(
        container_id=container_id,
        cpu=_cpu(usage.cpu, earlier.cpu if earlier else None, seconds, limits) if usage.cpu else None,
        memory=_memory(usage.memory, earlier.memory if earlier else None, seconds, limits) if usage.memory else None,
        io=_io(usage.io, earlier.io if earlier else None, seconds) if usage.io else None,
        pids=_pids(usage.pids, limits) if usage.pids else None,
        network=_network(now.traffic, before.traffic if before else None) if now.traffic else None,
    )


def _cpu(now: CpuUsage, before: CpuUsage | None, seconds: float, limits: Limits) -> CpuSample:
    earlier, per_second = (before, seconds) if before else (now, 0.0)
    return CpuSample(
        usage_usec=now.usage_usec,
        user_usec=now.user_usec,
        system_usec=now.system_usec,
        percent=_percent(now.usage_usec, earlier.usage_usec, per_second),
        user_percent=_percent(now.user_usec, earlier.user_usec, per_second),
        system_percent=_percent(now.system_usec, earlier.system_usec, per_second),
        limit_percent=limits.cpus * 100 if limits.cpus and limits.cpus > 0 else None,
        periods=now.periods,
        throttled_periods=now.throttled_periods,
        throttled_usec=now.throttled_usec,
        pressure=now.pressure,
    )


def _memory(now: MemoryUsage, before: MemoryUsage | None, seconds: float, limits: Limits) -> MemorySample:
    earlier, per_second = (before, seconds) if before else (now, 0.0)
    return MemorySample(
        current_bytes=now.current_bytes,
        working_set_bytes=now.working_set_bytes,
        anonymous_bytes=now.anonymous_bytes,
        file_bytes=now.file_bytes,
        kernel_bytes=now.kernel_bytes,
        swap_bytes=now.swap_bytes,
        peak_bytes=now.peak_bytes,
        limit_bytes=_some(limits.memory_bytes),
        faults=now.faults,
        major_faults=now.major_faults,
        faults_per_second=_rate(now.faults, earlier.faults, per_second),
        major_faults_per_second=_rate(now.major_faults, earlier.major_faults, per_second),
        limit_hits=now.limit_hits,
        oom_kills=now.oom_kills,
        pressure=now.pressure,
    )


def _io(now: IoUsage, before: IoUsage | None, seconds: float) -> IoSample:
    known_seconds = seconds if before else 0.0
    if not now.devices:
        nothing = 0.0 if known_seconds > 0 else None
        return IoSample(
            read_bytes_per_second=nothing,
            written_bytes_per_second=nothing,
            reads_per_second=nothing,
            writes_per_second=nothing,
            pressure=now.pressure,
        )
    earlier = {device.device: device for device in before.devices} if before else {}
    devices = tuple([_device(device, earlier.get(device.device, _UNUSED), known_seconds) for device in now.devices])
    return IoSample(
        read_bytes=sum([device.read_bytes for device in devices]),
        written_bytes=sum([device.written_bytes for device in devices]),
        reads=sum([device.reads for device in devices]),
        writes=sum([device.writes for device in devices]),
        read_bytes_per_second=_sum([device.read_bytes_per_second for device in devices], known_seconds),
        written_bytes_per_second=_sum([device.written_bytes_per_second for device in devices], known_seconds),
        reads_per_second=_sum([device.reads_per_second for device in devices], known_seconds),
        writes_per_second=_sum([device.writes_per_second for device in devices], known_seconds),
        devices=devices,
        pressure=now.pressure,
    )


def _device(now: DeviceUsage, before: DeviceUsage, seconds: float) -> DeviceSample:
    return DeviceSample(
        device=now.device,
        name=now.name,
        read_bytes=now.read_bytes,
        written_bytes=now.written_bytes,
        reads=now.reads,
        writes=now.writes,
        read_bytes_per_second=_rate(now.read_bytes, before.read_bytes, seconds),
        written_bytes_per_second=_rate(now.written_bytes, before.written_bytes, seconds),
        reads_per_second=_rate(now.reads, before.reads, seconds),
        writes_per_second=_rate(now.writes, before.writes, seconds),
    )


def _pids(now: PidsUsage, limits: Limits) -> PidsSample:
    return PidsSample(current=now.current, limit=_some(limits.pids), limit_hits=now.limit_hits)


def _network(now: Traffic, before: Traffic | None) -> NetworkSample:
    seconds = _seconds(now.at_ns, before.at_ns) if before else 0.0
    earlier = {count.host_interface: count for count in before.interfaces} if before else {}
    interfaces = tuple([_interface(count, earlier.get(count.host_interface), seconds) for count in now.interfaces])
    return NetworkSample(
        received_bytes=sum([interface.received_bytes for interface in interfaces]),
        sent_bytes=sum([interface.sent_bytes for interface in interfaces]),
        received_bytes_per_second=_sum([interface.received_bytes_per_second for interface in interfaces], seconds),
        sent_bytes_per_second=_sum([interface.sent_bytes_per_second for interface in interfaces], seconds),
        interfaces=interfaces,
    )


def _interface(now: InterfaceCount, before: InterfaceCount | None, seconds: float) -> InterfaceSample:
    earlier, known_seconds = (before, seconds) if before else (now, 0.0)
    return InterfaceSample(
        name=now.name,
        host_interface=now.host_interface,
        received_bytes=now.received_bytes,
        received_packets=now.received_packets,
        received_errors=now.received_errors,
        received_dropped=now.received_dropped,
        sent_bytes=now.sent_bytes,
        sent_packets=now.sent_packets,
        sent_errors=now.sent_errors,
        sent_dropped=now.sent_dropped,
        received_bytes_per_second=_rate(now.received_bytes, earlier.received_bytes, known_seconds),
        sent_bytes_per_second=_rate(now.sent_bytes, earlier.sent_bytes, known_seconds),
        received_packets_per_second=_rate(now.received_packets, earlier.received_packets, known_seconds),
        sent_packets_per_second=_rate(now.sent_packets, earlier.sent_packets, known_seconds),
    )


def _seconds(now_ns: int, before_ns: int) -> float:
    """The time between two readings; 0 where it is too short to tell anything."""
    passed_ns = now_ns - before_ns
    return passed_ns / 1e9 if passed_ns >= _SHORTEST_NS else 0.0


def _rate(now: int, before: int, seconds: float) -> float | None:
    """Growth per second."""
    return (now - before) / seconds if seconds > 0 and now >= before else None


def _percent(now_usec: int, before_usec: int, seconds: float) -> float | None:
    """Growth in percent of one processor's time."""
    return (now_usec - before_usec) / (seconds * 1e4) if seconds > 0 and now_usec >= before_usec else None


def _sum(rates: list[float | None], seconds: float) -> float | None:
    """What rates make together; unknown as soon as one of them is."""
    known = [rate for rate in rates if rate is not None]
    return sum(known) if seconds > 0 and len(known) == len(rates) else None


def _some(limit: int | None) -> int | None:
    """A limit as samples have it: None is no limit, which -1 is, too."""
    return limit if limit is not None and limit >= 0 else None
