"""``linux.resources`` as writes to v2's files: pure (cgroup-v2.rst, "Controllers"; config-linux.md for the numbers).

The specification counts as v1 does. What v2 counts otherwise is converted as runc and crun do, what it hasn't is
refused by its name. A 0 is "not asked for" where a limit of 0 would be one that nothing can live in.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from engine.cgroups.limits import Write, hugetlb_file, or_max, rdma_value
from engine.errors import InvalidRequest, Unsupported
from engine.oci.resources_spec import LinuxBlockIO, LinuxCPU, LinuxMemory, LinuxNetwork, LinuxResources

DEFAULT_PERIOD_USEC = 100_000
_CORE_LIMITS = ("cgroup.max.depth", "cgroup.max.descendants")


class Now(NamedTuple):
    """What is in force, for limits that v2 writes together and a caller may change one by one.

    Attributes:
        memory_max: the content of memory.max.
        cpu_quota: the first word of cpu.max.
    """

    memory_max: str = "max"
    cpu_quota: str = "max"


def needs_now(resources: LinuxResources) -> bool:
    """Whether `writes_v2` has to know what is in force."""
    memory, cpu = resources.memory, resources.cpu
    lone_swap = memory is not None and bool(memory.swap) and not memory.limit
    lone_period = cpu is not None and bool(cpu.period) and not cpu.quota
    return lone_swap or lone_period


def writes_v2(resources: LinuxResources, now: Now = Now()) -> list[Write]:  # noqa: B008 - an immutable value
    """What to write on v2, but for the devices, in an order that suits a new cgroup.

    Raises:
        Unsupported: a limit that only v1 has.
        InvalidRequest: a value that can't be one on any machine.
    """
    writes: list[Write] = []
    if resources.memory is not None:
        writes += _memory(resources.memory, now.memory_max)
    if resources.cpu is not None:
        writes += _cpu(resources.cpu, now.cpu_quota)
    if resources.pids is not None and resources.pids.limit:
        writes.append(Write("pids", "pids.max", or_max(resources.pids.limit)))
    if resources.block_io is not None:
        writes += _block_io(resources.block_io)
    for huge in resources.hugepage_limits:
        writes.append(Write("hugetlb", hugetlb_file(huge.page_size, "max"), or_max(huge.limit)))
        reserved = hugetlb_file(huge.page_size, "rsvd.max")
        writes.append(Write("hugetlb", reserved, or_max(huge.limit), is_optional=True))  # since Linux 5.7
    if resources.network is not None:
        _refuse_network(resources.network)
    for device, rdma in resources.rdma.items():
        writes.append(Write("rdma", "rdma.max", rdma_value(device, rdma.hca_handles, rdma.hca_objects)))
    for file, value in resources.unified.items():
        writes += _raw(file, value)
    return writes


def weight_from_shares(shares: int) -> int:
    """v1's cpu.shares (2 to 262144) as v2's cpu.weight (1 to 10000), on the straight line that runc and crun use."""
    return 1 + (min(max(shares, 2), 262_144) - 2) * 9_999 // 262_142


def io_weight(weight: int) -> int:
    """The specification's weight of 10 to 1000 as io.weight (1 to 10000), on the straight line that runc uses."""
    return 1 + (min(max(weight, 10), 1000) - 10) * 9_999 // 990


def _memory(memory: LinuxMemory, memory_max: str) -> Iterable[Write]:
    _refuse(memory.kernel is not None and memory.kernel > 0, "kernel memory", "the memory limit counts it")
    _refuse(memory.kernel_tcp is not None and memory.kernel_tcp > 0, "TCP memory", "the memory limit counts it")
    _refuse(memory.swappiness is not None, "memory swappiness")
    _refuse(bool(memory.disable_oom_killer), "a disabled OOM killer")
    _refuse(memory.use_hierarchy is False, "memory without hierarchy")
    if memory.limit:
        yield Write("memory", "memory.max", or_max(memory.limit))
    if memory.reservation:  # v1's default of -1 favours nobody, and so does v2's of 0
        yield Write("memory", "memory.low", str(max(memory.reservation, 0)))
    if memory.swap:
        yield Write("memory", "memory.swap.max", or_max(_swap_alone(memory.swap, memory.limit, memory_max)))
    elif memory.limit == -1:
        yield Write("memory", "memory.swap.max", "max", is_optional=True)


