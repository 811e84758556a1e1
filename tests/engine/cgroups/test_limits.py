"""Limits as the values that are written to control group files."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.cgroups import limits
from engine.cgroups.limits import Write
from engine.model import Limits
from engine.oci.runtime_spec import LinuxCPU, LinuxMemory, LinuxPids, LinuxResources

MIB = 1 << 20


def resources(
    memory: LinuxMemory | None = None, cpu: LinuxCPU | None = None, pids: LinuxPids | None = None
) -> LinuxResources:
    return LinuxResources(memory=memory, cpu=cpu, pids=pids)


EVERYTHING = resources(
    LinuxMemory(limit=256 * MIB, reservation=64 * MIB, swap=384 * MIB),
    LinuxCPU(shares=1024, quota=150_000, period=100_000),
    LinuxPids(limit=512),
)


def test_everything_on_v2() -> None:
    assert limits.writes_v2(EVERYTHING) == [
        Write("memory", "memory.max", "268435456"),
        Write("memory", "memory.low", "67108864"),
        Write("memory", "memory.swap.max", "134217728"),
        Write("cpu", "cpu.weight", "39"),
        Write("cpu", "cpu.max", "150000 100000"),
        Write("pids", "pids.max", "512"),
    ]


def test_everything_on_v1() -> None:
    assert limits.writes_v1(EVERYTHING) == [
        Write("memory", "memory.limit_in_bytes", "268435456"),
        Write("memory", "memory.soft_limit_in_bytes", "67108864"),
        Write("memory", "memory.memsw.limit_in_bytes", "402653184"),
        Write("cpu", "cpu.shares", "1024"),
        Write("cpu", "cpu.cfs_period_us", "100000"),
        Write("cpu", "cpu.cfs_quota_us", "150000"),
        Write("pids", "pids.max", "512"),
    ]


def test_no_limits_write_nothing() -> None:
    assert limits.writes_v1(resources()) == limits.writes_v2(resources()) == []


@pytest.mark.parametrize(
    ("given_resources", "v2", "v1"),
    [
        (resources(LinuxMemory(limit=-1)), ["max"], ["-1"]),
        (resources(LinuxMemory(limit=MIB, swap=-1)), ["1048576", "max"], ["1048576", "-1"]),
        (resources(LinuxMemory(limit=MIB, swap=MIB)), ["1048576", "0"], ["1048576", "1048576"]),
        (resources(cpu=LinuxCPU(quota=-1, period=50_000)), ["max 50000"], ["50000", "-1"]),
        (resources(cpu=LinuxCPU(quota=0)), ["max 100000"], ["-1"]),
        (resources(cpu=LinuxCPU(quota=20_000)), ["20000 100000"], ["20000"]),
        (resources(cpu=LinuxCPU(shares=0)), [], []),
        (resources(pids=LinuxPids(limit=0)), ["max"], ["max"]),
        (resources(pids=LinuxPids(limit=-1)), ["max"], ["max"]),
    ],
)
def test_edge_values(given_resources: LinuxResources, v2: list[str], v1: list[str]) -> None:
    assert [write.value for write in limits.writes_v2(given_resources)] == v2
    assert [write.value for write in limits.writes_v1(given_resources)] == v1


@pytest.mark.parametrize(("shares", "weight"), [(2, 1), (1024, 39), (262_144, 10_000), (0, 1), (1 << 30, 10_000)])
def test_known_weights(shares: int, weight: int) -> None:
    assert limits.weight_from_shares(shares) == weight


@given(st.integers(), st.integers())
def test_more_shares_never_weigh_less(left: int, right: int) -> None:
    low, high = sorted((left, right))
    assert 1 <= limits.weight_from_shares(low) <= limits.weight_from_shares(high) <= 10_000


@given(st.integers(min_value=0, max_value=1 << 62), st.integers(min_value=0, max_value=1 << 62))
def test_swap_alone_is_never_negative(limit: int, swap: int) -> None:
    values = {write.file: write.value for write in limits.writes_v2(resources(LinuxMemory(limit=limit, swap=swap)))}
    assert int(values["memory.swap.max"]) == max(swap - limit, 0)


def test_required_controllers_are_those_with_a_limit() -> None:
    assert limits.required_controllers(EVERYTHING) == ("memory", "cpu", "pids")
    assert limits.required_controllers(resources(pids=LinuxPids(limit=5))) == ("pids",)
    assert limits.required_controllers(resources()) == ()


@pytest.mark.parametrize(
    ("memory", "quota", "period", "pids", "expected"),
    [
        ("67108864", "50000", "100000", "20", Limits(memory_bytes=67_108_864, cpus=0.5, pids=20)),
        ("9223372036854771712", "-1", "100000", "max", Limits()),
        ("", "", "", "", Limits()),
    ],
)
def test_limits_read_back_on_v1(memory: str, quota: str, period: str, pids: str, expected: Limits) -> None:
    assert limits.limits_v1(memory_limit=memory, cfs_quota=quota, cfs_period=period, pids_max=pids) == expected


@pytest.mark.parametrize(
    ("memory", "cpu", "pids", "expected"),
    [
        ("67108864", "150000 100000", "20", Limits(memory_bytes=67_108_864, cpus=1.5, pids=20)),
        ("max", "max 100000", "max", Limits()),
        ("", "", "", Limits()),
    ],
)
def test_limits_read_back_on_v2(memory: str, cpu: str, pids: str, expected: Limits) -> None:
    assert limits.limits_v2(memory_max=memory, cpu_max=cpu, pids_max=pids) == expected
