"""The kernel enforces every limit that a container is started with, and every other one that it gets while it runs."""

from __future__ import annotations

import asyncio
import math
import os
import time
from pathlib import Path

import pytest

from engine import Engine
from engine.cgroups import folders, layout
from engine.errors import BoxdeckError, InvalidRequest, Unsupported
from engine.model import CgroupSetting, Container, ContainerRequest, DeviceLimit, ExecRequest, Limits

pytestmark = [pytest.mark.vm, pytest.mark.alone]

MIB = 1 << 20
IS_V2 = layout.detect().version == "v2"
SPIN = "while :; do :; done"
ONE_PERIOD = 0.005 / 2.5  # of a quota that begins or ends within what is measured
FORKS = "for i in 1 2 3 4 5 6 7 8 9; do sleep 3 & done"


async def started(engine: Engine, *command: str, **limits: object) -> Container:
    request = ContainerRequest(
        image="base",
        command=command or ("sleep", "1000"),
        network="none",
        limits=Limits(**limits),  # type: ignore[arg-type]
    )
    return await engine.containers.run(request)


async def sh(engine: Engine, container: Container, script: str) -> tuple[str, int]:
    """What a further process in the container prints, and its exit status."""
    session = await engine.containers.exec(container.id, ExecRequest(argv=("sh", "-c", script)))
    out = b""
    while (chunk := await session.read()) is not None:
        out += chunk.data
    return out.decode(), await session.wait()


async def seconds_of(engine: Engine, container: Container, script: str) -> float:
    began = time.monotonic()
    out, status = await sh(engine, container, script)
    assert status == 0, out
    return time.monotonic() - began


def content(engine: Engine, container: Container, controller: str, file: str) -> str:
    machine = layout.detect()
    tops = {name: h.point for h in (*machine.hierarchies, *machine.spare) for name in h.controllers}
    return folders.read(f"{tops.get(controller, machine.unified)}{engine.paths.cgroup_path(container.id)}/{file}")


def cpu_seconds(engine: Engine, container: Container) -> float:
    if IS_V2:
        return (folders.value_of(content(engine, container, "cpu", "cpu.stat"), "usage_usec") or 0) / 1e6
    return int(content(engine, container, "cpuacct", "cpuacct.usage")) / 1e9


async def cpu_share(engine: Engine, container: Container, seconds: float = 2.5) -> float:
    """Processors' worth of time that a container gets over a while."""
    began, before = time.monotonic(), cpu_seconds(engine, container)
    await asyncio.sleep(seconds)
    used, now = cpu_seconds(engine, container) - before, time.monotonic()
    return used / (now - began)


def stopped_periods(engine: Engine, container: Container) -> int:
    """Periods in which a container was throttled, so far."""
    return folders.value_of(content(engine, container, "cpu", "cpu.stat"), "nr_throttled") or 0


async def test_memory_beyond_the_limit_is_not_to_be_had(engine: Engine) -> None:
    container = await started(engine, memory_bytes=24 * MIB, memory_swap_bytes=24 * MIB)
    fill = "x=$(head -c 30m /dev/zero | tr '\\0' x); exit 0"  # not in a file, which would outlive who is killed
    _, status = await sh(engine, container, fill)
    assert status != 0
    await engine.containers.update(container.id, Limits(memory_bytes=96 * MIB, memory_swap_bytes=96 * MIB))
    assert await sh(engine, container, fill) == ("", 0)


@pytest.mark.skipif(IS_V2, reason="v2 kills instead, as the kernel's documentation has it")
async def test_a_limit_below_what_is_in_use_is_refused_and_kills_nobody(engine: Engine) -> None:
    container = await started(engine, "sh", "-c", "head -c 30m /dev/zero > /dev/shm/held; exec sleep 1000")
    while int(content(engine, container, "memory", "memory.usage_in_bytes")) < 30 * MIB:
        await asyncio.sleep(0.02)
    with pytest.raises(InvalidRequest, match=r"more than 16777216 bytes are in use, and the kernel can't free enough"):
        await engine.containers.update(container.id, Limits(memory_bytes=16 * MIB))
    container = await engine.containers.get(container.id)
    assert container.is_running and container.request.limits == Limits()
    assert (await engine.containers.limits(container.id)).own.memory_bytes is None


