"""Contenders, one after the other in an order that is another in every round."""

from __future__ import annotations

import asyncio
import gc
import random
import statistics
from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple

from tests.benchmarks.processor import ProcessorTime
from tests.benchmarks.stopwatch import Timing

PAUSE_SECONDS = 0.01
"""For what a runtime still clears away when its caller has the exit status; its processor time counts."""

Contender = Callable[[], Awaitable[Timing]]


class Result(NamedTuple):
    """Medians and extremes over all rounds, in milliseconds; `cpu_ms` is None where it can't be measured."""

    wall_ms: float
    least_ms: float
    most_ms: float
    cpu_ms: float | None


async def contest(contenders: Mapping[str, Contender], rounds: int, processor: ProcessorTime) -> dict[str, Result]:
    """Every contender once unmeasured, then `rounds` times.

    Raises:
        RuntimeError: one of them failed.
    """
    found: dict[str, list[tuple[float, float | None]]] = {name: [] for name in contenders}
    gc.collect()
    gc.disable()
    try:
        for number in range(rounds + 1):
            for name in random.sample(list(contenders), len(contenders)):
                before = processor.used_ms()
                timing = await contenders[name]()
                await asyncio.sleep(PAUSE_SECONDS)
                after = processor.used_ms()
                if timing.status != 0:
                    raise RuntimeError(f"{name} ended with status {timing.status}")
                if number:
                    found[name].append((timing.wall_ms, _difference(before, after)))
    finally:
        gc.enable()
    return {name: _result(timings) for name, timings in found.items()}


def _difference(before: float | None, after: float | None) -> float | None:
    return None if before is None or after is None else after - before


def _result(timings: list[tuple[float, float | None]]) -> Result:
    walls = [wall for wall, _ in timings]
    cpus = [cpu for _, cpu in timings if cpu is not None]
    return Result(statistics.median(walls), min(walls), max(walls), statistics.median(cpus) if cpus else None)
