"""Options of ``run``, ``create`` and ``update`` that limit a container; their names are docker's and podman's."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from engine.cli import limit_values, values
from engine.cli.command import Options, Parser
from engine.limits import CgroupSetting, DeviceLimit, HugetlbLimit, Limits


class LimitOptions(Options):
    """What limits a container; None is not asked for, -1 no limit."""

    memory: int | None
    memory_high: int | None
    memory_reservation: int | None
    memory_swap: int | None
    memory_swappiness: int | None
    oom_kill_disable: bool | None
    cpus: float | None
    cpu_quota: int | None
    cpu_period: int | None
    cpu_burst: int | None
    cpu_shares: int | None
    cpu_idle: bool | None
    cpu_rt_runtime: int | None
    cpu_rt_period: int | None
    cpuset_cpus: str | None
    cpuset_mems: str | None
    blkio_weight: int | None
    blkio_weight_device: list[DeviceLimit]
    device_read_bps: list[DeviceLimit]
    device_write_bps: list[DeviceLimit]
    device_read_iops: list[DeviceLimit]
    device_write_iops: list[DeviceLimit]
    pids_limit: int | None
    hugetlb: list[HugetlbLimit]
    cgroup_conf: list[CgroupSetting]


def limit_arguments(parser: Parser) -> None:
    """Add the options."""
    _memory_arguments(parser)
    _cpu_arguments(parser)
    _disk_arguments(parser)


def limits_of(options: LimitOptions) -> Limits:
    """The limits that options stand for."""
    return Limits(
        memory_bytes=options.memory,
        memory_high_bytes=options.memory_high,
        memory_reservation_bytes=options.memory_reservation,
        memory_swap_bytes=options.memory_swap,
        memory_swappiness=options.memory_swappiness,
        oom_kill_disable=options.oom_kill_disable,
        cpus=options.cpus,
        cpu_quota_usec=options.cpu_quota,
        cpu_period_usec=options.cpu_period,
        cpu_burst_usec=options.cpu_burst,
        cpu_shares=options.cpu_shares,
        cpu_idle=options.cpu_idle,
        cpu_rt_runtime_usec=options.cpu_rt_runtime,
        cpu_rt_period_usec=options.cpu_rt_period,
        cpuset_cpus=options.cpuset_cpus,
        cpuset_mems=options.cpuset_mems,
        io_weight=options.blkio_weight,
        device_weights=tuple(options.blkio_weight_device),
        device_read_bytes=tuple(options.device_read_bps),
        device_written_bytes=tuple(options.device_write_bps),
        device_reads=tuple(options.device_read_iops),
        device_writes=tuple(options.device_write_iops),
        pids=options.pids_limit,
        hugetlb=tuple(options.hugetlb),
        unified=tuple(options.cgroup_conf),
    )


def _memory_arguments(parser: Parser) -> None:
    group = parser.add_argument_group("memory and processes")
    add = group.add_argument
    size = limit_values.size
    add("-m", "--memory", metavar="SIZE", type=size, help="at most, such as 512m or 1.5g; 0 is no limit")
    add("--memory-high", metavar="SIZE", type=size, help="slow it down and push it back from here on (cgroup v2)")
    add("--memory-reservation", metavar="SIZE", type=size, help="what it is left with when memory is short")
    add(
        "--memory-swap", metavar="SIZE", type=limit_values.swap_size,
        help="memory and swap together: as much as --memory is no swap, -1 any amount [twice the memory]",
    )  # fmt: skip
    add("--memory-swappiness", metavar="PERCENT", type=limit_values.whole, help="how readily it is swapped (cgroup v1)")
    _switch(group, "--oom-kill-disable", "let it wait for memory instead of being killed (cgroup v1)")
    add("--pids-limit", metavar="NUMBER", type=values.process_count, help="processes and threads at most [2048]")
    _list(group, "--hugetlb", "SIZE:LIMIT", limit_values.huge_pages, "huge pages of one size, such as 2MB:64m")
    _list(group, "--cgroup-conf", "FILE=VALUE", limit_values.setting, "a raw limit of cgroup v2, as in memory.min=64M")


def _cpu_arguments(parser: Parser) -> None:
    group = parser.add_argument_group("processors")
    add = group.add_argument
    whole = limit_values.whole
    add("--cpus", metavar="NUMBER", type=limit_values.processors, help="processors' worth of time at most, such as 1.5")
    add("--cpu-quota", metavar="USEC", type=whole, help="the same: microseconds in each period; -1 is no limit")
    add("--cpu-period", metavar="USEC", type=whole, help="how long a period is [100000]")
    add("--cpu-burst", metavar="USEC", type=whole, help="unused quota that may be saved up")
    add("-c", "--cpu-shares", metavar="NUMBER", type=whole, help="its share of busy processors, 2 to 262144 [1024]")
    _switch(group, "--cpu-idle", "only time that nobody else wants")
    add("--cpuset-cpus", metavar="LIST", help="the processors that it may run on, such as 0-3,7")
    add("--cpuset-mems", metavar="LIST", help="the memory nodes that it may use")
    add("--cpu-rt-runtime", metavar="USEC", type=whole, help="realtime scheduling in each of its periods (cgroup v1)")
    add("--cpu-rt-period", metavar="USEC", type=whole, help="how long such a period is (cgroup v1)")


def _disk_arguments(parser: Parser) -> None:
    group = parser.add_argument_group("disks")
    group.add_argument(
        "--blkio-weight", metavar="NUMBER", type=limit_values.whole, help="its share of their time, 10 to 1000 [100]"
    )
    number, rate = limit_values.device_number, limit_values.device_bytes
    _list(group, "--blkio-weight-device", "DISK:NUMBER", number, "the same for one, such as /dev/sda:500 or 8:0:500")
    _list(group, "--device-read-bps", "DISK:SIZE", rate, "bytes read a second, such as /dev/sda:1m or 8:0:1m")
    _list(group, "--device-write-bps", "DISK:SIZE", rate, "bytes written a second")
    _list(group, "--device-read-iops", "DISK:NUMBER", number, "reads a second")
    _list(group, "--device-write-iops", "DISK:NUMBER", number, "writes a second")


def _list(group: argparse._ArgumentGroup, name: str, form: str, kind: Callable[[str], object], words: str) -> None:
    group.add_argument(name, metavar=form, type=kind, action="append", default=[], help=words)


def _switch(group: argparse._ArgumentGroup, name: str, words: str) -> None:
    group.add_argument(name, action=argparse.BooleanOptionalAction, default=None, help=words)
