"""What statistics cost: the looks of a running engine, and whole commands beside those of other managers."""

from __future__ import annotations

import asyncio
import gc
import os
import random
import statistics
import time
from collections.abc import AsyncIterator, Coroutine, Iterable, Sequence
from contextlib import aclosing
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from msgspec.structs import replace

from engine import Engine
from engine.host import HostReader
from engine.model import Container
from engine.network.counters import CounterReader
from engine.survey import Survey
from tests.benchmarks.managers import Manager, managers
from tests.benchmarks.ours import REQUEST, SLEEP
from tests.benchmarks.stopwatch import Stopwatch
from tests.command_line import CommandLine

MEMORY_LOOKS = 10_000
_LOOKS = 20
_LOOKS_A_ROUND = 5
_INTERVAL_SECONDS = 1.0  # as the app looks: the longer one sleeps, the less of one is left in the processor's caches
_ROUNDS = 5
_BYTES_EACH = 8 << 20  # of memory that must be there for a container to be started
_AT_ONCE = 2


class Look(NamedTuple):
    """The processor time of one look at all running containers, median and least, in milliseconds."""

    containers: int
    cpu_ms: float
    least_ms: float

    @property
    def each_us(self) -> float:
        """A container's share in microseconds."""
        return 1000 * self.cpu_ms / self.containers


class Contestant(NamedTuple):
    """The processor time of one question for all statistics, daemons' included, and how long one waits for it."""

    name: str
    cpu_ms: float
    wall_ms: float | None


class Samples(NamedTuple):
    """All results.

    Attributes:
        looks: by the number of containers, half of which are on the bridge.
        crowd: with how many containers each the contest was held.
        contest: the engine's look first.
        grown_bytes: what memory grew by over `MEMORY_LOOKS` looks.
    """

    looks: Sequence[Look]
    crowd: int
    contest: Sequence[Contestant]
    grown_bytes: int


async def measure(
    engine: Engine, boxdeck: CommandLine, stopwatch: Stopwatch, folder: Path, counts: Sequence[int], crowd: int
) -> Samples:
    """Everything, with so many containers; those that were started for it are removed afterwards."""
    looks: list[Look] = []
    contest: list[Contestant] = []
    grown = 0
    started: list[Container] = []
    try:
        for count in sorted({*counts, crowd}):
            if not await _fill(engine, started, count):
                break
            if count == crowd:
                with managers(folder / "managers", count) as others:
                    contest = await _contest(engine, boxdeck, stopwatch, others, count)
            if count in counts:
                looks.append(await _look(engine, count))
            if count == min(counts):
                grown = _growth(engine, await engine.containers.running())
    finally:
        await _in_turn(engine.containers.remove(container.id, force=True) for container in started)
    return Samples(looks, crowd, contest, grown)


async def _fill(engine: Engine, started: list[Container], count: int) -> bool:
    """Have so many containers run, every second one on the bridge; False when there isn't memory for them."""
    wanted = count - len(await engine.containers.running())
    if wanted * _BYTES_EACH > os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"):
        return False

    async def start(network: str) -> None:
        started.append(await engine.containers.run(replace(REQUEST, command=SLEEP, network=network)))

    await _in_turn(start("bridge" if number % 2 else "none") for number in range(wanted))
    return True


async def _in_turn(work: Iterable[Coroutine[object, object, None]]) -> None:
    """All of it, a few at a time."""
    turn = asyncio.Semaphore(_AT_ONCE)

    async def do(one: Coroutine[object, object, None]) -> None:
        async with turn:
            await one

    await asyncio.gather(*map(do, work))


async def _look(engine: Engine, count: int) -> Look:
    """By the processor time of this process, in which nobody else has anything to do meanwhile."""
    costs = [cost async for cost in _costs(engine, count, _LOOKS)]
    return Look(count, statistics.median(costs), min(costs))


async def _costs(engine: Engine, count: int, looks: int) -> AsyncIterator[float]:
    """Milliseconds of each look, from one snapshot to the next, but for the first ones, which open all files."""
    at = [time.process_time_ns()]
    async with aclosing(engine.samples(_INTERVAL_SECONDS)) as snapshots:  # type: ignore[type-var]
        async for snapshot in snapshots:
            at.append(time.process_time_ns())
            assert len(snapshot.containers) == count
            if len(at) == looks + 3:
                break
    for before, after in pairwise(at[2:]):
        yield (after - before) / 1e6


async def _contest(
    engine: Engine, boxdeck: CommandLine, stopwatch: Stopwatch, others: Sequence[Manager], count: int
) -> list[Contestant]:
    """In each round everybody once, in another order."""
    commands = [Manager("boxdeck stats --no-stream", [*boxdeck.argv, "stats", "--no-stream"]), *others]
    looks: list[float] = []
    found: dict[str, list[tuple[float, float]]] = {command.name: [] for command in commands}
    for number in range(_ROUNDS + 1):
        for command in random.sample(commands, len(commands)):
            cost = _ask(stopwatch, command)
            if number:  # the first time is for caches
                found[command.name].append(cost)
        looks += [cost async for cost in _costs(engine, count, _LOOKS_A_ROUND)]
    contest = [Contestant("boxdeck, in an open engine", statistics.median(looks), None)]
    for name, costs in found.items():
        cpu, wall = zip(*costs, strict=True)
        contest.append(Contestant(name, statistics.median(cpu), statistics.median(wall)))
    return contest


def _ask(stopwatch: Stopwatch, command: Manager) -> tuple[float, float]:
    """Milliseconds of processor time and of waiting."""
    before = command.daemons_ms()
    timing = stopwatch.time(command.argv)
    if timing.status != 0:
        raise RuntimeError(f"{command.name} ended with status {timing.status}")
    return timing.cpu_ms + command.daemons_ms() - before, timing.wall_ms


def _growth(engine: Engine, containers: Sequence[Container]) -> int:
    """Bytes by which this process's memory grows over many looks, one after the other."""
    survey = Survey(lambda container: engine.paths.cgroup_path(container.id), CounterReader)
    host = HostReader()
    try:
        for number in range(MEMORY_LOOKS + 500):
            survey.look(containers)
            host.read(survey.devices)
            if number == 500:
                gc.collect()
                before = _resident_bytes()
        gc.collect()
        return _resident_bytes() - before
    finally:
        survey.close()
        host.close()


def _resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
