"""What is said when a container runs out of memory or meets a limit, and how often."""

from __future__ import annotations

from engine.model import Event
from tui.alarms import Alarms

SECOND = 10**9


def event(action: str, detail: str = "", seconds: float = 0, subject: str = "a") -> Event:
    return Event(
        revision=1, at_unix_ns=int(seconds * SECOND), kind="container", action=action, subject=subject, name="web",
        detail=detail,
    )  # fmt: skip


def test_running_out_of_memory_is_said_once_and_marks_the_container() -> None:
    alarms = Alarms()
    assert alarms.take(event("oom", "1 process, python3")) == "web ran out of memory (1 process, python3)"
    alarm = alarms.of("a")
    assert alarm is not None
    assert (alarm.action, alarm.words, alarm.count) == ("oom", "ran out of memory", 1)
    assert alarms.of("b") is None


def test_what_happens_again_within_ten_seconds_is_counted_and_said_later() -> None:
    alarms = Alarms()
    assert alarms.take(event("limit", "pids")) == "web met its limit of processes"
    assert [alarms.take(event("limit", "pids", seconds)) for seconds in (1, 2, 9.9)] == ["", "", ""]
    assert alarms.take(event("limit", "pids", 10.1)) == "web met its limit of processes, and 3 times before that"
    alarm = alarms.of("a")
    assert alarm is not None
    assert alarm.count == 5


def test_different_things_and_different_containers_are_said_each() -> None:
    alarms = Alarms()
    assert alarms.take(event("limit", "pids"))
    assert alarms.take(event("limit", "memory")) == "web met its memory limit"
    assert alarms.take(event("oom"))
    assert alarms.take(event("limit", "pids", subject="b"))


def test_meeting_a_limit_doesnt_cover_that_somebody_was_killed() -> None:
    alarms = Alarms()
    alarms.take(event("oom", "1 process"))
    alarms.take(event("limit", "memory", 1))
    alarm = alarms.of("a")
    assert alarm is not None
    assert alarm.action == "oom"


def test_a_container_that_starts_anew_or_was_looked_at_has_no_alarm() -> None:
    alarms = Alarms()
    alarms.take(event("oom"))
    alarms.take(event("start", seconds=1))
    assert alarms.of("a") is None
    alarms.take(event("oom", seconds=20))
    alarms.drop("a")
    assert alarms.of("a") is None


def test_other_events_are_nothing_to_say() -> None:
    alarms = Alarms()
    assert [alarms.take(event(action)) for action in ("start", "die", "destroy", "create")] == ["", "", "", ""]
