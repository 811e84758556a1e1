"""What one cgroup uses at one moment: levels, and totals since it was made."""

from __future__ import annotations

from msgspec import Struct

from engine.pressure import Pressure


class CpuUsage(Struct, frozen=True, gc=False):
    """Processor time.

    Attributes:
        usage_usec: in all. `user_usec` and `system_usec` are its parts; v1 counts these in steps of 10 ms.
        periods: of the quota that have passed; None where the cpu controller is off.
        throttled_periods: those in which the cgroup was stopped, for `throttled_usec` in all.
    """

    usage_usec: int
    user_usec: int = 0
    system_usec: int = 0
    periods: int | None = None
    throttled_periods: int | None = None
    throttled_usec: int | None = None
    pressure: Pressure | None = None


class MemoryUsage(Struct, frozen=True, gc=False):
    """Memory; None is what the kernel doesn't tell.

    Attributes:
        current_bytes: all that is charged.
        working_set_bytes: without inactive file pages, which can be dropped at once.
        file_bytes: page cache, with tmpfs and shared memory.
        faults, major_faults: counted since the cgroup was made.
        limit_hits: how often the cgroup's own limit was met.
        oom_kills: processes that the kernel killed for memory.
    """

    current_bytes: int
    working_set_bytes: int
    anonymous_bytes: int = 0
    file_bytes: int = 0
    kernel_bytes: int | None = None
    swap_bytes: int | None = None
    peak_bytes: int | None = None
    faults: int = 0
    major_faults: int = 0
    limit_hits: int = 0
    oom_kills: int = 0
    pressure: Pressure | None = None


class DeviceUsage(Struct, frozen=True, gc=False):
    """Bytes and operations of one block device; `device` is ``8:0``, `name` such as ``sda``."""

    device: str
    name: str
    read_bytes: int = 0
    written_bytes: int = 0
    reads: int = 0
    writes: int = 0


class IoUsage(Struct, frozen=True, gc=False):
    """All block devices that the cgroup has used, in the kernel's order."""

    devices: tuple[DeviceUsage, ...] = ()
    pressure: Pressure | None = None


class PidsUsage(Struct, frozen=True, gc=False):
    """Processes and threads; `limit_hits` counts forks that failed at a limit."""

    current: int
    limit_hits: int = 0


class Usage(Struct, frozen=True, gc=False):
    """Everything about one cgroup; a part is None when its controller is off.

    Attributes:
        at_ns: when the processor time was read, on the monotonic clock: it can't jump, and stands still in suspend.
    """

    at_ns: int
    cpu: CpuUsage | None = None
    memory: MemoryUsage | None = None
    io: IoUsage | None = None
    pids: PidsUsage | None = None
