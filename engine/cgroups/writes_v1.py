"""``linux.resources`` as writes to v1's files: pure (cgroup-v1/*.rst, and config-linux.md for what the numbers mean).

A 0 is "not asked for" where a limit of 0 would be one that nothing can live in, as callers of runc expect.
"""

from __future__ import annotations

from collections.abc import Iterable

from engine.cgroups.limits import Write, hugetlb_file, or_max, rdma_value
from engine.errors import Unsupported
from engine.oci.resources_spec import (
    LinuxBlockIO,
    LinuxCPU,
    LinuxMemory,
    LinuxNetwork,
    LinuxResources,
    LinuxThrottleDevice,
)


def writes_v1(resources: LinuxResources) -> list[Write]:
    """What to write on v1, but for the devices, in an order that suits a new cgroup.

    Raises:
        Unsupported: `unified` is v2's.
        InvalidRequest: a value that can't be one on any machine.
    """
    if resources.unified:
        files = ", ".join(resources.unified)
        raise Unsupported(f"{files}: such limits need cgroup v2, and this machine runs v1", "leave them out")
    writes: list[Write] = []
    if resources.memory is not None:
        writes += _memory(resources.memory)
    if resources.cpu is not None:
        writes += _cpu(resources.cpu)
    if resources.pids is not None and resources.pids.limit:
        writes.append(Write("pids", "pids.max", or_max(resources.pids.limit)))
    if resources.block_io is not None:
        writes += _block_io(resources.block_io)
    for huge in resources.hugepage_limits:
        writes.append(Write("hugetlb", hugetlb_file(huge.page_size, "limit_in_bytes"), str(huge.limit)))
    if resources.network is not None:
        writes += _network(resources.network)
    for device, rdma in resources.rdma.items():
        writes.append(Write("rdma", "rdma.max", rdma_value(device, rdma.hca_handles, rdma.hca_objects)))
    return writes


def _memory(memory: LinuxMemory) -> Iterable[Write]:
    values = [
        ("memory.limit_in_bytes", memory.limit or None),
        ("memory.soft_limit_in_bytes", memory.reservation or None),
        ("memory.memsw.limit_in_bytes", memory.swap or None),  # after the limit, below which it may never be
        ("memory.kmem.limit_in_bytes", memory.kernel or None),  # since Linux 5.16 no limit of its own, and part of ours
        ("memory.kmem.tcp.limit_in_bytes", memory.kernel_tcp or None),
        ("memory.swappiness", memory.swappiness),
        ("memory.oom_control", _bit(memory.disable_oom_killer)),
        ("memory.use_hierarchy", _bit(memory.use_hierarchy)),
    ]
    yield from (Write("memory", file, str(value)) for file, value in values if value is not None)
    if memory.limit == -1 and not memory.swap:  # memory without a limit can't be had while memory and swap have one
        yield Write("memory", "memory.memsw.limit_in_bytes", "-1", is_optional=True)


def _cpu(cpu: LinuxCPU) -> Iterable[Write]:
    values = [  # a quota is judged against the period in force, a burst against the quota
        ("cpu.shares", cpu.shares or None),
        ("cpu.cfs_period_us", cpu.period or None),
        ("cpu.cfs_quota_us", max(cpu.quota, -1) if cpu.quota else None),
        ("cpu.cfs_burst_us", cpu.burst),
        ("cpu.rt_period_us", cpu.realtime_period or None),
        ("cpu.rt_runtime_us", cpu.realtime_runtime or None),
        ("cpu.idle", cpu.idle),
    ]
    yield from (Write("cpu", file, str(value)) for file, value in values if value is not None)
    sets = [("cpuset.cpus", cpu.cpus), ("cpuset.mems", cpu.mems)]
    yield from (Write("cpuset", file, value) for file, value in sets if value)


def _block_io(block_io: LinuxBlockIO) -> Iterable[Write]:
    if block_io.weight:
        yield _weight("weight", str(block_io.weight))
    if block_io.leaf_weight:
        yield Write("blkio", "blkio.leaf_weight", str(block_io.leaf_weight))  # CFQ's, until Linux 5.0
    for device in block_io.weight_device:
        if device.weight:
            yield _weight("weight_device", f"{device.major}:{device.minor} {device.weight}")
        if device.leaf_weight:
            value = f"{device.major}:{device.minor} {device.leaf_weight}"
            yield Write("blkio", "blkio.leaf_weight_device", value)
    yield from _throttle("read_bps", block_io.throttle_read_bps_device)
    yield from _throttle("write_bps", block_io.throttle_write_bps_device)
    yield from _throttle("read_iops", block_io.throttle_read_iops_device)
    yield from _throttle("write_iops", block_io.throttle_write_iops_device)


def _weight(file: str, value: str) -> Write:
    """CFQ's weight until Linux 5.0, BFQ's since."""
    return Write("blkio", f"blkio.bfq.{file}", value, otherwise=Write("blkio", f"blkio.{file}", value))


def _throttle(kind: str, devices: Iterable[LinuxThrottleDevice]) -> Iterable[Write]:
    for device in devices:
        yield Write("blkio", f"blkio.throttle.{kind}_device", f"{device.major}:{device.minor} {device.rate}")


def _network(network: LinuxNetwork) -> Iterable[Write]:
    if network.class_id:
        yield Write("net_cls", "net_cls.classid", str(network.class_id))
    for priority in network.priorities:
        yield Write("net_prio", "net_prio.ifpriomap", f"{priority.name} {priority.priority}")


def _bit(value: bool | None) -> int | None:
    return None if value is None else int(value)