def _swap_alone(swap: int, limit: int | None, memory_max: str) -> int:
    """The specification's swap counts memory in, v2's doesn't."""
    if swap < 0:
        return -1
    memory = limit or (int(memory_max) if memory_max.isdecimal() else -1)
    if memory < 0:
        raise InvalidRequest("a limit of memory and swap together needs one of memory", "give both")
    if swap < memory:
        raise InvalidRequest("the limit of memory and swap together is below that of memory", "raise it")
    return swap - memory


def _cpu(cpu: LinuxCPU, quota_now: str) -> Iterable[Write]:
    _refuse(bool(cpu.realtime_runtime or cpu.realtime_period), "a realtime CPU limit")
    if cpu.shares:
        yield Write("cpu", "cpu.weight", str(weight_from_shares(cpu.shares)))
    if cpu.quota or cpu.period:
        quota = or_max(cpu.quota) if cpu.quota else quota_now
        yield Write("cpu", "cpu.max", f"{quota} {cpu.period}" if cpu.period else quota)
    values = [("cpu", "cpu.max.burst", cpu.burst), ("cpu", "cpu.idle", cpu.idle)]
    yield from (Write(controller, file, str(value)) for controller, file, value in values if value is not None)
    sets = [("cpuset.cpus", cpu.cpus), ("cpuset.mems", cpu.mems)]
    yield from (Write("cpuset", file, text) for file, text in sets if text)


def _block_io(block_io: LinuxBlockIO) -> Iterable[Write]:
    leaf = block_io.leaf_weight or any(device.leaf_weight for device in block_io.weight_device)
    _refuse(bool(leaf), "a block IO leaf weight")
    if block_io.weight:
        yield _weight("", block_io.weight)
    for device in block_io.weight_device:
        if device.weight:
            yield _weight(f"{device.major}:{device.minor} ", device.weight)
    for number, rates in _rates(block_io).items():
        yield Write("io", "io.max", f"{number} {' '.join(rates)}")


def _weight(device: str, weight: int) -> Write:
    """BFQ's own file where that scheduler is there, the cost model's otherwise."""
    general = Write("io", "io.weight", f"{device or 'default '}{io_weight(weight)}")
    return Write("io", "io.bfq.weight", f"{device}{weight}", otherwise=general)


def _rates(block_io: LinuxBlockIO) -> dict[str, list[str]]:
    """For each device ``major:minor`` its rates, such as ``rbps=1048576``; 0 is none."""
    found: dict[str, list[str]] = {}
    for key, devices in (
        ("rbps", block_io.throttle_read_bps_device),
        ("wbps", block_io.throttle_write_bps_device),
        ("riops", block_io.throttle_read_iops_device),
        ("wiops", block_io.throttle_write_iops_device),
    ):
        for device in devices:
            found.setdefault(f"{device.major}:{device.minor}", []).append(f"{key}={or_max(device.rate or -1)}")
    return found


def _refuse_network(network: LinuxNetwork) -> None:
    _refuse(bool(network.class_id), "a network class", "mark its traffic with nftables' cgroupv2 match")
    _refuse(bool(network.priorities), "a network priority", "mark its traffic with nftables' cgroupv2 match")


def _raw(file: str, value: str) -> Iterable[Write]:
    controller, dot, _ = file.partition(".")
    if not dot or "/" in file or "\0" in file or not controller:
        raise InvalidRequest(f"{file!r} is not a cgroup file", "write its name alone, as in memory.high")
    if controller == "cgroup" and file not in _CORE_LIMITS:  # cgroup.procs would move somebody else's process
        raise InvalidRequest(f"{file} is not a limit", f"of the core's files only {' and '.join(_CORE_LIMITS)} are")
    yield from (Write(controller, file, line) for line in value.splitlines() or [value])


def _refuse(is_asked: bool, what: str, remedy: str = "") -> None:
    if is_asked:
        raise Unsupported(f"cgroup v2 has no limit such as {what}", remedy or "run without it, or use cgroup v1")
