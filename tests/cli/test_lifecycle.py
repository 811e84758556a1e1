"""create, start, stop, kill, restart, wait, rm, logs."""

from __future__ import annotations

import signal
import time

import pytest

from tests.command_line import CommandLine, eventually

PATIENT = "trap 'echo bye; exit 4' TERM; echo ready; while :; do sleep 0.05; done"


def logs_of(boxdeck: CommandLine, name: str) -> list[str]:
    return boxdeck("logs", name).lines


def start_patient(boxdeck: CommandLine, name: str = "patient") -> None:
    boxdeck.ok("run", "-d", "--name", name, "base", "sh", "-c", PATIENT)
    assert eventually(lambda: "ready" in logs_of(boxdeck, name))


def test_created_started_ended_and_started_again(boxdeck: CommandLine) -> None:
    boxdeck.ok("create", "--name", "twice", "base", "sh", "-c", "echo run >> /file; cat /file")
    for runs in (1, 2):
        assert boxdeck.ok("start", "twice") == "twice"
        assert boxdeck.ok("wait", "twice") == "0"
        assert logs_of(boxdeck, "twice")[-runs:] == ["run"] * runs  # what it wrote is still there


def test_stop_asks_first(boxdeck: CommandLine) -> None:
    start_patient(boxdeck)
    before = time.monotonic()
    assert boxdeck.ok("stop", "patient") == "patient"
    assert time.monotonic() - before < 5
    assert boxdeck.state("patient")["ExitCode"] == 4
    assert logs_of(boxdeck, "patient") == ["ready", "bye"]


def test_stop_kills_one_that_does_not_listen(boxdeck: CommandLine) -> None:
    boxdeck.ok("run", "-d", "--name", "deaf", "base", "sleep", "99")
    before = time.monotonic()
    boxdeck.ok("stop", "-t", "0.5", "deaf")
    assert 0.5 <= time.monotonic() - before < 5
    assert boxdeck.state("deaf")["ExitCode"] == 137


def test_stopping_one_that_has_ended_is_no_error(boxdeck: CommandLine) -> None:
    boxdeck.ok("run", "--name", "over", "base", "true")
    assert boxdeck.ok("stop", "over") == "over"


def test_starting_one_that_is_paused_is_refused(boxdeck: CommandLine) -> None:
    boxdeck.ok("run", "-d", "--name", "still", "base", "sleep", "99")
    boxdeck.ok("pause", "still")
    assert boxdeck("start", "still").sentence.endswith("let it go on with: boxdeck unpause still")
    assert boxdeck.state("still")["Paused"]


@pytest.mark.parametrize("name", ["TERM", "SIGTERM", "15", "sigterm"])
def test_kill_sends_any_signal(boxdeck: CommandLine, name: str) -> None:
    start_patient(boxdeck)
    assert boxdeck.ok("kill", "-s", name, "patient") == "patient"
    assert boxdeck.ok("wait", "patient") == "4"


def test_kill_kills(boxdeck: CommandLine) -> None:
    start_patient(boxdeck)
    boxdeck.ok("kill", "patient")
    assert boxdeck.state("patient")["ExitCode"] == 128 + signal.SIGKILL
    assert boxdeck.names() == []


def test_restart(boxdeck: CommandLine) -> None:
    start_patient(boxdeck)
    first = boxdeck.state("patient")["Pid"]
    boxdeck.ok("restart", "-t", "5", "patient")
    assert boxdeck.state("patient")["Running"] is True
    assert boxdeck.state("patient")["Pid"] != first
    assert boxdeck("inspect", "patient").json[0]["RestartCount"] == 0  # only those by policy, as docker counts


def test_wait_waits(boxdeck: CommandLine) -> None:
    boxdeck.ok("run", "-d", "--name", "soon", "base", "sh", "-c", "sleep 0.5; exit 6")
    boxdeck.ok("run", "-d", "--name", "later", "base", "sh", "-c", "sleep 0.7; exit 8")
    assert boxdeck.ok("wait", "soon", "later").split() == ["6", "8"]


def test_start_attached_shows_everything_and_its_status(boxdeck: CommandLine) -> None:
    boxdeck.ok("create", "--name", "talker", "base", "sh", "-c", "echo out; echo err >&2; exit 5")
    answer = boxdeck("start", "-a", "talker")
    assert (answer.status, answer.out, answer.err) == (5, "out\n", "err\n")


