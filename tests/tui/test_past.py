"""Curves of minutes, hours and days: what comes from where, and that they keep still."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from engine.model import ContainerSample, CpuSample, HostSample, Snapshot
from engine.model.history import History, Series
from tests.tui import fake_measures
from tests.tui.fake_engine import container
from tui.past import Curves, Past, Reach, bucket_seconds, past
from tui.recent import CAPACITY, Recent, Tick

Values = tuple[float | None, ...]


def tick(second: float, percent: float) -> Tick:
    return Tick(second, ContainerSample(container_id="a", cpu=CpuSample(usage_usec=0, percent=percent)))


def history(hour: Values = (), day: Values = (), until: int = 7_200) -> History:
    return History(
        container_id="a",
        hour=Series(step_seconds=1, until_unix_seconds=until, cpu_percent=hour),
        day=Series(step_seconds=60, until_unix_seconds=until - until % 60, cpu_percent=day),
    )


def test_minutes_are_the_ticks_that_the_app_saw() -> None:
    ticks = [tick(100, 1), tick(101, 2), tick(102, 3)]
    found = past(Reach.MINUTES, ticks, None, 10, 2.0)
    assert (found.cpu_percent, found.step_seconds) == ((1, 2, 3), 2.0)
    assert past(Reach.MINUTES, ticks, None, 2, 1.0).cpu_percent == (2, 3)
    assert past(Reach.MINUTES, ticks, None, 0, 1.0).cpu_percent == ()


def test_what_the_engine_remembers_stands_before_the_first_tick_and_nothing_twice() -> None:
    kept = history(hour=(10, 11, 12, 13, 14), until=102)
    assert past(Reach.MINUTES, [tick(101, 1), tick(102, 2)], kept, 5, 1.0).cpu_percent == (10, 11, 12, 1, 2)
    assert past(Reach.MINUTES, [tick(103, 1)], kept, 4, 1.0).cpu_percent == (12, 13, 14, 1)
    assert past(Reach.MINUTES, [], kept, 3, 1.0).cpu_percent == (12, 13, 14)


def test_a_first_look_which_has_no_rates_leaves_no_gap() -> None:
    first = Tick(101, ContainerSample(container_id="a", cpu=CpuSample(usage_usec=0)))
    kept = history(hour=(10, 11, 12, 13, 14), until=102)
    assert past(Reach.MINUTES, [first, tick(102, 2)], kept, 4, 1.0).cpu_percent == (11, 12, 13, 2)


@pytest.mark.parametrize("reach", Reach)
def test_no_curve_is_empty_when_the_app_has_just_been_opened(reach: Reach) -> None:
    found = past(reach, [], fake_measures.history("a"), 60, 1.0)
    curves = [value for name, value in structs.asdict(found).items() if name != "step_seconds"]
    assert len(curves) == 15
    assert all(len(curve) == 60 and curve[-1] is not None for curve in curves)


def test_ticks_go_on_where_the_past_ends_in_every_curve() -> None:
    each = fake_measures.sample(container(1, "web"), 1, 60)
    kept = fake_measures.history("a")
    ticks = [Tick(kept.hour.until_unix_seconds + second, each) for second in (1, 2)]
    found = past(Reach.MINUTES, ticks, kept, 5, 1.0)
    assert each.memory is not None and each.memory.pressure is not None
    assert found.anonymous_bytes == (*kept.hour.anonymous_bytes[-3:], *[each.memory.anonymous_bytes] * 2)
    assert found.memory_stalled == (
        *kept.hour.memory_stalled_percent[-3:], *[each.memory.pressure.some.avg10_percent] * 2
    )  # fmt: skip


def test_an_hour_fits_however_narrow_the_graph_is() -> None:
    found = past(Reach.HOUR, [], history(hour=tuple(range(3_600))), 60, 1.0)
    assert found.step_seconds == 60
    assert len(found.cpu_percent) == 60
    assert found.cpu_percent[-1] is not None
    assert found.cpu_percent == tuple(sorted(value or 0 for value in found.cpu_percent))


def test_a_day_has_gaps_where_nothing_was_known() -> None:
    values: Values = (1,) * 600 + (None,) * 240 + (3,) * 600
    found = past(Reach.DAY, [], history(day=values, until=86_400 * 3), 144, 1.0)
    assert found.step_seconds == 600
    assert set(found.cpu_percent) == {1, None, 3}
    assert 22 <= found.cpu_percent.count(None) <= 25


def test_hours_are_drawn_anew_only_when_there_is_something_else_to_draw() -> None:
    curves, first, second = Curves(), history(hour=(1,) * 3_600), history(hour=(2,) * 3_600)
    drawn = curves.past(Reach.HOUR, [], first, 60, 1.0)
    assert curves.past(Reach.HOUR, [tick(1, 1)], first, 60, 1.0) is drawn == past(Reach.HOUR, [], first, 60, 1.0)
    assert curves.past(Reach.HOUR, [], second, 60, 1.0).cpu_percent[-1] == 2
    assert len(curves.past(Reach.HOUR, [], second, 30, 1.0).cpu_percent) == 30
    assert curves.past(Reach.DAY, [], second, 30, 1.0).cpu_percent == ()
    assert curves.past(Reach.MINUTES, [tick(1, 7)], second, 30, 1.0).cpu_percent[-1] == 7
    assert curves.past(Reach.HOUR, [], None, 30, 1.0) == Past()


def test_without_history_hours_are_empty() -> None:
    assert past(Reach.HOUR, [tick(1, 1)], None, 60, 1.0).cpu_percent == ()


@given(st.lists(st.floats(0, 100) | st.none(), min_size=1, max_size=3_600), st.integers(1, 400), st.integers(0, 600))
def test_a_second_later_old_values_are_the_same(values: list[float | None], count: int, shift: int) -> None:
    until = 1_000_000 + shift
    before = past(Reach.HOUR, [], history(tuple(values), until=until), count, 1.0).cpu_percent
    after = past(Reach.HOUR, [], history((*values, 50.0), until=until + 1), count, 1.0).cpu_percent
    assert len(before) <= count
    assert len(after) <= count
    moved = len(after) == len(before) + 1 or (len(after) == count and before[1:-1] == after[:-2])
    assert before[:-1] == after[: len(before) - 1] or moved


def test_history_is_read_as_often_as_a_new_value_comes() -> None:
    assert bucket_seconds(Reach.HOUR, 100) == 36
    assert bucket_seconds(Reach.DAY, 100) == 864
    assert bucket_seconds(Reach.DAY, 10_000) == 60
    assert bucket_seconds(Reach.HOUR, 0) == 3_600


def test_reaches_go_round() -> None:
    assert [Reach.MINUTES.next, Reach.HOUR.next, Reach.DAY.next] == [Reach.HOUR, Reach.DAY, Reach.MINUTES]


def test_whole_samples_are_kept_of_the_selected_container_only_and_not_for_ever() -> None:
    recent = Recent()
    samples = {name: ContainerSample(container_id=name) for name in ("a", "b")}
    snapshot = Snapshot(taken_unix_ns=10**9, interval_seconds=1, host=HostSample(), containers=samples)
    for _ in range(CAPACITY + 3):
        recent.take(snapshot, "a")
    assert (len(recent.of("a")), len(recent.of("b")), len(recent.hosts)) == (CAPACITY, 0, CAPACITY)
    recent.take(snapshot, "b")
    assert (len(recent.of("a")), len(recent.of("b"))) == (0, 1)
    recent.take(snapshot, None)
    assert recent.of("b") == ()
