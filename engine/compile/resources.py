"""Limits in the specification's units (config-linux.md, "Control groups"), after a look for contradictions."""

from __future__ import annotations

from engine.cgroups import raw_settings
from engine.cgroups.swap import has_swap_accounting
from engine.compile import cpu_limits
from engine.compile.device_limits import MOST_OPERATIONS, rates, weights
from engine.errors import InvalidRequest
from engine.model import Limits
from engine.oci.resources_spec import (
    LinuxBlockIO,
    LinuxCPU,
    LinuxDeviceCgroup,
    LinuxHugepageLimit,
    LinuxMemory,
    LinuxPids,
    LinuxResources,
)

DEFAULT_PIDS = 2048  # podman's figure; docker has none, and a fork bomb in one container takes the machine with it
MINIMUM_MEMORY_BYTES = 6 * 1024 * 1024  # docker's floor: below it not even a shell starts
_WEIGHTS = range(10, 1001)
_SWAPPINESS = range(101)


def compile_resources(limits: Limits, devices: tuple[LinuxDeviceCgroup, ...] = ()) -> LinuxResources:
    """Limits, and the devices that may be used, in the specification's units.

    Raises:
        InvalidRequest: limits that no container can live in or that contradict each other, or a disk that isn't one.
    """
    return LinuxResources(
        devices=devices,
        memory=_memory(limits),
        cpu=_cpu(limits),
        pids=_pids(limits.pids),
        block_io=_block_io(limits),
        hugepage_limits=tuple(LinuxHugepageLimit(page_size=h.page_size, limit=h.limit_bytes) for h in limits.hugetlb),
        unified=_unified(limits),
    )


def _memory(limits: Limits) -> LinuxMemory | None:
    _check_memory(limits)
    memory = LinuxMemory(
        limit=limits.memory_bytes,
        reservation=limits.memory_reservation_bytes,
        swap=_swap(limits),
        swappiness=limits.memory_swappiness,
        disable_oom_killer=limits.oom_kill_disable,
    )
    return memory if memory != LinuxMemory() else None


def _check_memory(limits: Limits) -> None:
    memory = limits.memory_bytes
    if memory is not None and memory != -1 and memory < MINIMUM_MEMORY_BYTES:
        raise InvalidRequest("the memory limit is too small", "give the container at least 6m")
    for name, size in (("reservation", limits.memory_reservation_bytes), ("high", limits.memory_high_bytes)):
        if size is not None and size < 1 and size != -1:
            raise InvalidRequest(f"{size} is not an amount of memory", "give a number above 0, or -1 for none")
        if size is not None and memory is not None and 0 < memory < size:
            cause = f"--memory-{name} of {size} bytes is above the memory limit of {memory}"
            raise InvalidRequest(cause, "lower it, or raise --memory")
    if limits.memory_swappiness is not None and limits.memory_swappiness not in _SWAPPINESS:
        raise InvalidRequest(f"{limits.memory_swappiness} is not a swappiness", "give a number from 0 to 100")


def _swap(limits: Limits) -> int | None:
    """Memory and swap together; docker's default is twice the memory, where the kernel counts swap at all."""
    memory, swap = limits.memory_bytes, limits.memory_swap_bytes
    if swap is None:
        return memory * 2 if memory is not None and memory > 0 and has_swap_accounting() else None
    if swap == -1:
        return -1
    if memory is None or memory == -1:
        raise InvalidRequest("--memory-swap is memory and swap together, and there is no memory limit", "add --memory")
    if swap < memory:
        cause = f"--memory-swap of {swap} bytes is below the memory limit of {memory}, which is part of it"
        raise InvalidRequest(cause, "raise it; as much as --memory is no swap at all")
    return swap


def _cpu(limits: Limits) -> LinuxCPU | None:
    quota, period = cpu_limits.quota_and_period(limits)
    cpu = LinuxCPU(
        shares=cpu_limits.shares(limits),
        quota=quota,
        burst=cpu_limits.burst(limits, quota),
        period=period,
        realtime_runtime=limits.cpu_rt_runtime_usec,
        realtime_period=limits.cpu_rt_period_usec,
        cpus=cpu_limits.processors(limits.cpuset_cpus),
        mems=cpu_limits.memory_nodes(limits.cpuset_mems),
        idle=None if limits.cpu_idle is None else int(limits.cpu_idle),
    )
    return cpu if cpu != LinuxCPU() else None


def _pids(pids: int | None) -> LinuxPids:
    if pids is None:
        return LinuxPids(limit=DEFAULT_PIDS)
    if pids < 1 and pids != -1:
        raise InvalidRequest(f"{pids} is not a limit of processes", "give a number above 0, or -1 for no limit")
    return LinuxPids(limit=pids)


def _block_io(limits: Limits) -> LinuxBlockIO | None:
    if limits.io_weight is not None and limits.io_weight not in _WEIGHTS:
        raise InvalidRequest(f"{limits.io_weight} is not a weight of block IO", "give a number from 10 to 1000")
    block_io = LinuxBlockIO(
        weight=limits.io_weight,
        weight_device=weights(limits.device_weights),
        throttle_read_bps_device=rates(limits.device_read_bytes),
        throttle_write_bps_device=rates(limits.device_written_bytes),
        throttle_read_iops_device=rates(limits.device_reads, MOST_OPERATIONS),
        throttle_write_iops_device=rates(limits.device_writes, MOST_OPERATIONS),
    )
    return block_io if block_io != LinuxBlockIO() else None


def _unified(limits: Limits) -> dict[str, str]:
    for setting in limits.unified:
        if any(getattr(limits, name) is not None for name in raw_settings.NAMED.get(setting.file, ())):
            raise InvalidRequest(f"{setting.file} is given by name and by --cgroup-conf", "give one of them")
    raw = {setting.file: setting.value for setting in raw_settings.settled(limits.unified)}
    high = limits.memory_high_bytes
    return raw if high is None else {**raw, "memory.high": "max" if high == -1 else str(high)}
