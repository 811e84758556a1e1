"""Curves aren't empty when the app opens: what shims recorded is put before what the app sees."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine

from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import replace

from engine.errors import NotFound
from engine.model import ContainerSample, CpuSample, HostSample, Series, Snapshot
from engine.model.history import History as Recorded
from tui.backfill import Backfill
from tui.history import CAPACITY, History


def snapshot(second: int, *container_ids: str) -> Snapshot:
    samples = {
        each: ContainerSample(container_id=each, cpu=CpuSample(usage_usec=0, percent=float(second)))
        for each in container_ids
    }
    return Snapshot(taken_unix_ns=second * 10**9 + 7, interval_seconds=1, host=HostSample(), containers=samples)


def recorded(first: int, last: int, container_id: str = "web") -> Recorded:
    """As percent, each second's own number."""
    values = tuple(float(second) for second in range(first, last + 1))
    unknown = (None,) * len(values)
    hour = Series(
        step_seconds=1, until_unix_seconds=last, cpu_percent=values, memory_working_set_bytes=unknown,
        received_bytes_per_second=unknown, sent_bytes_per_second=unknown,
    )  # fmt: skip
    return Recorded(container_id=container_id, hour=hour, day=Series(step_seconds=60, until_unix_seconds=0))


def curve(history: History, container_id: str = "web") -> list[float | None]:
    return list(history.of(container_id).cpu_percent)


def test_what_was_recorded_ends_where_ticks_begin() -> None:
    history = History()
    for second in (100, 101, 102):
        history.record(snapshot(second, "web"))
    history.fill("web", recorded(90, 101))
    assert curve(history) == [float(second) for second in range(90, 103)]
    assert len(history.of("web").memory_bytes) == len(history.of("web").cpu_percent)


def test_what_nobody_recorded_is_a_gap() -> None:
    history = History()
    history.record(snapshot(100, "web"))
    history.fill("web", recorded(90, 96))
    assert curve(history)[-5:] == [96.0, None, None, None, 100.0]


def test_the_first_look_that_has_no_rates_leaves_no_gap() -> None:
    history = History()
    first = snapshot(100, "web")
    history.record(replace(first, containers={"web": ContainerSample(container_id="web", cpu=CpuSample(usage_usec=0))}))
    history.record(snapshot(100, "web"))
    history.record(snapshot(101, "web"))
    history.fill("web", recorded(90, 99))
    assert curve(history) == [float(second) for second in range(90, 102)]


def test_what_is_long_over_is_not_shown_beside_now() -> None:
    history = History()
    history.record(snapshot(100_000, "web"))
    history.fill("web", recorded(90, 96))
    assert curve(history) == [100_000.0]


def test_a_container_that_has_ended_shows_its_last_minutes() -> None:
    history = History()
    history.fill("web", recorded(1, 5_000))
    assert curve(history)[-1] == 5_000
    assert len(curve(history)) == CAPACITY


@given(st.integers(1_000, 3_000), st.integers(1, 900), st.integers(1, 900), st.integers(-20, 20))
@example(1_000, 2, 1, 2)
def test_every_second_stands_at_its_own_place(begun: int, ticks: int, kept: int, overlap: int) -> None:
    history = History()
    for second in range(begun, begun + ticks):
        history.record(snapshot(second, "web"))
    last = begun + min(overlap, ticks)
    history.fill("web", recorded(last - kept, last))
    values = curve(history)
    assert len(values) <= CAPACITY
    newest = begun + ticks - 1
    for back, value in enumerate(reversed(values)):
        assert value is None or value == newest - back


class Desk:
    """A backfill with a record of who was asked for."""

    def __init__(self) -> None:
        self.history = History()
        self.asked: list[str] = []
        self.tasks: list[asyncio.Task[None]] = []
        self.painted = 0
        self.backfill = Backfill(self.history, self._read, self._start, self._changed)

    async def _read(self, container_id: str) -> Recorded:
        self.asked.append(container_id)
        if container_id == "gone":
            raise NotFound("there is no container gone")
        return recorded(1, 9, container_id)

    def _start(self, work: Coroutine[object, object, None]) -> None:
        self.tasks.append(asyncio.ensure_future(work))

    def _changed(self) -> None:
        self.painted += 1


async def test_each_container_in_sight_is_read_once_the_selected_one_first() -> None:
    desk = Desk()
    for _ in range(3):
        desk.backfill.look(["b", "a", "gone", "b"])
    await asyncio.gather(*desk.tasks)
    assert desk.asked == ["b", "a", "gone"]
    assert curve(desk.history, "a") == [float(second) for second in range(1, 10)]
    desk.backfill.look(["b", "a", "gone"])
    assert len(desk.tasks) == 1
    assert desk.painted == 3


async def test_who_scrolls_on_sees_what_is_in_sight_then_first() -> None:
    desk = Desk()
    desk.backfill.look(["a", "b", "c"])
    await asyncio.sleep(0)
    desk.backfill.look(["x"])
    await asyncio.gather(*desk.tasks)
    assert desk.asked == ["a", "x"]