async def test_a_memory_bomb_is_killed_and_reported_so(engine: Engine) -> None:
    bomb = "sleep 0.3; x=x; while :; do x=$x$x; done"
    container = await started(engine, "sh", "-c", bomb)
    await engine.containers.update(container.id, Limits(memory_bytes=16 * MIB))
    assert await engine.containers.wait(container.id) == 137
    assert (await engine.containers.get(container.id)).oom_killed


@pytest.mark.skipif(not IS_V2, reason="memory.high is v2's")
async def test_from_memory_high_on_it_is_pushed_back(engine: Engine) -> None:
    write = "dd if=/dev/zero of=/file bs=1M count=48 conv=fsync 2>/dev/null"
    container = await started(engine, memory_high_bytes=12 * MIB)
    assert await sh(engine, container, write) == ("", 0)
    assert int(content(engine, container, "memory", "memory.current")) < 20 * MIB
    assert folders.value_of(content(engine, container, "memory", "memory.events"), "high")
    await engine.containers.update(container.id, Limits(memory_high_bytes=-1))
    assert await sh(engine, container, write) == ("", 0)
    assert int(content(engine, container, "memory", "memory.current")) > 40 * MIB


@pytest.mark.skipif(not IS_V2, reason="v1 looks at soft limits only when the whole machine is short of memory")
async def test_a_reservation_keeps_what_others_would_take(engine: Engine) -> None:
    read = "dd if=/dev/zero of=/file bs=1M count={0} conv=fsync 2>/dev/null; cat /file >/dev/null"
    kept = {}
    for reservation in (-1, 12 * MIB):
        first, second = await started(engine), await started(engine)
        await engine.containers.update(first.id, Limits(memory_reservation_bytes=reservation))
        above = f"{layout.detect().unified}/{engine.paths.cgroup_name}/memory.max"
        await sh(engine, first, read.format(8))
        try:
            folders.write(above, str(24 * MIB))
            await sh(engine, second, read.format(40))
            kept[reservation] = int(content(engine, first, "memory", "memory.current"))
        finally:
            folders.write(above, "max")
            for container in (first, second):
                await engine.containers.remove(container.id, force=True)
    assert kept[12 * MIB] > 8 * MIB > kept[-1]


async def test_a_quota_is_kept_to_within_a_twentieth(engine: Engine) -> None:
    container = await started(engine, "sh", "-c", SPIN, cpu_quota_usec=5000, cpu_period_usec=25_000)
    least, most = 0.2 * 0.95, 0.2 * 1.05 + ONE_PERIOD
    for _ in range(5):  # a busy machine may give less for a while
        before = stopped_periods(engine, container)
        share = await cpu_share(engine, container)
        if least <= share <= most:
            break
        if share > most:  # an emulated processor that stood still meanwhile was charged for it; that is paid back
            await asyncio.sleep(2.5)
            continue
        of_periods = (stopped_periods(engine, container) - before) / (2.5 / 0.025)
        assert share >= least * min(of_periods, 1) - 0.01  # whenever it was stopped it had had its part
    assert share <= most
    await engine.containers.update(container.id, Limits(cpus=0.1))
    await cpu_share(engine, container)  # which may have what was left of before
    shares = [await cpu_share(engine, container)]
    while shares[-1] > 0.1 * 1.05 + ONE_PERIOD and len(shares) < 4:
        shares.append(await cpu_share(engine, container))
    assert shares[-1] <= 0.1 * 1.05 + ONE_PERIOD


async def test_saved_up_quota_may_be_used_at_once(engine: Engine) -> None:
    container = await started(engine)
    loop = "i=0; while [ $i -lt {} ]; do i=$((i+1)); done"
    before = cpu_seconds(engine, container)
    await sh(engine, container, loop.format(5000))
    turns = int(5000 * 0.06 / (cpu_seconds(engine, container) - before)) + 1  # which take 60 ms on any machine
    await engine.containers.update(container.id, Limits(cpu_quota_usec=20_000, cpu_period_usec=50_000))
    work = f"for k in 1 2 3 4; do sleep 0.3; {loop.format(turns)}; done"
    await sh(engine, container, work)
    assert not folders.value_of(content(engine, container, "cpu", "cpu.stat"), "nr_bursts")
    await engine.containers.update(container.id, Limits(cpu_burst_usec=20_000))
    await sh(engine, container, work)
    assert folders.value_of(content(engine, container, "cpu", "cpu.stat"), "nr_bursts")


