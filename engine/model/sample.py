"""What containers and the machine use, one tick after the other.

Counters (``*_usec``, ``*_bytes`` and plain counts) grow since the container's start; what ends in ``_per_second`` or
``percent`` is of the last interval and None as long as there was no earlier reading to compare with, or when a counter
went backwards. A part that is None, such as `ContainerSample.memory`, means that its controller is off.
"""

from __future__ import annotations

from msgspec import Struct

from engine.pressure import Pressure


class CpuSample(Struct, frozen=True, kw_only=True, gc=False):
    """Processor time.

    Attributes:
        percent: of one processor; 200 is two processors busy.
        limit_percent: the limit in force, in the same unit; None when there is none.
        periods: of the quota that have passed; None where the kernel doesn't count them.
        throttled_periods: those in which it was stopped, for `throttled_usec` in all.
    """

    usage_usec: int
    user_usec: int = 0
    system_usec: int = 0
    percent: float | None = None
    user_percent: float | None = None
    system_percent: float | None = None
    limit_percent: float | None = None
    periods: int | None = None
    throttled_periods: int | None = None
    throttled_usec: int | None = None
    pressure: Pressure | None = None

    @property
    def of_limit_percent(self) -> float | None:
        """How much of the limit was used; None without a limit."""
        return 100 * self.percent / self.limit_percent if self.limit_percent and self.percent is not None else None


class MemorySample(Struct, frozen=True, kw_only=True, gc=False):
    """Memory.

    Attributes:
        current_bytes: all that is charged.
        working_set_bytes: without inactive file pages, which can be dropped at once (docker's figure).
        kernel_bytes, swap_bytes, peak_bytes: None where the kernel doesn't tell.
        limit_bytes: the limit in force, an ancestor's included; None when there is none.
        limit_hits: how often the limit was met.
    """

    current_bytes: int
    working_set_bytes: int
    anonymous_bytes: int = 0
    file_bytes: int = 0
    kernel_bytes: int | None = None
    swap_bytes: int | None = None
    peak_bytes: int | None = None
    limit_bytes: int | None = None
    faults: int = 0
    major_faults: int = 0
    faults_per_second: float | None = None
    major_faults_per_second: float | None = None
    limit_hits: int = 0
    oom_kills: int = 0
    pressure: Pressure | None = None


class DeviceSample(Struct, frozen=True, kw_only=True, gc=False):
    """Bytes and operations of one block device; `device` is ``8:0``, `name` such as ``sda``."""

    device: str
    name: str
    read_bytes: int = 0
    written_bytes: int = 0
    reads: int = 0
    writes: int = 0
    read_bytes_per_second: float | None = None
    written_bytes_per_second: float | None = None
    reads_per_second: float | None = None
    writes_per_second: float | None = None


class IoSample(Struct, frozen=True, kw_only=True, gc=False):
    """Block devices: sums over all, and each."""

    read_bytes: int = 0
    written_bytes: int = 0
    reads: int = 0
    writes: int = 0
    read_bytes_per_second: float | None = None
    written_bytes_per_second: float | None = None
    reads_per_second: float | None = None
    writes_per_second: float | None = None
    devices: tuple[DeviceSample, ...] = ()
    pressure: Pressure | None = None


class PidsSample(Struct, frozen=True, kw_only=True, gc=False):
    """Processes and threads; `limit_hits` counts forks that failed at a limit."""

    current: int
    limit: int | None = None
    limit_hits: int = 0


class InterfaceSample(Struct, frozen=True, kw_only=True, gc=False):
    """One network interface, seen from inside: received is what came into the container.

    Attributes:
        name: inside, such as ``eth0``.
        host_interface: the veth end on the host.
    """

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
    received_bytes_per_second: float | None = None
    sent_bytes_per_second: float | None = None
    received_packets_per_second: float | None = None
    sent_packets_per_second: float | None = None


class NetworkSample(Struct, frozen=True, kw_only=True, gc=False):
    """All interfaces of a container: sums, and each."""

    received_bytes: int = 0
    sent_bytes: int = 0
    received_bytes_per_second: float | None = None
    sent_bytes_per_second: float | None = None
    interfaces: tuple[InterfaceSample, ...] = ()


class ContainerSample(Struct, frozen=True, kw_only=True, gc=False):
    """What one container used up to, or over, one tick of the sampler.

    Attributes:
        network: None where it has no interface of ours.
    """

    container_id: str
    cpu: CpuSample | None = None
    memory: MemorySample | None = None
    io: IoSample | None = None
    pids: PidsSample | None = None
    network: NetworkSample | None = None


class HostSample(Struct, frozen=True, kw_only=True, gc=False):
    """The machine's own totals (proc(5), /proc/pressure, block/stat.rst).

    Attributes:
        cpu_percent: of all processors together, 0 to 100; None on the first look.
        load_1, load_5, load_15: averages of runnable and waiting tasks over so many minutes.
        disk_*, network_*: of all real devices together.
    """

    cpu_percent: float | None = None
    processors: int = 1
    load_1: float = 0.0
    load_5: float = 0.0
    load_15: float = 0.0
    memory_used_bytes: int = 0
    memory_total_bytes: int = 0
    swap_used_bytes: int = 0
    swap_total_bytes: int = 0
    disk_read_bytes_per_second: float | None = None
    disk_written_bytes_per_second: float | None = None
    network_received_bytes_per_second: float | None = None
    network_sent_bytes_per_second: float | None = None
    cpu_pressure: Pressure | None = None
    memory_pressure: Pressure | None = None
    io_pressure: Pressure | None = None


class Snapshot(Struct, frozen=True, kw_only=True):
    """All samples of one tick, keyed by container id; immutable, safe to keep.

    Attributes:
        interval_seconds: since the tick before; 0 on the first one.
    """

    taken_unix_ns: int
    interval_seconds: float
    host: HostSample
    containers: dict[str, ContainerSample]
