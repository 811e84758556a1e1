"""Nobody waits for Python's look for garbage."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator
from contextlib import suppress

import pytest

from tests.tui.driving import desk
from tests.tui.fake_engine import FakeEngine, crowd
from tui.garbage import Garbage


class Clock:
    def __init__(self) -> None:
        self.seconds = 1_000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Iterator[Clock]:
    """With a good deal to look at."""
    for _ in range(12):
        gc.collect(1)
    yield Clock()
    gc.unfreeze()


def some_looks_later(clock: Clock, seconds: float) -> None:
    clock.seconds += seconds
    for _ in range(12):
        gc.collect(1)


def test_it_is_looked_for_in_a_pause_alone(clock: Clock) -> None:
    garbage = Garbage(clock)
    clock.seconds += 4
    assert not garbage.look()
    clock.seconds += 4
    garbage.touch()
    assert not garbage.look()
    clock.seconds += 6
    assert garbage.look()
    assert not garbage.look()
    some_looks_later(clock, 6)
    assert garbage.look()


def test_who_never_pauses_waits_once_in_ten_minutes(clock: Clock) -> None:
    garbage = Garbage(clock)
    looked = 0
    for _ in range(2_000):
        some_looks_later(clock, 1)
        garbage.touch()
        looked += garbage.look()
    assert looked == 3


def test_what_stays_is_looked_at_once(clock: Clock) -> None:
    garbage = Garbage(clock)
    clock.seconds += 6
    assert garbage.look()
    frozen = gc.get_freeze_count()
    assert frozen > 1_000
    some_looks_later(clock, 6)
    assert garbage.look()
    assert gc.get_freeze_count() <= frozen  # later garbage is never kept by that


async def test_python_itself_makes_no_full_look_while_the_app_runs() -> None:
    before = gc.get_threshold()
    async with desk(FakeEngine(*crowd())) as at:  # type: ignore[arg-type]
        await at.see("running")
        assert gc.get_threshold()[2] > 1_000_000
        assert gc.get_threshold()[:2] == before[:2]
    with suppress(asyncio.CancelledError):
        await asyncio.sleep(0)
    assert gc.get_threshold() == before


async def test_the_end_of_a_process_looks_for_none() -> None:
    garbage, before = Garbage(), gc.get_threshold()
    garbage.is_last = True
    following = asyncio.create_task(garbage.follow())
    await asyncio.sleep(0)
    following.cancel()
    await asyncio.wait([following])
    after = gc.get_threshold()
    gc.set_threshold(*before)
    assert after[2] > 1_000_000