async def test_busy_processors_are_shared_by_weight(engine: Engine) -> None:
    heavy = await started(engine, "sh", "-c", SPIN, cpu_shares=2048, cpuset_cpus="0")
    light = await started(engine, "sh", "-c", SPIN, cpu_shares=512, cpuset_cpus="0")

    async def is_shared(least: float, most: float) -> bool:
        for _ in range(4):  # others on the machine may get into the way of one of them for a while
            large, small = await asyncio.gather(cpu_share(engine, heavy), cpu_share(engine, light))
            if least < large / max(small, 1e-6) < most:
                return True
        return False

    assert await is_shared(4 * 0.8, 4 * 1.25)
    await engine.containers.update(heavy.id, Limits(cpu_shares=512))
    assert await is_shared(0.8, 1.25)
    await engine.containers.update(light.id, Limits(cpu_idle=True))
    assert await is_shared(20, math.inf)
    await engine.containers.update(light.id, Limits(cpu_idle=False, cpu_shares=512))
    assert await is_shared(0.8, 1.25)


async def test_processors_and_memory_nodes_are_those_that_were_chosen(engine: Engine) -> None:
    show = "grep _allowed_list /proc/self/status"
    last = str((os.cpu_count() or 1) - 1)
    container = await started(engine, cpuset_cpus="0", cpuset_mems="0")
    assert (await sh(engine, container, show))[0].split() == ["Cpus_allowed_list:", "0", "Mems_allowed_list:", "0"]
    await engine.containers.update(container.id, Limits(cpuset_cpus=last))
    assert (await sh(engine, container, show))[0].split()[1] == last


async def test_a_fork_bomb_ends_at_the_limit_of_processes(engine: Engine) -> None:
    container = await started(engine, pids=5)
    out, _ = await sh(engine, container, FORKS)
    assert "fork" in out.lower()
    await engine.containers.update(container.id, Limits(pids=60))
    assert (await sh(engine, container, FORKS))[0] == ""


@pytest.mark.skipif(not IS_V2, reason="on v1 a soft limit needs nothing from above")
async def test_what_containers_reserve_is_reserved_for_all_of_ours_together(engine: Engine) -> None:
    above = Path(f"{layout.detect().unified}/{engine.paths.cgroup_name}/memory.low")
    first = await started(engine, memory_reservation_bytes=24 * MIB)
    second = await started(engine)
    assert int(above.read_text()) == 24 * MIB
    await engine.containers.update(second.id, Limits(memory_reservation_bytes=8 * MIB))
    assert int(above.read_text()) == 32 * MIB
    await engine.containers.update(first.id, Limits(memory_reservation_bytes=-1))
    assert int(above.read_text()) == 8 * MIB
    guaranteed = (CgroupSetting("memory.min", str(4 * MIB)),)
    await started(engine, unified=guaranteed)
    await engine.containers.update(first.id, Limits(unified=guaranteed))
    assert int(above.with_name("memory.min").read_text()) == 8 * MIB


@pytest.mark.skipif(not IS_V2, reason="raw limits are v2's")
async def test_raw_limits_bind_like_those_with_names(engine: Engine) -> None:
    container = await started(engine, unified=(CgroupSetting("pids.max", "5"),))
    assert "fork" in (await sh(engine, container, FORKS))[0].lower()
    await engine.containers.update(container.id, Limits(unified=(CgroupSetting("pids.max", "60"),)))
    assert (await sh(engine, container, f"{FORKS}; wait"))[0] == ""
    await engine.containers.update(container.id, Limits(pids=5))
    assert "fork" in (await sh(engine, container, FORKS))[0].lower()
    assert (await engine.containers.get(container.id)).request.limits == Limits(pids=5)


@pytest.fixture
def disk(engine: Engine) -> str:
    """The disk that containers write to, by number."""
    number = engine.paths.root.stat().st_dev
    name = f"{os.major(number)}:{os.minor(number)}"
    folder = Path(f"/sys/dev/block/{name}")
    if not folder.exists() or (folder / "partition").exists():  # limits are for whole disks
        pytest.skip(f"{engine.paths.root} is not on a disk of its own")
    return name


