"""How often a shim speaks of incidents."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from engine.runtime.incident_watch import Pace


def test_the_first_words_come_as_soon_as_there_is_something_to_say() -> None:
    pace = Pace(gap_seconds=0.25, regain_seconds=60, burst=3)
    assert [pace.spoken(now) for now in (100.0, 101.0, 102.0)] == [0.25, 0.25, 0.25]


def test_what_goes_on_is_told_seldom_and_after_a_while_at_once_again() -> None:
    pace = Pace(gap_seconds=0.25, regain_seconds=60, burst=3)
    now, words = 0.0, 0
    while now < 3600:
        now += pace.spoken(now)
        words += 1
    assert 60 <= words <= 64
    assert pace.spoken(now + 300) == 0.25


@given(st.lists(st.floats(0, 100), max_size=50))
def test_nobody_waits_longer_than_in_the_long_run_or_less_than_the_gap(pauses: list[float]) -> None:
    pace = Pace(gap_seconds=1, regain_seconds=60, burst=5)
    now = 0.0
    for pause in pauses:
        silent = pace.spoken(now)
        assert 1 <= silent <= 60
        now += silent + pause