def test_start_attached_takes_input(boxdeck: CommandLine) -> None:
    boxdeck.ok("create", "-i", "--name", "reader", "base", "cat")
    assert boxdeck("start", "-ai", "reader", input="hello\n").out == "hello\n"


def test_rm_removes_several_at_once(boxdeck: CommandLine) -> None:
    for name in ("one", "two", "three"):
        boxdeck.ok("create", "--name", name, "base", "true")
    assert boxdeck.ok("rm", "one", "three").split() == ["one", "three"]
    assert boxdeck.names("-a") == ["two"]


def test_logs_keeps_streams_apart_and_counts_from_the_end(boxdeck: CommandLine) -> None:
    boxdeck.ok("run", "--name", "writer", "base", "sh", "-c", "seq 5; echo wrong >&2; printf end")
    answer = boxdeck("logs", "writer")
    assert (answer.lines, answer.err) == (["1", "2", "3", "4", "5", "end"], "wrong\n")
    assert boxdeck("logs", "--tail", "0", "writer").out == ""
    assert boxdeck("logs", "--tail", "-1", "writer").out == boxdeck("logs", "writer").out
    assert boxdeck("logs", "-n", "1", "writer").out == "end\n"
    assert boxdeck("logs", "-n", "all", "writer").lines == answer.lines


def test_logs_with_times(boxdeck: CommandLine) -> None:
    boxdeck.ok("run", "--name", "clock", "base", "sh", "-c", "echo one; sleep 0.2; echo two")
    stamps = [line.split(" ")[0] for line in boxdeck("logs", "-t", "clock").lines]
    assert stamps == sorted(stamps)
    assert all(stamp.endswith("Z") and "T" in stamp for stamp in stamps)


def test_logs_follows_until_the_end(boxdeck: CommandLine) -> None:
    boxdeck.ok("run", "-d", "--name", "steady", "base", "sh", "-c", "for i in 1 2 3; do echo $i; sleep 0.3; done")
    assert boxdeck.ok("logs", "-f", "steady", timeout=20).split() == ["1", "2", "3"]


def test_a_container_outlives_the_command_that_started_it(boxdeck: CommandLine) -> None:
    boxdeck.ok(
        "run", "-d", "--name", "counter", "base", "sh", "-c", "i=0; while :; do i=$((i+1)); echo $i; sleep 0.1; done"
    )
    first = len(logs_of(boxdeck, "counter"))
    assert eventually(lambda: len(logs_of(boxdeck, "counter")) > first + 3)


def test_a_paused_container_is_shown_so_and_goes_on(boxdeck: CommandLine) -> None:
    boxdeck.ok("run", "-d", "--name", "still", "base", "sleep", "1000")
    assert boxdeck.ok("pause", "still") == "still"
    assert "(Paused)" in boxdeck.ok("ps") and boxdeck.names("--filter", "status=paused") == ["still"]
    state = boxdeck.state("still")
    assert (state["Status"], state["Running"], state["Paused"]) == ("paused", True, True)
    assert "is paused: let it go on with: boxdeck unpause still" in boxdeck("exec", "still", "true").sentence
    assert boxdeck.ok("unpause", "still") == "still"
    assert boxdeck.ok("exec", "still", "echo", "on") == "on"


def test_logs_of_a_span_of_time(boxdeck: CommandLine) -> None:
    boxdeck.ok(
        "run", "--name", "talker", "base", "sh", "-c", "echo first; sleep 0.3; echo second; sleep 0.3; echo third"
    )
    stamps = [line.split()[0] for line in boxdeck.ok("logs", "-t", "talker").splitlines()]
    assert boxdeck.ok("logs", "--since", stamps[1][:26] + "Z", "talker").splitlines() == ["second", "third"]
    assert boxdeck.ok("logs", "--until", stamps[1][:26] + "Z", "talker").splitlines() == ["first"]
    assert boxdeck.ok("logs", "--since", "1h", "-n", "1", "talker") == "third"
    assert "'yesterday' is not a time such as" in boxdeck("logs", "--since", "yesterday", "talker").sentence