WRITE = "dd if=/dev/zero of=/file bs=256k count=8 oflag=direct conv=notrunc 2>/dev/null"
READ = "dd if=/file of=/dev/null bs=64k count=32 iflag=direct 2>/dev/null"
RATES = {  # 2 MiB, or so many operations, in about two seconds
    "device_written_bytes": (WRITE, MIB),
    "device_writes": (WRITE, 4),
    "device_read_bytes": (READ, MIB),
    "device_reads": (READ, 16),
}


@pytest.mark.parametrize("name", RATES)
async def test_a_rate_slows_direct_access_to_a_disk(engine: Engine, disk: str, name: str) -> None:
    script, rate = RATES[name]
    limited, lifted = ({name: (DeviceLimit(disk, value),)} for value in (rate, 0))
    container = await started(engine)
    await sh(engine, container, WRITE)
    free = await seconds_of(engine, container, script)
    await engine.containers.update(container.id, Limits(**limited))  # type: ignore[arg-type]
    assert await seconds_of(engine, container, script) > max(1.2, 2 * free)
    await engine.containers.update(container.id, Limits(**lifted))  # type: ignore[arg-type]
    assert await seconds_of(engine, container, script) < 1.2 + free
    assert (await engine.containers.get(container.id)).request.limits == Limits()


async def test_a_rate_binds_from_the_first_access(engine: Engine, disk: str) -> None:
    container = await started(engine, device_written_bytes=(DeviceLimit(disk, MIB),))
    assert await seconds_of(engine, container, WRITE) > 1.2


async def test_a_weight_of_disks_reaches_the_scheduler_or_is_refused_by_name(engine: Engine) -> None:
    try:
        container = await started(engine, io_weight=300)
    except Unsupported as error:
        assert "weight" in str(error)  # noqa: PT017 - neither BFQ nor a cost model in this kernel
        assert await engine.containers.list(all_states=True) == ()
        return
    await engine.containers.update(container.id, Limits(io_weight=700))
    files = ("io.bfq.weight", "io.weight") if IS_V2 else ("blkio.bfq.weight", "blkio.weight")
    assert "".join(content(engine, container, "blkio", file) for file in files) in (
        "700",
        "default 700",
        "default 6970",
    )


@pytest.mark.parametrize(
    ("limits", "where", "words"),
    [
        (Limits(memory_swappiness=10), "v1", "swappiness"),
        (Limits(oom_kill_disable=True), "v1", "OOM killer"),
        (Limits(cpu_rt_runtime_usec=1000), "v1", "realtime"),
        (Limits(memory_high_bytes=64 * MIB), "v2", r"memory\.high"),
        (Limits(unified=(CgroupSetting("memory.min", "1M"),)), "v2", r"memory\.min"),
    ],
)
async def test_what_the_other_version_has_is_refused_by_name(
    engine: Engine, limits: Limits, where: str, words: str
) -> None:
    if where == ("v2" if IS_V2 else "v1"):
        container = await engine.containers.run(
            ContainerRequest(image="base", command=("sleep", "1000"), network="none", limits=limits)
        )
        assert container.is_running
        return
    with pytest.raises(Unsupported, match=words):
        await engine.containers.create(ContainerRequest(image="base", command=("true",), limits=limits))
    container = await started(engine)
    with pytest.raises(Unsupported, match=words):
        await engine.containers.update(container.id, limits)
    assert (await engine.containers.get(container.id)).request.limits == Limits()


async def test_huge_pages_that_nobody_counts_are_refused_by_name(engine: Engine) -> None:
    from engine.model import HugetlbLimit

    if "hugetlb" in layout.detect().controllers:
        container = await started(engine, hugetlb=(HugetlbLimit("2MB", 4 * MIB),))
        assert (await engine.containers.limits(container.id)).own.hugetlb == (HugetlbLimit("2MB", 4 * MIB),)
        return
    with pytest.raises(BoxdeckError, match="the hugetlb controller"):
        await started(engine, hugetlb=(HugetlbLimit("2MB", 4 * MIB),))
