"""Limits in ``inspect``: as asked for in ``HostConfig``, with docker's names, and as the kernel has them."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import field

from engine.cgroups import raw_settings
from engine.cli.documents import Document
from engine.limits import DeviceLimit, Limits
from engine.model import LimitsInForce
from engine.oci.resources_spec import LinuxMemory, LinuxPids, LinuxResources


class WeightDocument(Document, frozen=True, kw_only=True):
    """One of ``BlkioWeightDevice``."""

    path: str
    weight: int


class RateDocument(Document, frozen=True, kw_only=True):
    """One of ``BlkioDeviceReadBps`` and its like: bytes or operations a second."""

    path: str
    rate: int


class LimitsDocument(Document, frozen=True, kw_only=True):
    """The limits in ``HostConfig``: 0 or an empty text is not asked for, -1 no limit.

    ``MemoryHigh``, ``CpuBurst``, ``CpuIdle``, ``Hugetlb`` (bytes by page size) and ``CgroupConf`` are ours.
    """

    memory: int
    memory_high: int
    memory_reservation: int
    memory_swap: int
    memory_swappiness: int | None
    oom_kill_disable: bool
    nano_cpus: int
    cpu_quota: int
    cpu_period: int
    cpu_burst: int
    cpu_shares: int
    cpu_idle: bool
    cpu_realtime_runtime: int
    cpu_realtime_period: int
    cpuset_cpus: str
    cpuset_mems: str
    blkio_weight: int
    blkio_weight_device: tuple[WeightDocument, ...]
    blkio_device_read_bps: tuple[RateDocument, ...]
    blkio_device_write_bps: tuple[RateDocument, ...]
    blkio_device_read_iops: tuple[RateDocument, ...] = field(name="BlkioDeviceReadIOps")
    blkio_device_write_iops: tuple[RateDocument, ...] = field(name="BlkioDeviceWriteIOps")
    pids_limit: int
    hugetlb: dict[str, int]
    cgroup_conf: dict[str, str]


class InForceDocument(Document, frozen=True, kw_only=True):
    """``LimitsInForce``, which is ours: what binds a running container in the end.

    ``…From`` is the cgroup that sets it, perhaps one above the container's, or ``machine``. ``Own`` is all that the
    container's cgroup itself has, as the kernel has rounded it.
    """

    memory: int
    memory_from: str
    nano_cpus: int
    cpus_from: str
    pids_limit: int
    pids_from: str
    own: LimitsDocument


def limits_document(limits: Limits, resources: LinuxResources) -> LimitsDocument:
    """Limits as asked for; what has a default is as ``config.json`` has it."""
    pids, memory = resources.pids or LinuxPids(), resources.memory or LinuxMemory()
    return LimitsDocument(
        memory=limits.memory_bytes or 0,
        memory_high=limits.memory_high_bytes or 0,
        memory_reservation=limits.memory_reservation_bytes or 0,
        memory_swap=limits.memory_swap_bytes or memory.swap or 0,
        memory_swappiness=limits.memory_swappiness,
        oom_kill_disable=bool(limits.oom_kill_disable),
        nano_cpus=max(round((limits.cpus or 0) * 1e9), 0),
        cpu_quota=limits.cpu_quota_usec or 0,
        cpu_period=limits.cpu_period_usec or 0,
        cpu_burst=limits.cpu_burst_usec or 0,
        cpu_shares=limits.cpu_shares or 0,
        cpu_idle=bool(limits.cpu_idle),
        cpu_realtime_runtime=limits.cpu_rt_runtime_usec or 0,
        cpu_realtime_period=limits.cpu_rt_period_usec or 0,
        cpuset_cpus=limits.cpuset_cpus or "",
        cpuset_mems=limits.cpuset_mems or "",
        blkio_weight=limits.io_weight or 0,
        blkio_weight_device=tuple(WeightDocument(path=w.device, weight=w.value) for w in limits.device_weights),
        blkio_device_read_bps=_rates(limits.device_read_bytes),
        blkio_device_write_bps=_rates(limits.device_written_bytes),
        blkio_device_read_iops=_rates(limits.device_reads),
        blkio_device_write_iops=_rates(limits.device_writes),
        pids_limit=limits.pids or pids.limit or 0,
        hugetlb={huge.page_size: huge.limit_bytes for huge in limits.hugetlb},
        cgroup_conf={setting.file: setting.value for setting in raw_settings.settled(limits.unified)},
    )


def in_force_document(limits: LimitsInForce) -> InForceDocument:
    """What binds a running container."""
    return InForceDocument(
        memory=limits.memory_bytes,
        memory_from=limits.memory_from,
        nano_cpus=round(limits.cpus * 1e9),
        cpus_from=limits.cpus_from,
        pids_limit=limits.pids,
        pids_from=limits.pids_from,
        own=limits_document(limits.own, LinuxResources()),
    )


def _rates(limits: Iterable[DeviceLimit]) -> tuple[RateDocument, ...]:
    return tuple(RateDocument(path=limit.device, rate=limit.value) for limit in limits)
