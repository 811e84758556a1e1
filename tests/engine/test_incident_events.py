"""Which events two totals of incidents make."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from engine.incident_events import Telling, latest, tellings
from engine.incidents import Incident, Incidents

counts = st.builds(Incident, count=st.integers(0, 50), last_unix_ns=st.integers(1, 10**9))
totals = st.builds(Incidents, oom_kills=counts, oom_stops=counts, memory_limit=counts, pids_limit=counts)


def test_one_victim_is_named_and_of_several_the_last() -> None:
    one = Incidents(oom_kills=Incident(1, 5, "perl"))
    assert tellings(Incidents(), one) == [Telling("oom", "1 killed: perl", 1, 5)]
    more = Incidents(oom_kills=Incident(4, 9, "java"))
    assert tellings(one, more) == [Telling("oom", "3 killed, last java", 3, 9)]
    nameless = Incidents(oom_kills=Incident(5, 11))
    assert tellings(more, nameless) == [Telling("oom", "1 killed", 1, 11)]


def test_who_is_stopped_is_told_without_anybody_killed() -> None:
    stopped = Incidents(oom_stops=Incident(2, 5))
    assert tellings(Incidents(), stopped) == [Telling("oom", "0 killed, stopped at its memory limit", 0, 5)]


def test_several_kinds_are_told_in_the_order_in_which_they_happened() -> None:
    after = Incidents(oom_kills=Incident(1, 30), memory_limit=Incident(1, 20), pids_limit=Incident(7, 10))
    told = [(telling.action, telling.detail, telling.times) for telling in tellings(Incidents(), after)]
    assert told == [("limit", "pids", 7), ("limit", "memory", 1), ("oom", "1 killed", 1)]


@given(totals, totals)
def test_totals_read_in_any_order_tell_everything_once(one: Incidents, two: Incidents) -> None:
    both = latest(one, two)
    assert latest(both, one) == latest(both, two) == both
    assert tellings(both, one) == tellings(both, two) == []
    for kind in ("oom_kills", "memory_limit", "pids_limit"):
        assert getattr(both, kind).count == max(getattr(one, kind).count, getattr(two, kind).count)
    assert sum(telling.times for telling in tellings(one, both)) == sum(
        getattr(both, kind).count - getattr(one, kind).count for kind in ("oom_kills", "memory_limit", "pids_limit")
    )
