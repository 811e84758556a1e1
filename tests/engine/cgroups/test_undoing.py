"""A refused change leaves everything as it was, and what is noted before a change puts it back later."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest

from engine.cgroups import layout
from engine.cgroups.limits import Write
from engine.cgroups.manager import Cgroup
from engine.cgroups.undoing import value_before
from engine.errors import BoxdeckError
from engine.limits import Limits
from engine.oci.resources_spec import (
    LinuxBlockIO,
    LinuxCPU,
    LinuxMemory,
    LinuxPids,
    LinuxResources,
)
from tests.engine.cgroups.conftest import Make, Spawn
from tests.engine.cgroups.test_enforcement import disk, throttled

__all__ = ["disk"]  # a fixture

IS_V2 = layout.detect().version == "v2"
MIB = 1 << 20
LARGE = 1 << 62  # more processes than there can be


@pytest.mark.parametrize(
    ("write", "content", "before"),
    [
        (Write("memory", "memory.max", "5"), "max", "max"),
        (Write("memory", "memory.reclaim", "5"), "", None),
        (Write("cpu", "cpu.max", "5000 100000"), "max 100000", "max 100000"),
        (Write("cpuset", "cpuset.cpus", "0"), "", "\n"),
        (Write("cpuset", "cpuset.cpus", "0"), "0-1", "0-1"),
        (Write("io", "io.max", "8:0 rbps=5"), "", "8:0 rbps=max wbps=max riops=max wiops=max"),
        (Write("io", "io.max", "8:0 rbps=5"), "8:16 rbps=1 wbps=max\n8:0 rbps=7 wbps=max", "8:0 rbps=7 wbps=max"),
        (Write("io", "io.weight", "default 5"), "default 100\n8:0 7", "default 100"),
        (Write("io", "io.bfq.weight", "5"), "default 100\n8:0 7", "default 100"),
        (Write("io", "io.bfq.weight", "8:16 5"), "default 100\n8:0 7", "8:16 default"),
        (Write("blkio", "blkio.throttle.read_bps_device", "8:0 5"), "8:16 7", "8:0 0"),
        (Write("blkio", "blkio.throttle.read_bps_device", "8:0 5"), "8:0 7", "8:0 7"),
        (Write("memory", "memory.oom_control", "1"), "oom_kill_disable 0\nunder_oom 0\noom_kill 0", "0"),
        (Write("rdma", "rdma.max", "mlx5_1 hca_handle=3"), "", "mlx5_1 hca_handle=max hca_object=max"),
        (Write("net_prio", "net_prio.ifpriomap", "eth0 5"), "lo 0\neth0 2", "eth0 2"),
    ],
)
def test_what_puts_a_file_back(write: Write, content: str, before: str | None) -> None:
    assert value_before(write, content) == before


CHANGES = {
    "memory raised above both": LinuxMemory(limit=256 * MIB, swap=512 * MIB),
    "memory lowered": LinuxMemory(limit=16 * MIB, swap=16 * MIB, reservation=8 * MIB),
    "no limit": LinuxMemory(limit=-1),
}


@pytest.mark.vm
@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.parametrize("below_limits", [False, True])
def test_when_one_limit_is_refused_the_others_are_put_back(
    parent: str, spawn: Spawn, disk: Path, name: str, below_limits: bool
) -> None:
    start = LinuxResources(
        memory=LinuxMemory(limit=64 * MIB, swap=96 * MIB, reservation=32 * MIB),
        cpu=LinuxCPU(shares=512, quota=50_000, period=100_000, burst=20_000),
        pids=LinuxPids(limit=20),
        block_io=LinuxBlockIO(throttle_read_bps_device=(throttled(disk, 5000),)),
    )
    cgroup = Cgroup.create(f"/{parent}/one", start, below_limits)
    child = spawn("time.sleep(100)")
    cgroup.join(child.pid)
    before, everywhere = cgroup.read_limits(), os.sched_getaffinity(child.pid)
    change = LinuxResources(
        memory=CHANGES[name],
        cpu=LinuxCPU(quota=10_000, period=20_000, burst=5000, idle=1, cpus="0", mems="0"),
        block_io=LinuxBlockIO(
            throttle_read_bps_device=(throttled(disk, 7000),), throttle_write_iops_device=(throttled(disk, 9),)
        ),
        pids=LinuxPids(limit=LARGE),
    )
    with pytest.raises(BoxdeckError, match=r"the kernel refuses '4611686018427387904' for pids\.max"):
        cgroup.update(change)
    assert without_cpusets(cgroup.read_limits()) == before
    assert before.cpu_shares or before.unified
    undo = cgroup.undo_of(change)
    cgroup.update(msgspec.structs.replace(change, pids=LinuxPids(limit=30)))
    assert without_cpusets(cgroup.read_limits()) != before
    assert os.sched_getaffinity(child.pid) == {0}
    kept = msgspec.json.decode(msgspec.json.encode(tuple(undo)), type=tuple[Write, ...])  # as it is kept on disk
    cgroup.put_back(kept)
    assert without_cpusets(cgroup.read_limits()) == before
    assert os.sched_getaffinity(child.pid) == everywhere


def without_cpusets(limits: Limits) -> Limits:
    """A cgroup with processes that had no processors of its own has its parent's afterwards, which is the same."""
    return msgspec.structs.replace(limits, cpuset_cpus=None, cpuset_mems=None)


@pytest.mark.vm
def test_what_a_cgroup_has_is_read_back(make: Make) -> None:
    assert make().read_limits() == Limits()
    resources = LinuxResources(
        memory=LinuxMemory(limit=64 * MIB, swap=96 * MIB, reservation=32 * MIB),
        cpu=LinuxCPU(quota=50_000, period=100_000, burst=20_000),
        pids=LinuxPids(limit=20),
    )
    assert make("two", resources).read_limits() == Limits(
        memory_bytes=64 * MIB,
        memory_swap_bytes=96 * MIB,
        memory_reservation_bytes=32 * MIB,
        cpus=0.5,
        cpu_burst_usec=20_000,
        pids=20,
    )
