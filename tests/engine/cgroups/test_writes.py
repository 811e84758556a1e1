"""Limits as the values that are written to control group files."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.cgroups import writes_v2 as v2_numbers
from engine.cgroups.limits import Write
from engine.cgroups.writes_v1 import writes_v1
from engine.cgroups.writes_v2 import Now, needs_now, writes_v2
from engine.errors import BoxdeckError, InvalidRequest, Unsupported
from engine.oci.resources_spec import (
    LinuxBlockIO,
    LinuxCPU,
    LinuxHugepageLimit,
    LinuxInterfacePriority,
    LinuxMemory,
    LinuxNetwork,
    LinuxPids,
    LinuxRdma,
    LinuxResources,
    LinuxThrottleDevice,
    LinuxWeightDevice,
)

MIB = 1 << 20
EVERYWHERE = LinuxResources(
    memory=LinuxMemory(limit=256 * MIB, reservation=64 * MIB, swap=384 * MIB, use_hierarchy=True),
    cpu=LinuxCPU(shares=1024, quota=150_000, period=100_000, burst=5000, cpus="0-1", mems="0", idle=1),
    pids=LinuxPids(limit=512),
    block_io=LinuxBlockIO(
        weight=500,
        weight_device=(LinuxWeightDevice(major=8, minor=0, weight=10),),
        throttle_read_bps_device=(LinuxThrottleDevice(major=8, minor=0, rate=MIB),),
        throttle_write_bps_device=(LinuxThrottleDevice(major=8, minor=16, rate=2 * MIB),),
        throttle_read_iops_device=(LinuxThrottleDevice(major=8, minor=0, rate=100),),
        throttle_write_iops_device=(LinuxThrottleDevice(major=8, minor=0, rate=0),),
    ),
    hugepage_limits=(LinuxHugepageLimit(page_size="2MB", limit=4 * MIB),),
    rdma={"mlx5_1": LinuxRdma(hca_handles=3), "mlx5_2": LinuxRdma(hca_handles=1, hca_objects=2000)},
)
ONLY_ON_V1 = [
    (LinuxResources(memory=LinuxMemory(swappiness=10)), "memory.swappiness", "10"),
    (LinuxResources(memory=LinuxMemory(disable_oom_killer=True)), "memory.oom_control", "1"),
    (LinuxResources(memory=LinuxMemory(use_hierarchy=False)), "memory.use_hierarchy", "0"),
    (LinuxResources(memory=LinuxMemory(kernel=MIB)), "memory.kmem.limit_in_bytes", "1048576"),
    (LinuxResources(memory=LinuxMemory(kernel_tcp=MIB)), "memory.kmem.tcp.limit_in_bytes", "1048576"),
    (LinuxResources(cpu=LinuxCPU(realtime_runtime=5000)), "cpu.rt_runtime_us", "5000"),
    (LinuxResources(cpu=LinuxCPU(realtime_period=50_000)), "cpu.rt_period_us", "50000"),
    (LinuxResources(block_io=LinuxBlockIO(leaf_weight=10)), "blkio.leaf_weight", "10"),
    (LinuxResources(network=LinuxNetwork(class_id=0x100001)), "net_cls.classid", "1048577"),
    (
        LinuxResources(network=LinuxNetwork(priorities=(LinuxInterfacePriority(name="eth0", priority=5),))),
        "net_prio.ifpriomap",
        "eth0 5",
    ),
]


def short(writes: list[Write]) -> list[tuple[str, str]]:
    return [(write.file, write.value) for write in writes]


def test_everything_on_v2() -> None:
    assert short(writes_v2(EVERYWHERE)) == [
        ("memory.max", "268435456"),
        ("memory.low", "67108864"),
        ("memory.swap.max", "134217728"),
        ("cpu.weight", "39"),
        ("cpu.max", "150000 100000"),
        ("cpu.max.burst", "5000"),
        ("cpu.idle", "1"),
        ("cpuset.cpus", "0-1"),
        ("cpuset.mems", "0"),
        ("pids.max", "512"),
        ("io.bfq.weight", "500"),
        ("io.bfq.weight", "8:0 10"),
        ("io.max", "8:0 rbps=1048576 riops=100 wiops=max"),
        ("io.max", "8:16 wbps=2097152"),
        ("hugetlb.2MB.max", "4194304"),
        ("hugetlb.2MB.rsvd.max", "4194304"),
        ("rdma.max", "mlx5_1 hca_handle=3"),
        ("rdma.max", "mlx5_2 hca_handle=1 hca_object=2000"),
    ]


def test_everything_on_v1() -> None:
    assert short(writes_v1(EVERYWHERE)) == [
        ("memory.limit_in_bytes", "268435456"),
        ("memory.soft_limit_in_bytes", "67108864"),
        ("memory.memsw.limit_in_bytes", "402653184"),
        ("memory.use_hierarchy", "1"),
        ("cpu.shares", "1024"),
        ("cpu.cfs_period_us", "100000"),
        ("cpu.cfs_quota_us", "150000"),
        ("cpu.cfs_burst_us", "5000"),
        ("cpu.idle", "1"),
        ("cpuset.cpus", "0-1"),
        ("cpuset.mems", "0"),
        ("pids.max", "512"),
        ("blkio.bfq.weight", "500"),
        ("blkio.bfq.weight_device", "8:0 10"),
        ("blkio.throttle.read_bps_device", "8:0 1048576"),
        ("blkio.throttle.write_bps_device", "8:16 2097152"),
        ("blkio.throttle.read_iops_device", "8:0 100"),
        ("blkio.throttle.write_iops_device", "8:0 0"),
        ("hugetlb.2MB.limit_in_bytes", "4194304"),
        ("rdma.max", "mlx5_1 hca_handle=3"),
        ("rdma.max", "mlx5_2 hca_handle=1 hca_object=2000"),
    ]


def test_no_limits_write_nothing() -> None:
    assert writes_v1(LinuxResources()) == writes_v2(LinuxResources()) == []


@pytest.mark.parametrize(("resources", "file", "value"), ONLY_ON_V1)
def test_what_only_v1_has_is_refused_by_name_on_v2(resources: LinuxResources, file: str, value: str) -> None:
    assert short(writes_v1(resources)) == [(file, value)]
    with pytest.raises(Unsupported, match="cgroup v2 has no limit such as "):
        writes_v2(resources)


@pytest.mark.parametrize(
    ("memory", "v2", "v1"),
    [
        (LinuxMemory(limit=-1), ["max", "max"], ["-1", "-1"]),
        (LinuxMemory(limit=MIB, swap=-1), ["1048576", "max"], ["1048576", "-1"]),
        (LinuxMemory(limit=MIB, swap=MIB), ["1048576", "0"], ["1048576", "1048576"]),
        (LinuxMemory(limit=0, swap=0, reservation=0), [], []),
        (LinuxMemory(disable_oom_killer=False), [], ["0"]),
        (LinuxMemory(reservation=-1), ["0"], ["-1"]),
    ],
)
def test_edge_values_of_memory(memory: LinuxMemory, v2: list[str], v1: list[str]) -> None:
    resources = LinuxResources(memory=memory)
    assert [write.value for write in writes_v2(resources)] == v2
    assert [write.value for write in writes_v1(resources)] == v1


@pytest.mark.parametrize(
    ("cpu", "v2", "v1"),
    [
        (LinuxCPU(quota=-1, period=50_000), ["max 50000"], ["50000", "-1"]),
        (LinuxCPU(quota=0), [], []),
        (LinuxCPU(quota=20_000), ["20000"], ["20000"]),
        (LinuxCPU(period=20_000), ["max 20000"], ["20000"]),
        (LinuxCPU(shares=0), [], []),
    ],
)
def test_edge_values_of_cpu(cpu: LinuxCPU, v2: list[str], v1: list[str]) -> None:
    resources = LinuxResources(cpu=cpu)
    assert [write.value for write in writes_v2(resources)] == v2
    assert [write.value for write in writes_v1(resources)] == v1


@pytest.mark.parametrize(("limit", "expected"), [(None, []), (0, []), (-1, ["max"]), (7, ["7"])])
def test_edge_values_of_pids(limit: int | None, expected: list[str]) -> None:
    resources = LinuxResources(pids=LinuxPids(limit=limit))
    assert [write.value for write in writes_v2(resources)] == expected
    assert [write.value for write in writes_v1(resources)] == expected


def test_a_weight_goes_to_whichever_scheduler_the_kernel_has() -> None:
    resources = LinuxResources(block_io=LinuxBlockIO(weight=500))
    assert writes_v2(resources)[0].otherwise == Write("io", "io.weight", "default 4950")
    assert writes_v1(resources)[0].otherwise == Write("blkio", "blkio.weight", "500")


def test_a_limit_of_swap_alone_is_judged_against_the_memory_limit_in_force() -> None:
    resources = LinuxResources(memory=LinuxMemory(swap=3 * MIB))
    assert needs_now(resources)
    assert short(writes_v2(resources, Now(memory_max=str(MIB)))) == [("memory.swap.max", str(2 * MIB))]
    with pytest.raises(InvalidRequest, match="needs one of memory"):
        writes_v2(resources)
    with pytest.raises(InvalidRequest, match="below that of memory"):
        writes_v2(resources, Now(memory_max=str(4 * MIB)))


def test_a_new_period_alone_keeps_the_quota_in_force() -> None:
    resources = LinuxResources(cpu=LinuxCPU(period=20_000))
    assert needs_now(resources)
    assert short(writes_v2(resources, Now(cpu_quota="5000"))) == [("cpu.max", "5000 20000")]


def test_raw_limits_are_written_line_by_line_on_v2_and_refused_on_v1() -> None:
    resources = LinuxResources(unified={"memory.high": "1G", "io.max": "8:0 rbps=1\n8:16 rbps=2"})
    assert writes_v2(resources) == [
        Write("memory", "memory.high", "1G"),
        Write("io", "io.max", "8:0 rbps=1"),
        Write("io", "io.max", "8:16 rbps=2"),
    ]
    with pytest.raises(Unsupported, match=r"memory\.high, io\.max: such limits need cgroup v2"):
        writes_v1(resources)


@pytest.mark.parametrize(
    "resources",
    [
        LinuxResources(unified={"../cgroup.kill": "1"}),
        LinuxResources(unified={"memory.max/..": "1"}),
        LinuxResources(unified={"": "1"}),
        LinuxResources(unified={"tasks": "1"}),
        LinuxResources(unified={"cgroup.procs": "1"}),
        LinuxResources(unified={"cgroup.kill": "1"}),
        LinuxResources(hugepage_limits=(LinuxHugepageLimit(page_size="../2MB", limit=1),)),
        LinuxResources(rdma={"two words": LinuxRdma(hca_handles=1)}),
    ],
)
def test_names_that_would_lead_elsewhere_are_refused(resources: LinuxResources) -> None:
    with pytest.raises(BoxdeckError, match=" is not a"):
        writes_v2(resources)


@pytest.mark.parametrize(("shares", "weight"), [(2, 1), (1024, 39), (262_144, 10_000), (0, 1), (1 << 30, 10_000)])
def test_known_weights(shares: int, weight: int) -> None:
    assert v2_numbers.weight_from_shares(shares) == weight


@given(st.integers(), st.integers())
def test_more_never_weighs_less(left: int, right: int) -> None:
    low, high = sorted((left, right))
    assert 1 <= v2_numbers.weight_from_shares(low) <= v2_numbers.weight_from_shares(high) <= 10_000
    assert 1 <= v2_numbers.io_weight(low) <= v2_numbers.io_weight(high) <= 10_000
