"""The kernel does what limits say: seen in what processes get, on v1 and v2, whichever is here."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from engine.cgroups import folders, layout
from engine.cgroups.manager import Cgroup
from engine.errors import InvalidRequest, Unsupported
from engine.limits import CgroupSetting, Limits
from engine.oci.resources_spec import (
    LinuxBlockIO,
    LinuxCPU,
    LinuxHugepageLimit,
    LinuxMemory,
    LinuxNetwork,
    LinuxPids,
    LinuxRdma,
    LinuxResources,
    LinuxThrottleDevice,
    LinuxWeightDevice,
)
from tests.engine.cgroups.conftest import Make, Spawn, let_go, line_from

pytestmark = [pytest.mark.vm, pytest.mark.alone]

MIB = 1 << 20
IS_V2 = layout.detect().version == "v2"
SLEEP = "print('here', flush=True); time.sleep(100)"


def content(cgroup: Cgroup, controller: str, file: str) -> str:
    """What one file of the cgroup says; empty where it isn't there."""
    machine = layout.detect()
    tops = [
        hierarchy.point for hierarchy in (*machine.hierarchies, *machine.spare) if controller in hierarchy.controllers
    ]
    return folders.read(f"{tops[0] if tops else machine.unified}{cgroup.path}/{file}")


def allowed_cpus(pid: int) -> str:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(line.split()[1] for line in lines if line.startswith("Cpus_allowed_list"))


def test_a_quota_leaves_a_busy_process_its_share(make: Make, spawn: Spawn) -> None:
    cgroup = make(resources=LinuxResources(cpu=LinuxCPU(quota=10_000, period=50_000)))
    child = spawn("""
start, used = time.monotonic(), time.process_time()
while time.monotonic() < start + 0.5: pass
print(time.process_time() - used, flush=True)
""")
    cgroup.join(child.pid)
    let_go(child)
    assert float(line_from(child)) < 0.25  # a fifth of half a second, and what a slow machine adds
    assert folders.value_of(content(cgroup, "cpu", "cpu.stat"), "nr_throttled")


def test_a_burst_can_be_saved_up(make: Make) -> None:
    cgroup = make(resources=LinuxResources(cpu=LinuxCPU(quota=10_000, period=50_000, burst=5000)))
    assert content(cgroup, "cpu", "cpu.max.burst" if IS_V2 else "cpu.cfs_burst_us") == "5000"
    cgroup.update(LinuxResources(cpu=LinuxCPU(quota=4000, burst=2000)))  # the old burst is above the new quota
    assert content(cgroup, "cpu", "cpu.max.burst" if IS_V2 else "cpu.cfs_burst_us") == "2000"


@pytest.mark.parametrize("below_limits", [False, True])
def test_processors_can_be_chosen_at_the_start_and_later(parent: str, spawn: Spawn, below_limits: bool) -> None:
    last = os.cpu_count() or 1
    resources = LinuxResources(cpu=LinuxCPU(cpus=str(last - 1), mems="0"))
    chosen = Cgroup.create(f"/{parent}/one", resources, below_limits)
    child = spawn(SLEEP)
    chosen.join(child.pid)
    assert allowed_cpus(child.pid) == str(last - 1)
    chosen.update(LinuxResources(cpu=LinuxCPU(cpus="0")))
    assert allowed_cpus(child.pid) == "0"


@pytest.mark.parametrize("below_limits", [False, True])
def test_processors_chosen_later_bind_processes_that_run_already(parent: str, spawn: Spawn, below_limits: bool) -> None:
    cgroup, child = Cgroup.create(f"/{parent}/one", LinuxResources(), below_limits), spawn(SLEEP)
    cgroup.join(child.pid)
    Cgroup.open(cgroup.path).update(LinuxResources(cpu=LinuxCPU(cpus="0")))
    assert allowed_cpus(child.pid) == "0"
    newcomer = spawn(SLEEP)
    cgroup.join(newcomer.pid)
    assert allowed_cpus(newcomer.pid) == "0"
    cgroup.kill()
    assert cgroup.discard()
    assert not list(Path("/sys/fs/cgroup").glob(f"*{cgroup.path}"))


def test_processors_that_are_not_there_are_refused(make: Make) -> None:
    with pytest.raises(InvalidRequest, match=r"the kernel refuses '4000' for cpuset\.cpus"):
        make(resources=LinuxResources(cpu=LinuxCPU(cpus="4000")))


def test_processors_refused_later_leave_the_container_as_it_was(make: Make, spawn: Spawn) -> None:
    cgroup, child = make(), spawn(SLEEP)
    cgroup.join(child.pid)
    before = allowed_cpus(child.pid)
    with pytest.raises(InvalidRequest, match=r"the kernel refuses '4000' for cpuset\.cpus"):
        cgroup.update(LinuxResources(cpu=LinuxCPU(cpus="4000")))
    assert allowed_cpus(child.pid) == before
    if not IS_V2:
        assert content(cgroup, "cpuset", "cpuset.cpus") == ""


