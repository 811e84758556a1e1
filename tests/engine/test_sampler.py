"""Live figures as a front end sees them: real cgroups with real processes in them, read by one sampler."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing

import pytest

from engine.cgroups.manager import Cgroup
from engine.errors import StoreError
from engine.model import Container, ContainerRequest, Endpoint, Snapshot, State
from engine.network.counters import InterfaceCounters
from engine.oci.runtime_spec import LinuxCPU, LinuxMemory, LinuxPids, LinuxResources
from engine.sampler import Sampler
from engine.survey import Survey
from tests.engine.cgroups.conftest import Make, Spawn, let_go, make, parent, spawn

__all__ = ["make", "parent", "spawn"]  # fixtures

pytestmark = pytest.mark.vm

MIB = 1 << 20
BUSY = "while True: pass"
IDLE = "time.sleep(100)"
LIMITED = LinuxResources(
    memory=LinuxMemory(limit=64 * MIB), cpu=LinuxCPU(quota=30_000, period=100_000), pids=LinuxPids(limit=20)
)


class Machine:
    """The containers that a sampler is told about, and how often it asked."""

    def __init__(self, parent: str, make: Make, spawn: Spawn) -> None:
        self.running: list[Container] = []
        self.asked = 0
        self.error: Exception | None = None
        self._parent, self._make, self._spawn = parent, make, spawn

    def start(self, name: str, code: str = IDLE, started_unix_ns: int = 1) -> Cgroup:
        cgroup, child = self._make(name, LIMITED), self._spawn(code)
        cgroup.join(child.pid)
        let_go(child)
        self.running.append(container(name, started_unix_ns))
        return cgroup

    async def list_running(self) -> list[Container]:
        self.asked += 1
        if self.error is not None:
            raise self.error
        return list(self.running)

    def cgroup_path(self, container: Container) -> str:
        return f"/{self._parent}/{container.id}"


class Counters:
    """Network counters that grow by a thousand bytes a reading, or fail."""

    def __init__(self) -> None:
        self.readings = 0
        self.fails = False
        self.closed = 0

    def read(self) -> dict[str, InterfaceCounters]:
        if self.fails:
            raise OSError(5, "the kernel doesn't answer")
        self.readings += 1
        return {"bd-one": InterfaceCounters(received_bytes=1000 * self.readings, sent_bytes=7)}

    def close(self) -> None:
        self.closed += 1


def container(name: str, started_unix_ns: int = 1) -> Container:
    endpoint = Endpoint(
        network="bridge",
        bridge="boxdeck0",
        host_interface=f"bd-{name}",
        container_interface="eth0",
        address="10.89.0.7/24",
        gateway="10.89.0.1",
        mac="02:42:0a:59:00:07",
    )
    return Container(
        id=name,
        name=name,
        request=ContainerRequest(image="base"),
        image_id="",
        argv=("sh",),
        state=State.RUNNING,
        created_unix_ns=0,
        started_unix_ns=started_unix_ns,
        endpoint=endpoint,
    )


@pytest.fixture
def machine(parent: str, make: Make, spawn: Spawn) -> Machine:
    return Machine(parent, make, spawn)


@pytest.fixture
async def sampler(machine: Machine) -> AsyncIterator[Sampler]:
    found = Sampler(machine.list_running, machine.cgroup_path)
    yield found
    await found.close()


async def take(sampler: Sampler, count: int, interval_seconds: float = 0.05) -> list[Snapshot]:
    taken: list[Snapshot] = []
    async with aclosing(sampler.samples(interval_seconds)) as snapshots:
        async for snapshot in snapshots:
            taken.append(snapshot)
            if len(taken) == count:
                break
    return taken


async def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


async def test_the_first_snapshot_comes_at_once_and_rates_soon_after(machine: Machine, sampler: Sampler) -> None:
    machine.start("one", BUSY)
    began = time.monotonic()
    first, second = await take(sampler, 2, interval_seconds=60)
    assert time.monotonic() - began < 5
    assert (first.interval_seconds, first.containers["one"].cpu_percent) == (0.0, 0.0)
    assert second.interval_seconds > 0.2
    assert second.containers["one"].cpu_percent > 1


async def test_limits_and_levels_are_those_of_the_kernel(machine: Machine, sampler: Sampler) -> None:
    machine.start("one")
    (snapshot,) = await take(sampler, 1)
    sample = snapshot.containers["one"]
    assert (sample.memory_limit_bytes, sample.cpu_limit_percent, sample.pids_limit) == (64 * MIB, 30.0, 20)
    assert (sample.pids, sample.oom_kills) == (1, 0)


async def test_a_busy_container_uses_what_its_quota_allows(machine: Machine, sampler: Sampler) -> None:
    machine.start("one", BUSY)
    snapshot = await sampler.once()
    assert snapshot.interval_seconds > 0
    assert 5 < snapshot.containers["one"].cpu_percent < 60


async def test_the_host_has_figures_too(sampler: Sampler) -> None:
    (snapshot,) = await take(sampler, 1)
    assert snapshot.host.processors == os.cpu_count()
    assert 0 < snapshot.host.memory_used_bytes < snapshot.host.memory_total_bytes
    assert 0 <= snapshot.host.cpu_percent <= 100


async def test_all_listeners_share_one_look(machine: Machine, sampler: Sampler) -> None:
    machine.start("one")
    left, right = await asyncio.gather(take(sampler, 5), take(sampler, 5))
    assert machine.asked <= 7
    assert {id(snapshot) for snapshot in left} & {id(snapshot) for snapshot in right}


async def test_a_listener_who_comes_later_gets_the_latest_at_once(machine: Machine, sampler: Sampler) -> None:
    async with aclosing(sampler.samples(60)) as early:
        await anext(early)
        second = await anext(early)
        assert await asyncio.wait_for(take(sampler, 1, interval_seconds=60), 1) == [second]


async def test_one_who_wants_it_quicker_doesnt_speed_up_the_others(machine: Machine, sampler: Sampler) -> None:
    slow = asyncio.create_task(take(sampler, 4, interval_seconds=60))
    await take(sampler, 12)
    assert not slow.done()
    slow.cancel()


async def test_a_slow_listener_gets_the_newest_snapshot(machine: Machine, sampler: Sampler) -> None:
    async with aclosing(sampler.samples(0.02)) as snapshots:
        await anext(snapshots)
        asked = machine.asked
        await until(lambda: machine.asked > asked + 4)
        newest = await anext(snapshots)
        assert time.time_ns() - newest.taken_unix_ns < 2e9
        assert newest is sampler._latest


async def test_nothing_is_read_when_nobody_listens(machine: Machine, sampler: Sampler) -> None:
    machine.start("one")
    before = len(os.listdir("/proc/self/fd"))
    await take(sampler, 3)
    await until(lambda: len(os.listdir("/proc/self/fd")) == before)
    asked = machine.asked
    await asyncio.sleep(0.2)
    assert machine.asked == asked
    assert (await take(sampler, 1))[0].interval_seconds == 0.0


async def test_a_container_that_ends_disappears_and_the_others_stay(machine: Machine, sampler: Sampler) -> None:
    machine.start("one")
    gone = machine.start("two")
    async with aclosing(sampler.samples(0.05)) as snapshots:
        assert set((await anext(snapshots)).containers) == {"one", "two"}
        gone.kill()
        gone.remove()
        async for snapshot in snapshots:  # still listed as running, as it is until its shim has reported
            if set(snapshot.containers) == {"one"}:
                break


async def test_a_container_that_starts_anew_counts_from_nothing(machine: Machine, sampler: Sampler) -> None:
    cgroup = machine.start("one", BUSY)
    async with aclosing(sampler.samples(0.05)) as snapshots:
        async for snapshot in snapshots:
            if (used := snapshot.containers["one"].cpu_usage_usec) > 20_000:
                break
        cgroup.kill()
        cgroup.remove()
        machine.running.clear()
        machine.start("one", IDLE, started_unix_ns=2)
        async for snapshot in snapshots:
            sample = snapshot.containers.get("one")
            if sample is not None and sample.cpu_usage_usec < used:
                assert sample.cpu_percent == 0.0
                break


async def test_network_traffic_is_seen_from_inside(machine: Machine) -> None:
    machine.start("one")
    machine.start("two")
    counters = Counters()
    sampler = Sampler(machine.list_running, machine.cgroup_path, lambda: counters)
    _, second = await take(sampler, 2)
    await sampler.close()
    assert second.containers["one"].network_received_bytes == 2000
    assert second.containers["one"].network_sent_bytes == 7
    # Counts and ticks have clocks of their own, which agree roughly.
    rate = second.containers["one"].network_received_bytes_per_second
    assert rate == pytest.approx(1000 / second.interval_seconds, rel=0.5)
    assert second.containers["two"].network_received_bytes == 0
    assert counters.closed == 1


async def test_network_counters_that_fail_cost_nothing_else(machine: Machine) -> None:
    machine.start("one")
    counters = Counters()
    counters.fails = True
    sampler = Sampler(machine.list_running, machine.cgroup_path, lambda: counters)
    (snapshot,) = await take(sampler, 1)
    await sampler.close()
    assert snapshot.containers["one"].pids == 1


async def test_listeners_hear_why_containers_cant_be_listed_and_can_come_back(
    machine: Machine, sampler: Sampler
) -> None:
    machine.error = StoreError("the state can't be read")
    with pytest.raises(StoreError):
        await take(sampler, 1)
    machine.error = None
    assert len(await take(sampler, 2)) == 2


async def test_closing_ends_every_iteration(machine: Machine, sampler: Sampler) -> None:
    task = asyncio.create_task(take(sampler, 1000, interval_seconds=60))
    await until(lambda: machine.asked > 0)
    await sampler.close()
    assert len(await asyncio.wait_for(task, 5)) <= 2


def test_more_containers_than_descriptors_are_read_by_path(machine: Machine) -> None:
    machine.start("one")
    machine.start("two")
    survey = Survey(machine.cgroup_path)
    survey._most_open = 1
    try:
        before = len(os.listdir("/proc/self/fd"))
        for _ in range(3):
            samples = survey.look(machine.running)
            assert [samples[name].pids for name in ("one", "two")] == [1, 1]
        assert len(os.listdir("/proc/self/fd")) - before <= 6
    finally:
        survey.close()
