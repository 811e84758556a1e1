"""Resource limits as the values that are written to control group files: pure, for v2 and for v1."""

from __future__ import annotations

from typing import NamedTuple

from engine.model import Limits
from engine.oci.runtime_spec import LinuxCPU, LinuxMemory, LinuxPids, LinuxResources

UNLIMITED_V1_BYTES = 1 << 62  # what v1 calls "no limit" is PAGE_COUNTER_MAX in bytes, above this on every machine
DEFAULT_PERIOD_USEC = 100_000


class Write(NamedTuple):
    """A value for one file of one controller, such as ``("memory", "memory.max", "268435456")``."""

    controller: str
    file: str
    value: str


def required_controllers(resources: LinuxResources) -> tuple[str, ...]:
    """The controllers that these limits need; the names are the same on v1 and v2."""
    return tuple(dict.fromkeys(write.controller for write in writes_v2(resources)))


def writes_v2(resources: LinuxResources) -> list[Write]:
    """What to write on v2, in order (cgroup-v2.rst, "Controllers")."""
    writes: list[Write] = []
    if resources.memory is not None:
        writes += _memory_v2(resources.memory)
    if resources.cpu is not None:
        writes += _cpu_v2(resources.cpu)
    if resources.pids is not None:
        writes.append(_pids(resources.pids))
    return writes


def writes_v1(resources: LinuxResources) -> list[Write]:
    """What to write on v1, in order (cgroup-v1/memory.rst, sched-bwc.rst, pids.rst)."""
    writes: list[Write] = []
    if resources.memory is not None:
        writes += _memory_v1(resources.memory)
    if resources.cpu is not None:
        writes += _cpu_v1(resources.cpu)
    if resources.pids is not None:
        writes.append(_pids(resources.pids))
    return writes


def weight_from_shares(shares: int) -> int:
    """v1's cpu.shares (2 to 262144) as v2's cpu.weight (1 to 10000), on the straight line that runc and crun use."""
    return 1 + (min(max(shares, 2), 262_144) - 2) * 9_999 // 262_142


def _memory_v2(memory: LinuxMemory) -> list[Write]:
    values = [
        ("memory.max", memory.limit),
        ("memory.low", memory.reservation),
        ("memory.swap.max", _swap_alone(memory)),
    ]
    return [Write("memory", file, _or_max(value)) for file, value in values if value is not None]


def _swap_alone(memory: LinuxMemory) -> int | None:
    """The specification's swap counts memory in, v2's doesn't."""
    if memory.swap is None or memory.swap < 0:
        return memory.swap
    return max(memory.swap - max(memory.limit or 0, 0), 0)


def _memory_v1(memory: LinuxMemory) -> list[Write]:
    values = [  # memsw may never be below the limit, so a new cgroup's is lowered last
        ("memory.limit_in_bytes", memory.limit),
        ("memory.soft_limit_in_bytes", memory.reservation),
        ("memory.memsw.limit_in_bytes", memory.swap),
    ]
    return [Write("memory", file, str(value)) for file, value in values if value is not None]


def _cpu_v2(cpu: LinuxCPU) -> list[Write]:
    writes: list[Write] = []
    if cpu.shares:
        writes.append(Write("cpu", "cpu.weight", str(weight_from_shares(cpu.shares))))
    if cpu.quota is not None or cpu.period is not None:
        quota = "max" if cpu.quota is None or cpu.quota <= 0 else str(cpu.quota)
        writes.append(Write("cpu", "cpu.max", f"{quota} {cpu.period or DEFAULT_PERIOD_USEC}"))
    return writes


def _cpu_v1(cpu: LinuxCPU) -> list[Write]:
    values = [  # a quota is judged against the period in force, so that comes first
        ("cpu.shares", cpu.shares or None),
        ("cpu.cfs_period_us", cpu.period or None),
        ("cpu.cfs_quota_us", -1 if cpu.quota is not None and cpu.quota <= 0 else cpu.quota),
    ]
    return [Write("cpu", file, str(value)) for file, value in values if value is not None]


def _pids(pids: LinuxPids) -> Write:
    return Write("pids", "pids.max", _or_max(pids.limit if pids.limit > 0 else -1))


def _or_max(value: int) -> str:
    return "max" if value < 0 else str(value)


def limits_v2(*, memory_max: str, cpu_max: str, pids_max: str) -> Limits:
    """Limits as v2's files have them; an empty text is a controller that isn't there."""
    quota, _, period = cpu_max.partition(" ")
    return Limits(
        memory_bytes=_number(memory_max),
        cpus=_cpus(_number(quota), _number(period)),
        pids=_number(pids_max),
    )


def limits_v1(*, memory_limit: str, cfs_quota: str, cfs_period: str, pids_max: str) -> Limits:
    """Limits as v1's files have them; an empty text is a controller that isn't there."""
    memory = _number(memory_limit)
    return Limits(
        memory_bytes=memory if memory is not None and memory < UNLIMITED_V1_BYTES else None,
        cpus=_cpus(_number(cfs_quota), _number(cfs_period)),
        pids=_number(pids_max),
    )


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() else None  # neither "max" nor "-1"


def _cpus(quota: int | None, period: int | None) -> float | None:
    return quota / period if quota and period else None
