"""``boxdeck stats --history``: curves for people, numbers for programs."""

from __future__ import annotations

import json
import time

import pytest

from engine.cgroups import layout
from engine.cli.stats_history import curve
from tests.command_line import CommandLine

PATIENCE_SECONDS = 10.0
NOT_EVERYWHERE = ("CPU WAIT", "MEM WAIT", "I/O WAIT", "KERNEL", "SWAP")


def wait_for_history(boxdeck: CommandLine, name: str) -> dict[str, object]:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        (found,) = json.loads(boxdeck.ok("stats", "--history", "hour", "--format", "json", name))
        if len(found["Pids"]) >= 2:
            return dict(found)
        assert time.monotonic() < deadline
        time.sleep(0.2)


@pytest.mark.vm
def test_the_past_of_a_container_is_shown_as_curves_and_as_numbers(boxdeck: CommandLine) -> None:
    boxdeck.ok("run", "-d", "--name", "web", "base", "sleep", "1000")
    found = wait_for_history(boxdeck, "web")
    assert found["Name"] == "web" and found["StepSeconds"] == 1
    pids, cpu = found["Pids"], found["CpuPercent"]
    assert isinstance(pids, list) and isinstance(cpu, list) and pids[-1] == 1 and len(cpu) == len(pids)
    lines = boxdeck.ok("stats", "--history", "hour").splitlines()
    assert lines[0] == "web: the last hour" and lines[1].split()[-3:] == ["LAST", "MEAN", "PEAK"]
    headings = [line[:8].rstrip() for line in lines[2:]]
    assert [heading for heading in headings if heading not in NOT_EVERYWHERE] == [
        "CPU %", "SYSTEM %", "MEMORY", "ANON", "FILES", "READ", "WRITTEN", "RECEIVED", "SENT", "PIDS"
    ]  # fmt: skip
    stalled = found["MemoryStalledPercent"]
    assert isinstance(stalled, list) and len(stalled) == len(pids)
    assert (stalled[-1] is not None) == (layout.detect().version == "v2") == ("MEM WAIT" in headings)
    assert lines[-1].split()[-1] == "1" and "█" in lines[-1]
    assert "web: the last day" in boxdeck.ok("stats", "--history", "day")
    assert boxdeck.ok("stats", "--history", "day", "--format", "{{.Name}} {{.StepSeconds}}", "web") == "web 60"


def test_of_a_container_that_never_ran_nothing_is_known(boxdeck: CommandLine) -> None:
    boxdeck.ok("create", "--name", "new", "base", "true")
    assert boxdeck.ok("stats", "--history", "hour", "new") == "new: nothing is known of the last hour"
    (found,) = json.loads(boxdeck.ok("stats", "--history", "day", "--format", "json", "new"))
    assert found["Pids"] == []


def test_another_span_is_refused(boxdeck: CommandLine) -> None:
    ended = boxdeck("stats", "--history", "week")
    assert ended.status != 0 and "hour" in ended.err and "day" in ended.err


@pytest.mark.parametrize(
    ("values", "cells", "expected"),
    [
        ((0.0, 1.0, 2.0, 4.0, 8.0), 80, "▁▂▃▅█"),
        ((1.0, 1.0, 3.0, 5.0), 2, "▃█"),
        ((1.0, None, 2.0), 80, "▅ █"),
        ((None, None, 4.0, None), 2, " █"),
        ((0.0, 0.0), 80, "▁▁"),
        ((), 80, ""),
    ],
)
def test_a_curve_has_gaps_where_nothing_is_known(values: tuple[float | None, ...], cells: int, expected: str) -> None:
    assert curve(values, cells) == expected
