"""``boxdeck top``: the processes inside a container."""

from __future__ import annotations

import re

import pytest

from engine.cli.top import tree_stems
from engine.model import ProcessInfo
from tests.command_line import CommandLine, eventually

FAMILY = "sleep 98 & (sleep 97 & wait) & exec sleep 99"


@pytest.mark.vm
def test_processes_are_drawn_below_their_parents(boxdeck: CommandLine) -> None:
    boxdeck.ok("run", "-d", "--name", "family", "base", "sh", "-c", FAMILY)
    children = ("─ sleep 98", "─ sleep 97", "  sleep 99")
    assert eventually(lambda: all(each in boxdeck.ok("top", "family") for each in children))
    heading, *rows = boxdeck.ok("top", "family").splitlines()
    assert re.split(" {2,}", heading)[:4] == ["USER", "PID", "INSIDE", "PPID"]
    assert rows[0].split()[2] == "1"
    commands = [re.split(r"\d\d:\d\d:\d\d {3}", row)[1] for row in rows]
    assert commands[:2] == ["sleep 99", "├─ sleep 98"]
    assert commands[2].startswith("└─ sh -c") and commands[3] == "   └─ sleep 97"
    flat = boxdeck.ok("top", "--no-tree", "family")
    assert "─" not in flat and "sleep 97" in flat


def test_programs_get_numbers(boxdeck: CommandLine) -> None:
    boxdeck.ok("run", "-d", "--name", "spins", "base", "sh", "-c", "while :; do :; done")
    (row,) = boxdeck("top", "spins", "--pss", "--format", "json").json
    assert (row["PID"], row["PIDInside"], row["User"]) == (boxdeck.state("spins")["Pid"], 1, "root")
    assert row["CPUPercent"] > 5 and row["CPUUsec"] > 0
    assert row["MemoryBytes"] > 0 and row["ProportionalBytes"] > 0
    assert boxdeck.ok("top", "--format", "{{.PIDInside}} {{.Threads}}", "spins") == "1 1"


def test_options_of_ps_are_refused_in_one_sentence(boxdeck: CommandLine) -> None:
    boxdeck.ok("run", "-d", "--name", "plain", "base", "sleep", "99")
    for options in (("aux",), ("-ef",), ("-o", "pid")):
        refused = boxdeck("top", "plain", *options)
        assert refused.status == 125
        assert "takes no options of ps" in refused.sentence


def test_one_that_does_not_run_has_none(boxdeck: CommandLine) -> None:
    boxdeck.ok("create", "--name", "still", "base", "true")
    assert "still is not running" in boxdeck("top", "still").sentence


def _process(pid: int, parent: int) -> ProcessInfo:
    return ProcessInfo(pid=pid, parent_pid=parent, pid_inside=pid, command="x")


def test_a_tree_of_several_roots() -> None:
    tree = [_process(10, 1), _process(11, 10), _process(12, 11), _process(13, 10), _process(20, 2), _process(21, 20)]
    assert tree_stems(tree) == ["", "├─ ", "│  └─ ", "└─ ", "", "└─ "]