def test_a_process_that_may_only_idle_gives_way(make: Make) -> None:
    cgroup = make(resources=LinuxResources(cpu=LinuxCPU(shares=512, idle=1)))
    assert content(cgroup, "cpu", "cpu.idle") == "1"
    assert cgroup.read_limits() == Limits(cpu_idle=True)
    cgroup.update(LinuxResources(cpu=LinuxCPU(idle=0, shares=2048)))
    assert content(cgroup, "cpu", "cpu.weight" if IS_V2 else "cpu.shares") == ("79" if IS_V2 else "2048")


def test_memory_can_be_raised_above_the_limit_of_memory_and_swap(make: Make) -> None:
    cgroup = make(resources=LinuxResources(memory=LinuxMemory(limit=32 * MIB, swap=32 * MIB)))
    cgroup.update(LinuxResources(memory=LinuxMemory(limit=128 * MIB, swap=256 * MIB)))
    assert cgroup.read_limits().memory_bytes == 128 * MIB
    cgroup.update(LinuxResources(memory=LinuxMemory(limit=16 * MIB, swap=16 * MIB)))
    assert cgroup.read_limits().memory_bytes == 16 * MIB
    cgroup.update(LinuxResources(memory=LinuxMemory(limit=-1)))
    assert cgroup.read_limits().memory_bytes is None


def test_a_limit_below_what_is_in_use_can_be_refused(make: Make, spawn: Spawn) -> None:
    cgroup = make(resources=LinuxResources(memory=LinuxMemory(limit=64 * MIB)))
    child = spawn("held = bytearray(b'x' * (30 << 20)); print('here', flush=True); time.sleep(100)")
    cgroup.join(child.pid)
    let_go(child)
    line_from(child)
    with pytest.raises(InvalidRequest, match=r"the memory limit 8388608 is below the \d+ bytes in use"):
        cgroup.update(LinuxResources(memory=LinuxMemory(limit=8 * MIB, check_before_update=True)))
    assert cgroup.read_limits().memory_bytes == 64 * MIB
    assert child.poll() is None


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    """A file on a block device."""
    number = tmp_path.stat().st_dev
    device = Path(f"/sys/dev/block/{os.major(number)}:{os.minor(number)}")
    if not device.exists() or (device / "partition").exists():  # limits are for whole disks
        pytest.skip(f"{tmp_path} is not on a disk of its own")
    return tmp_path / "file"


def throttled(disk: Path, rate: int) -> LinuxThrottleDevice:
    number = disk.parent.stat().st_dev
    return LinuxThrottleDevice(major=os.major(number), minor=os.minor(number), rate=rate)


def test_a_rate_slows_direct_writes_to_a_disk(make: Make, spawn: Spawn, disk: Path) -> None:
    block_io = LinuxBlockIO(throttle_write_bps_device=(throttled(disk, 4 * MIB),))
    cgroup = make(resources=LinuxResources(block_io=block_io))
    child = spawn(f"""
import mmap
page = mmap.mmap(-1, 1 << 20)
file = os.open("{disk}", os.O_WRONLY | os.O_CREAT | os.O_DIRECT, 0o600)
os.write(file, page)
start = time.monotonic()
for _ in range(4): os.write(file, page)
print(time.monotonic() - start, flush=True)
""")
    cgroup.join(child.pid)
    let_go(child)
    assert float(line_from(child)) > 0.7  # 4 MiB at 4 MiB/s


def test_rates_read_back_and_end_with_a_zero(make: Make, disk: Path) -> None:
    def rates(rate: int) -> LinuxResources:
        device = (throttled(disk, rate),)
        return LinuxResources(block_io=LinuxBlockIO(throttle_read_bps_device=device, throttle_read_iops_device=device))

    device = throttled(disk, 5000)
    name = f"{device.major}:{device.minor}"
    cgroup = make(resources=rates(5000))
    file = "io.max" if IS_V2 else "blkio.throttle.read_bps_device"
    expected = f"{name} rbps=5000 wbps=max riops=5000 wiops=max" if IS_V2 else f"{name} 5000"
    assert content(cgroup, "blkio", file) == expected
    cgroup.update(rates(0))
    assert content(cgroup, "blkio", file) == ""


def test_a_weight_of_a_disk_that_bfq_does_not_schedule_is_refused_with_what_to_do(make: Make) -> None:
    bfq = ("io", "io.bfq.weight") if IS_V2 else ("blkio", "blkio.bfq.weight")
    for queue in Path("/sys/block").glob("vd*/queue/scheduler"):
        if "[bfq]" not in queue.read_text() and content(make(), *bfq):
            major, minor = map(int, (queue.parents[1] / "dev").read_text().split(":"))
            weight = LinuxWeightDevice(major=major, minor=minor, weight=300)
            with pytest.raises(InvalidRequest, match=rf"echo bfq > /sys/dev/block/{major}:{minor}/queue/scheduler"):
                make(resources=LinuxResources(block_io=LinuxBlockIO(weight_device=(weight,))))
            return
    pytest.skip("no disk here without bfq while the kernel has it")


