"""What a container may use at most; apart from `engine.model` because control groups know it, too."""

from __future__ import annotations

from msgspec import Struct


class DeviceLimit(Struct, frozen=True):
    """A weight, or a rate, of one block device.

    Attributes:
        device: a whole disk by path, such as ``/dev/sda``, or by number, such as ``8:0``.
        value: a weight of 10 to 1000, or bytes or operations per second; a rate of 0 is no limit.
    """

    device: str
    value: int


class HugetlbLimit(Struct, frozen=True):
    """Bytes in huge pages of one size, such as ``2MB``; -1 is no limit."""

    page_size: str
    limit_bytes: int


class CgroupSetting(Struct, frozen=True):
    """A value for a file of cgroup v2, as the kernel wants it: ``memory.min`` and ``64M``."""

    file: str
    value: str


class Limits(Struct, frozen=True, kw_only=True, omit_defaults=True, repr_omit_defaults=True):
    """What a container may use at most. None, or nothing in a list, is "not asked for"; -1 is "no limit".

    Times are microseconds, sizes bytes. What only one version of cgroups has is refused by name on the other.

    Attributes:
        memory_bytes: resident and cached memory.
        memory_high_bytes: from here on it is slowed down and pushed back (v2's memory.high).
        memory_reservation_bytes: what it is left with when memory is short (v2's memory.low, v1's soft limit).
        memory_swap_bytes: memory and swap together: as much as memory is no swap; None is twice the memory.
        memory_swappiness: 0 to 100, how readily anonymous memory is swapped out (v1).
        oom_kill_disable: let it wait for memory instead of being killed (v1).
        cpus: processors' worth of time per second, such as 1.5; or by `cpu_quota_usec` in each `cpu_period_usec`.
        cpu_burst_usec: unused quota that may be saved up.
        cpu_shares: 2 to 262144, its share of busy processors; 1024 where not given.
        cpu_idle: only gets processor time that nobody else wants.
        cpu_rt_runtime_usec, cpu_rt_period_usec: realtime scheduling (v1).
        cpuset_cpus, cpuset_mems: processors and memory nodes, such as ``0-3,7``.
        io_weight: 10 to 1000, its share of the time of block devices, and `device_weights` of single ones.
        pids: processes and threads; None is 2048.
        unified: raw files of v2.
    """

    memory_bytes: int | None = None
    memory_high_bytes: int | None = None
    memory_reservation_bytes: int | None = None
    memory_swap_bytes: int | None = None
    memory_swappiness: int | None = None
    oom_kill_disable: bool | None = None
    cpus: float | None = None
    cpu_quota_usec: int | None = None
    cpu_period_usec: int | None = None
    cpu_burst_usec: int | None = None
    cpu_shares: int | None = None
    cpu_idle: bool | None = None
    cpu_rt_runtime_usec: int | None = None
    cpu_rt_period_usec: int | None = None
    cpuset_cpus: str | None = None
    cpuset_mems: str | None = None
    io_weight: int | None = None
    device_weights: tuple[DeviceLimit, ...] = ()
    device_read_bytes: tuple[DeviceLimit, ...] = ()
    device_written_bytes: tuple[DeviceLimit, ...] = ()
    device_reads: tuple[DeviceLimit, ...] = ()
    device_writes: tuple[DeviceLimit, ...] = ()
    pids: int | None = None
    hugetlb: tuple[HugetlbLimit, ...] = ()
    unified: tuple[CgroupSetting, ...] = ()
