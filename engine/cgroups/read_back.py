"""All limits of one cgroup as the kernel has them, which rounds some; what is as in a new cgroup counts as none."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator

from msgspec.structs import replace

from engine.cgroups import folders
from engine.cgroups.layout import Layout
from engine.cgroups.limits import UNLIMITED_V1_BYTES
from engine.limits import CgroupSetting, DeviceLimit, HugetlbLimit, Limits

Read = Callable[[str], str]  # from the name of a file to its content; empty where it isn't there

_UNNAMED_V2 = {  # files without a name in `Limits`, and what a new cgroup has in them
    "memory.min": "0",
    "memory.swap.high": "max",
    "memory.zswap.max": "max",
    "memory.oom.group": "0",
    "cpu.weight": "100",
    "cpuset.cpus.partition": "member",
    "io.weight": "default 100",
    "io.bfq.weight": "default 100",
    "io.latency": "",
    "rdma.max": "",
    "misc.max": "",
    "cgroup.max.depth": "max",
    "cgroup.max.descendants": "max",
}
_DEFAULT_SHARES = 1024
_DEFAULT_WEIGHT = 100
_RATES_V2 = {
    "device_read_bytes": "rbps",
    "device_written_bytes": "wbps",
    "device_reads": "riops",
    "device_writes": "wiops",
}
_RATES_V1 = {
    "device_read_bytes": "read_bps",
    "device_written_bytes": "write_bps",
    "device_reads": "read_iops",
    "device_writes": "write_iops",
}


def read_back(layout: Layout, path: str) -> Limits:
    """The limits of the cgroup at a path below the top of each hierarchy.

    Weights of v2, whose scale is another, are among `Limits.unified`, which has one setting for each line.
    """
    if layout.version == "v2":
        folder = f"{layout.unified}{path}"
        return _v2(lambda file: folders.read(f"{folder}/{file}"), _huge_page_files([folder], ".max"))
    tops = {name: h.point for h in (*layout.hierarchies, *layout.spare) for name in h.controllers}

    def read(file: str) -> str:
        return folders.read(f"{tops[file.partition('.')[0]]}{path}/{file}") if file.partition(".")[0] in tops else ""

    def above(file: str) -> str:
        return folders.read(f"{tops[file.partition('.')[0]]}{os.path.dirname(path)}/{file}")

    found = _v1(read, _huge_page_files([f"{tops['hugetlb']}{path}"] if "hugetlb" in tops else [], ".limit_in_bytes"))
    return _without_inherited(found, above)


def _v2(read: Read, huge_page_files: Iterable[str]) -> Limits:
    memory, swap = _number(read("memory.max")), _number(read("memory.swap.max"))
    quota, _, period = read("cpu.max").partition(" ")
    rates = [line.split() for line in read("io.max").splitlines()]
    is_idle = read("cpu.idle") == "1"
    limits = Limits(
        memory_bytes=memory,
        memory_high_bytes=_number(read("memory.high")),
        memory_reservation_bytes=_number(read("memory.low")) or None,
        memory_swap_bytes=None if memory is None or swap is None else memory + swap,
        cpus=_cpus(quota, period),
        cpu_burst_usec=_number(read("cpu.max.burst")) or None,
        cpu_idle=is_idle or None,
        cpuset_cpus=read("cpuset.cpus") or None,
        cpuset_mems=read("cpuset.mems") or None,
        pids=_number(read("pids.max")),
        hugetlb=_huge_pages(read, huge_page_files),
        unified=tuple(each for each in _unnamed(read) if not (is_idle and each.file == "cpu.weight")),  # it is 0 then
    )
    return replace(limits, **{name: _rates_v2(rates, key) for name, key in _RATES_V2.items()})


def _unnamed(read: Read) -> Iterator[CgroupSetting]:
    for file, default in _UNNAMED_V2.items():
        for line in read(file).splitlines():
            if line != default and not _allows_all(line):
                yield CgroupSetting(file, line)


def _allows_all(line: str) -> bool:
    """Whether a line of a device is as in a new cgroup, such as ``mlx5_1 hca_handle=max hca_object=max``."""
    values = [word.rpartition("=")[2] for word in line.split()[1:]]
    return set(values) == {"max"}


def _v1(read: Read, huge_page_files: Iterable[str]) -> Limits:
    shares = _number(read("cpu.shares"))
    is_idle = read("cpu.idle") == "1"
    weight = _number(read("blkio.bfq.weight") or read("blkio.weight"))
    limits = Limits(
        memory_bytes=_bytes_v1(read("memory.limit_in_bytes")),
        memory_reservation_bytes=_bytes_v1(read("memory.soft_limit_in_bytes")),
        memory_swap_bytes=_bytes_v1(read("memory.memsw.limit_in_bytes")),
        memory_swappiness=_number(read("memory.swappiness")),
        oom_kill_disable=folders.value_of(read("memory.oom_control"), "oom_kill_disable") == 1 or None,
        cpus=_cpus(read("cpu.cfs_quota_us"), read("cpu.cfs_period_us")),
        cpu_burst_usec=_number(read("cpu.cfs_burst_us")) or None,
        cpu_shares=None if is_idle or shares == _DEFAULT_SHARES else shares,
        cpu_idle=is_idle or None,
        cpu_rt_runtime_usec=_number(read("cpu.rt_runtime_us")) or None,
        cpu_rt_period_usec=_number(read("cpu.rt_period_us")) if _number(read("cpu.rt_runtime_us")) else None,
        cpuset_cpus=read("cpuset.cpus") or None,
        cpuset_mems=read("cpuset.mems") or None,
        io_weight=None if weight == _DEFAULT_WEIGHT else weight,
        pids=_number(read("pids.max")),
        hugetlb=_huge_pages(read, huge_page_files),
    )
    return replace(limits, **{n: _rates_v1(read(f"blkio.throttle.{key}_device")) for n, key in _RATES_V1.items()})


def _without_inherited(limits: Limits, above: Read) -> Limits:
    """What a new cgroup on v1 has from its parent is no limit of its own."""
    if str(limits.memory_swappiness) == above("memory.swappiness"):
        limits = replace(limits, memory_swappiness=None)
    if limits.cpuset_cpus is not None and limits.cpuset_cpus == above("cpuset.cpus"):
        limits = replace(limits, cpuset_cpus=None)
    if limits.cpuset_mems is not None and limits.cpuset_mems == above("cpuset.mems"):
        limits = replace(limits, cpuset_mems=None)
    return limits


def _rates_v2(lines: Iterable[list[str]], key: str) -> tuple[DeviceLimit, ...]:
    """From lines such as ``8:0 rbps=1048576 wbps=max riops=max wiops=max``."""
    found = ((words[0], word.partition("=")[2]) for words in lines for word in words[1:] if word.startswith(f"{key}="))
    return tuple(DeviceLimit(device, int(rate)) for device, rate in found if rate.isdecimal())


def _rates_v1(text: str) -> tuple[DeviceLimit, ...]:
    """From lines such as ``8:0 1048576``."""
    return tuple(DeviceLimit(device, int(rate)) for device, rate in (line.split() for line in text.splitlines()))


def _huge_page_files(tops: Iterable[str], ending: str) -> list[str]:
    """Files such as ``hugetlb.2MB.max``; not those that count reservations."""
    names = (name for top in tops if os.path.isdir(top) for name in os.listdir(top))
    return [name for name in names if name.startswith("hugetlb.") and name.endswith(ending) and name.count(".") == 2]


def _huge_pages(read: Read, files: Iterable[str]) -> tuple[HugetlbLimit, ...]:
    found = ((file.split(".")[1], _bytes_v1(read(file))) for file in sorted(files))
    return tuple(HugetlbLimit(size, limit) for size, limit in found if limit is not None)


def _bytes_v1(text: str) -> int | None:
    number = _number(text)
    return number if number is not None and number < UNLIMITED_V1_BYTES else None


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() else None  # neither "max" nor "-1"


def _cpus(quota: str, period: str) -> float | None:
    return int(quota) / int(period) if quota.isdecimal() and period.isdecimal() else None