def test_a_weight_is_written_for_the_scheduler_that_is_here(make: Make) -> None:
    try:
        cgroup = make(resources=LinuxResources(block_io=LinuxBlockIO(weight=500)))
    except Unsupported as error:
        assert "weight" in str(error)  # noqa: PT017 - neither BFQ nor a cost model in this kernel
        return
    files = ("io.bfq.weight", "io.weight") if IS_V2 else ("blkio.bfq.weight", "blkio.weight")
    assert "".join(content(cgroup, "blkio", file) for file in files) in ("500", "default 500", "default 4950")


def test_raw_limits_are_v2s_alone(make: Make) -> None:
    raw = LinuxResources(unified={"memory.high": str(64 * MIB), "memory.oom.group": "1", "cgroup.max.depth": "3"})
    if not IS_V2:
        with pytest.raises(Unsupported, match="need cgroup v2"):
            make(resources=raw)
        return
    cgroup = make(resources=raw)
    assert cgroup.read_limits() == Limits(
        memory_high_bytes=64 * MIB,
        unified=(CgroupSetting("memory.oom.group", "1"), CgroupSetting("cgroup.max.depth", "3")),
    )
    with pytest.raises(Unsupported, match=r"this kernel has no memory\.teapot"):
        cgroup.update(LinuxResources(unified={"memory.teapot": "1"}))


def test_huge_pages_are_limited_or_refused_by_name(make: Make) -> None:
    resources = LinuxResources(hugepage_limits=(LinuxHugepageLimit(page_size="2MB", limit=4 * MIB),))
    if "hugetlb" not in layout.detect().controllers:
        with pytest.raises(Unsupported, match="the hugetlb controller, which a limit needs, is not available here"):
            make(resources=resources)
        return
    file = "hugetlb.2MB.max" if IS_V2 else "hugetlb.2MB.limit_in_bytes"
    assert content(make(resources=resources), "hugetlb", file) == str(4 * MIB)
    with pytest.raises(Unsupported, match=r"this kernel has no hugetlb\.3MB"):
        make("two", LinuxResources(hugepage_limits=(LinuxHugepageLimit(page_size="3MB", limit=MIB),)))


@pytest.mark.parametrize(
    ("resources", "controller"),
    [
        (LinuxResources(network=LinuxNetwork(class_id=1)), "net_cls"),
        (LinuxResources(rdma={"mlx5_1": LinuxRdma(hca_handles=1)}), "rdma"),
    ],
)
def test_controllers_that_are_nowhere_are_named(make: Make, resources: LinuxResources, controller: str) -> None:
    if controller in layout.detect().controllers:
        return
    with pytest.raises(Unsupported, match=r"net_cls|network class|rdma"):
        make(resources=resources)


def test_one_more_process_than_allowed_is_none(make: Make, spawn: Spawn) -> None:
    cgroup = make(resources=LinuxResources(pids=LinuxPids(limit=1)))
    child = spawn("""
try:
    os.fork()
except BlockingIOError:
    print("no more", flush=True)
""")
    cgroup.join(child.pid)
    let_go(child)
    assert line_from(child) == b"no more"


@pytest.mark.skipif(IS_V2, reason="cgroup v2 has neither")
def test_swappiness_and_no_oom_killer(make: Make, spawn: Spawn) -> None:
    memory = LinuxMemory(limit=16 * MIB, swap=16 * MIB, swappiness=7, disable_oom_killer=True)
    cgroup = make(resources=LinuxResources(memory=memory))
    assert content(cgroup, "memory", "memory.swappiness") == "7"
    child = spawn("print('here', flush=True); bytearray(b'x' * (64 << 20)); print('never', flush=True)")
    cgroup.join(child.pid)
    let_go(child)
    assert line_from(child) == b"here"
    deadline = time.monotonic() + 10
    while folders.value_of(content(cgroup, "memory", "memory.oom_control"), "under_oom") != 1:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert child.poll() is None  # it waits for memory instead
    assert cgroup.oom_kills() == 0


@pytest.mark.skipif(IS_V2, reason="cgroup v2 has no realtime limits")
@pytest.mark.parametrize("below_limits", [False, True])
def test_realtime_is_handed_down_to_the_container(parent: str, spawn: Spawn, below_limits: bool) -> None:
    def realtime(runtime: int, period: int | None = None) -> LinuxResources:
        return LinuxResources(cpu=LinuxCPU(realtime_runtime=runtime, realtime_period=period))

    cgroup = Cgroup.create(f"/{parent}/one", realtime(20_000, 500_000), below_limits)
    assert content(cgroup, "cpu", "cpu.rt_period_us") == "500000"
    child = spawn("os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1)); print('first', flush=True)")
    cgroup.join(child.pid)
    let_go(child)
    assert line_from(child) == b"first"
    cgroup.update(realtime(30_000))
    assert content(cgroup, "cpu", "cpu.rt_runtime_us") == "30000"
    with pytest.raises(InvalidRequest, match=r"the kernel refuses '499999' for cpu\.rt_runtime_us"):
        cgroup.update(realtime(499_999))
