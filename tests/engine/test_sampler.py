"""Live figures as a front end sees them: real cgroups with real processes in them, read by one sampler."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import aclosing
from itertools import pairwise

import pytest

from engine.errors import InvalidRequest, StoreError
from engine.model import (
    Container,
    ContainerSample,
    CpuSample,
    MemorySample,
    PidsSample,
    Snapshot,
)
from engine.model.topology import LinkCounters
from engine.network.links import LinkStatistics
from engine.sampler import Sampler
from engine.survey import Survey
from tests.engine.sampled import IDLE, MIB, Machine, machine, make, parent, part, spawn

__all__ = ["machine", "make", "parent", "spawn"]  # fixtures

pytestmark = [pytest.mark.vm, pytest.mark.alone]

BUSY = "while True: pass"


class Counters:
    """Network counters that grow by a thousand bytes a reading, or fail."""

    def __init__(self) -> None:
        self.readings = 0
        self.fails = False
        self.closed = 0
        self.machine: Mapping[int, LinkStatistics] = {}

    def read(self, names: Collection[str]) -> dict[str, LinkCounters]:
        if self.fails:
            raise OSError(5, "the kernel doesn't answer")
        assert "bd-one" in names
        self.readings += 1
        return {"bd-one": LinkCounters(received_bytes=1000 * self.readings, sent_bytes=7)}

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
async def sampler(machine: Machine) -> AsyncIterator[Sampler]:
    found = Sampler(machine, machine.cgroup_path)
    yield found
    await found.close()


def cpu(snapshot: Snapshot) -> CpuSample:
    return part(snapshot.containers["one"].cpu)


def memory(snapshot: Snapshot) -> MemorySample:
    return part(snapshot.containers["one"].memory)


def pids(snapshot: Snapshot) -> PidsSample:
    return part(snapshot.containers["one"].pids)


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
    assert (first.interval_seconds, cpu(first).percent) == (0.0, None)
    assert second.interval_seconds > 0.2
    assert (cpu(second).percent or 0) > 1


async def test_limits_and_levels_are_those_of_the_kernel(machine: Machine, sampler: Sampler) -> None:
    machine.start("one")
    (snapshot,) = await take(sampler, 1)
    assert (memory(snapshot).limit_bytes, cpu(snapshot).limit_percent) == (64 * MIB, 30.0)
    assert (pids(snapshot).current, pids(snapshot).limit) == (1, 20)
    assert memory(snapshot).oom_kills == 0


async def test_a_busy_container_uses_what_its_quota_allows(machine: Machine, sampler: Sampler) -> None:
    machine.start("one", BUSY)
    snapshot = await sampler.once()
    assert snapshot.interval_seconds > 0
    assert 5 < (cpu(snapshot).percent or 0) < 60


async def test_the_host_has_figures_too(sampler: Sampler) -> None:
    (snapshot,) = await take(sampler, 1)
    assert snapshot.host.processors == os.cpu_count()
    assert 0 < snapshot.host.memory_used_bytes < snapshot.host.memory_total_bytes
    assert 0 <= (snapshot.host.cpu_percent or 0) <= 100


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
            if (used := cpu(snapshot).usage_usec) > 20_000:
                break
        cgroup.kill()
        cgroup.remove()
        machine.running.clear()
        machine.start("one", IDLE, started_unix_ns=2)
        async for snapshot in snapshots:
            if "one" in snapshot.containers and cpu(snapshot).usage_usec < used:
                assert 0 <= (cpu(snapshot).percent or 0) < 60
                break


async def test_network_traffic_is_seen_from_inside(machine: Machine) -> None:
    machine.start("one")
    machine.start("two")
    counters = Counters()
    sampler = Sampler(machine, machine.cgroup_path, lambda: counters)
    _, second = await take(sampler, 2)
    await sampler.close()
    network = second.containers["one"].network
    assert network is not None
    assert (network.received_bytes, network.sent_bytes) == (2000, 7)
    # Counts and ticks have clocks of their own, which agree roughly.
    assert network.received_bytes_per_second == pytest.approx(1000 / second.interval_seconds, rel=0.5)
    assert second.containers["two"].network is None
    assert counters.closed == 1


async def test_network_counters_that_fail_cost_nothing_else(machine: Machine) -> None:
    machine.start("one")
    counters = Counters()
    counters.fails = True
    sampler = Sampler(machine, machine.cgroup_path, lambda: counters)
    (snapshot,) = await take(sampler, 1)
    await sampler.close()
    assert pids(snapshot).current == 1
    assert snapshot.containers["one"].network is None


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


async def test_an_interval_has_to_be_longer_than_nothing(sampler: Sampler) -> None:
    for wrong in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(InvalidRequest):
            await anext(sampler.samples(wrong))


class Busy:
    """Nothing runs, but at each look there is something to sweep, which takes a while, or fails."""

    def __init__(self, takes_seconds: float) -> None:
        self.seen_running: list[Container] = []
        self.began: list[float] = []
        self.takes_seconds = takes_seconds
        self.refuses = False

    def look(self, doubtful: Collection[str] = ()) -> set[str]:
        self.began.append(time.monotonic())
        return {"gone"}

    async def sweep(self, ended: Collection[str]) -> None:
        assert ended == {"gone"}
        await asyncio.sleep(self.takes_seconds)
        if self.refuses:
            raise StoreError("the disk is full")


async def test_looks_that_take_too_long_cost_ticks_and_dont_pile_up(machine: Machine) -> None:
    busy = Busy(0.25)
    sampler = Sampler(busy, machine.cgroup_path)
    async with aclosing(sampler.samples(0.1)) as snapshots:
        for _ in range(4):
            await anext(snapshots)
        late = len(busy.began)
        busy.takes_seconds = 0
        for _ in range(4):
            await anext(snapshots)
    await sampler.close()
    distances = [after - before for before, after in pairwise(busy.began)]
    assert all(distance >= 0.25 for distance in distances[: late - 1])  # one look at a time
    assert all(distance > 0.04 for distance in distances[late:])  # and none at once to catch up
    assert all((at - busy.began[0] + 0.01) % 0.1 < 0.06 for at in busy.began)  # on time again after each


async def test_whoever_comes_while_ends_are_swept_shares_that_look(machine: Machine) -> None:
    busy = Busy(0.3)
    sampler = Sampler(busy, machine.cgroup_path)
    first = asyncio.create_task(take(sampler, 1))
    await until(lambda: bool(busy.began))
    first.cancel()
    second = asyncio.create_task(take(sampler, 1))
    third = asyncio.create_task(take(sampler, 1))
    assert await second == await third
    assert len(busy.began) == 1
    await sampler.close()


async def test_nothing_is_read_when_everybody_left_while_ends_were_swept(machine: Machine) -> None:
    busy = Busy(0.1)
    before = len(os.listdir("/proc/self/fd"))
    sampler = Sampler(busy, machine.cgroup_path)
    task = asyncio.create_task(take(sampler, 1))
    await until(lambda: bool(busy.began))
    task.cancel()
    await sampler.close()
    assert (sampler._latest, len(os.listdir("/proc/self/fd"))) == (None, before)
    assert len(await take(sampler, 1)) == 1


async def test_listeners_hear_that_an_end_couldnt_be_swept(machine: Machine) -> None:
    busy = Busy(0)
    busy.refuses = True
    sampler = Sampler(busy, machine.cgroup_path)
    with pytest.raises(StoreError, match="the disk is full"):
        await take(sampler, 1)
    busy.refuses = False
    assert len(await take(sampler, 2)) == 2
    await sampler.close()


async def test_interval_and_rates_are_those_of_a_clock_that_doesnt_jump(
    machine: Machine, sampler: Sampler, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.start("one", BUSY)
    async with aclosing(sampler.samples(0.1)) as snapshots:
        first = await anext(snapshots)
        monkeypatch.setattr(time, "time_ns", lambda: first.taken_unix_ns - 3600 * 10**9)
        for _ in range(3):
            later = await anext(snapshots)
            assert later.taken_unix_ns < first.taken_unix_ns
            assert 0.04 < later.interval_seconds < 5
            assert 0 < (cpu(later).percent or 0) < 150


async def test_whoever_lists_containers_hears_of_which_nothing_could_be_read(
    machine: Machine, sampler: Sampler
) -> None:
    machine.start("one")
    gone = machine.start("two")
    async with aclosing(sampler.samples(0.02)) as snapshots:
        await anext(snapshots)
        assert machine.doubtful == set()
        gone.kill()
        gone.remove()
        async for _ in snapshots:
            if machine.doubtful:
                break
    assert machine.doubtful == {"two"}


async def test_others_on_the_event_loop_dont_wait_for_a_whole_look(machine: Machine, sampler: Sampler) -> None:
    class Slow(Survey):
        """A look that takes half a second in all."""

        def samples(self, containers: Sequence[Container]) -> Iterator[ContainerSample]:
            for number in range(50):
                time.sleep(0.01)
                yield ContainerSample(container_id=str(number))

    sampler._survey = Slow(machine.cgroup_path)
    task = asyncio.create_task(take(sampler, 1))
    turns = 0
    while not task.done():
        await asyncio.sleep(0)
        turns += 1
    assert len((await task)[0].containers) == 50
    assert turns >= 45
