"""What files of control groups say, as limits: pure, so that both versions are looked at on every machine."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from engine.cgroups import read_back
from engine.limits import CgroupSetting, DeviceLimit, HugetlbLimit, Limits

NEW_V2 = {
    "memory.max": "max", "memory.high": "max", "memory.low": "0", "memory.min": "0", "memory.swap.max": "max",
    "memory.swap.high": "max", "memory.zswap.max": "max", "memory.oom.group": "0", "cpu.max": "max 100000",
    "cpu.max.burst": "0", "cpu.weight": "100", "cpu.idle": "0", "cpuset.cpus": "", "cpuset.mems": "",
    "cpuset.cpus.partition": "member", "io.max": "", "io.weight": "default 100", "io.latency": "", "pids.max": "max",
    "hugetlb.2MB.max": "max", "rdma.max": "mlx5_1 hca_handle=max hca_object=max", "misc.max": "sev max\nsev_es max",
    "cgroup.max.depth": "max", "cgroup.max.descendants": "max",
}  # fmt: skip


@pytest.mark.parametrize(
    ("files", "limits"),
    [
        ({}, Limits()),
        ({"memory.max": "9", "memory.swap.max": "4"}, Limits(memory_bytes=9, memory_swap_bytes=13)),
        ({"memory.high": "9", "memory.low": "4"}, Limits(memory_high_bytes=9, memory_reservation_bytes=4)),
        ({"cpu.max": "50000 100000", "cpu.max.burst": "7"}, Limits(cpus=0.5, cpu_burst_usec=7)),
        ({"cpu.idle": "1", "cpu.weight": "0"}, Limits(cpu_idle=True)),
        (
            {"cpuset.cpus": "0-1", "cpuset.mems": "0", "pids.max": "7"},
            Limits(cpuset_cpus="0-1", cpuset_mems="0", pids=7),
        ),
        ({"hugetlb.2MB.max": "4194304"}, Limits(hugetlb=(HugetlbLimit("2MB", 4194304),))),
        (
            {"io.max": "8:0 rbps=5 wbps=max riops=max wiops=7\n8:16 rbps=max wbps=6 riops=max wiops=max"},
            Limits(
                device_read_bytes=(DeviceLimit("8:0", 5),),
                device_written_bytes=(DeviceLimit("8:16", 6),),
                device_writes=(DeviceLimit("8:0", 7),),
            ),
        ),
        (
            {"io.weight": "default 100\n8:0 200", "memory.oom.group": "1", "io.latency": "8:0 target=75"},
            Limits(
                unified=(
                    CgroupSetting("memory.oom.group", "1"),
                    CgroupSetting("io.weight", "8:0 200"),
                    CgroupSetting("io.latency", "8:0 target=75"),
                )
            ),
        ),
        (
            {
                "rdma.max": "mlx5_1 hca_handle=2 hca_object=max",
                "misc.max": "sev 3\nsev_es max",
                "cgroup.max.depth": "3",
            },
            Limits(
                unified=(
                    CgroupSetting("rdma.max", "mlx5_1 hca_handle=2 hca_object=max"),
                    CgroupSetting("misc.max", "sev 3"),
                    CgroupSetting("cgroup.max.depth", "3"),
                )
            ),
        ),
    ],
)
def test_what_differs_from_a_new_cgroup_on_v2_is_a_limit(files: dict[str, str], limits: Limits) -> None:
    assert on_v2(NEW_V2 | files) == limits


def test_files_that_are_not_there_limit_nothing() -> None:
    assert on_v2({}) == Limits()


def on_v2(files: dict[str, str]) -> Limits:
    huge: Iterable[str] = [name for name in files if name.startswith("hugetlb.")]
    return read_back._v2(lambda file: files.get(file, ""), huge)
