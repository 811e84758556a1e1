"""``boxdeck cgroup tree``: control groups with limits and use."""

from __future__ import annotations

import fcntl
import os
import struct
import subprocess
import termios

import pytest

from engine.cli.cgroup_rows import limit_words, tree_lines
from engine.limits import CgroupSetting, DeviceLimit, HugetlbLimit, Limits
from engine.model import CgroupNode, CpuSample, MemorySample
from tests.command_line import CommandLine


@pytest.mark.vm
def test_containers_stand_below_our_cgroup(boxdeck: CommandLine) -> None:
    boxdeck.ok("run", "-d", "--name", "held", "-m", "64m", "--pids-limit", "77", "base", "sleep", "99")
    container = boxdeck.ok("run", "-d", "--name", "free", "base", "sleep", "99")
    heading, top, *rows = boxdeck.ok("cgroup", "tree").splitlines()
    assert heading.split()[:4] == ["CGROUP", "PROCS", "CPU", "%"]
    assert top.startswith(f"/{boxdeck.paths.cgroup_name} ")
    drawn = {row.split()[1]: row for row in rows}
    assert set(drawn) == {"held", "free"}
    assert "memory 64MiB" in drawn["held"] and "pids-limit 77" in drawn["held"]
    assert container[:12] in drawn["free"]
    assert drawn["free"].split()[3] == "1"  # processes


@pytest.mark.vm
def test_programs_get_the_tree_with_every_number(boxdeck: CommandLine) -> None:
    container = boxdeck.ok("run", "-d", "--name", "held", "-m", "64m", "base", "sleep", "99")
    tree = boxdeck("cgroup", "tree", "--format", "json").json
    (child,) = tree["Children"]
    assert (child["ContainerName"], child["ContainerId"]) == ("held", container)
    assert child["Memory"]["LimitBytes"] == child["InForce"]["MemoryBytes"] == 64 << 20
    assert child["InForce"]["MemoryFrom"] == child["Path"] == f"/{boxdeck.paths.cgroup_name}/{container}"
    assert child["Limits"]["MemoryBytes"] == 64 << 20
    assert child["Cpu"]["Percent"] is not None
    assert boxdeck.ok("cgroup", "tree", "held", "--format", "{{.ContainerName}} {{.Pids.Current}}") == "held 1"


def test_the_machines_tree_is_shown_from_the_top(boxdeck: CommandLine) -> None:
    boxdeck.ok("run", "-d", "--name", "among", "base", "sleep", "99")
    _, top, *rows = boxdeck.ok("cgroup", "tree", "--host").splitlines()
    assert top.startswith("/ ")
    assert any(f"/{boxdeck.paths.cgroup_name}" in row for row in rows)
    assert any(" among " in row for row in rows)


@pytest.mark.parametrize(
    ("columns", "dropped"),
    [(80, {"READ", "WRITTEN", "CONTROLLERS"}), (100, {"CONTROLLERS"}), (250, set())],
)
def test_on_a_terminal_columns_give_way_and_no_line_is_cut_off(
    boxdeck: CommandLine, columns: int, dropped: set[str]
) -> None:
    boxdeck.ok("run", "-d", "--name", "held", "-m", "64m", "--pids-limit", "77", "base", "sleep", "99")
    heading, *rows = on_a_terminal([*boxdeck.argv, "cgroup", "tree"], columns)
    assert {"CGROUP", "CPU", "MEMORY"} <= set(heading.split()) and not dropped & set(heading.split())
    assert all(len(row) <= columns for row in (heading, *rows)) and "…" not in heading
    (held,) = (row for row in rows if " held " in row)
    assert "64MiB" in held


def on_a_terminal(argv: list[str], columns: int) -> list[str]:
    """What a command prints on a terminal of that width, without colours."""
    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    environment = os.environ | {"NO_COLOR": "1"}
    with subprocess.Popen(argv, stdin=theirs, stdout=theirs, stderr=theirs, env=environment):
        os.close(theirs)
        printed = b""
        while chunk := _read(ours):
            printed += chunk
    os.close(ours)
    return printed.decode().splitlines()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # EIO: the last who had it open has gone
        return b""


def test_a_container_that_does_not_run_has_no_cgroup(boxdeck: CommandLine) -> None:
    boxdeck.ok("create", "--name", "still", "base", "true")
    assert "still has no control group: it is not running" in boxdeck("cgroup", "tree", "still").sentence
    assert "ghost" in boxdeck("cgroup", "tree", "ghost").sentence


def test_an_off_controller_is_no_zero() -> None:
    _, line = tree_lines(CgroupNode(path="/x", processes=3), "all")
    assert line.split() == ["/x", "3", "--", "--", "-", "--", "-", "--", "--", "-", "-"]


def test_levels_above_the_containers_hide_what_is_below_these() -> None:
    inner = CgroupNode(path="/x/1/payload", processes=2)
    memory = MemorySample(current_bytes=9 << 20, working_set_bytes=8 << 20, limit_bytes=1 << 30)
    container = CgroupNode(
        path="/x/1", container_id="1", container_name="web", children=(inner,), memory=memory,
        cpu=CpuSample(usage_usec=1, percent=12.34, limit_percent=50),
    )  # fmt: skip
    tree = CgroupNode(path="/x", children=(container, CgroupNode(path="/x/2", container_id="2", container_name="db")))
    lines = tree_lines(tree, "containers")
    assert [line.split("  ")[0] for line in lines] == ["CGROUP", "/x", "├─ web 1", "└─ db 2"]
    assert lines[2].split()[3:9] == ["2", "12.3", "/", "50", "8MiB", "1GiB"]
    assert [line.split("  ")[0] for line in tree_lines(tree, "all")][3] == "│"


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        (Limits(), ""),
        (Limits(memory_bytes=64 << 20, cpus=0.5, pids=77), "memory 64MiB, cpus 0.5, pids-limit 77"),
        (Limits(cpu_idle=True, cpuset_cpus="0-1"), "cpu-idle, cpuset-cpus 0-1"),
        (Limits(device_read_bytes=(DeviceLimit("8:0", 1024),)), "device-read-bps 8:0:1KiB"),
        (Limits(io_weight=7, device_writes=(DeviceLimit("8:0", 9),)), "blkio-weight 7, device-write-iops 8:0:9"),
        (Limits(hugetlb=(HugetlbLimit("2MB", 1 << 22),)), "hugetlb 2MB:4MiB"),
        (
            Limits(unified=(CgroupSetting("memory.min", "9"), CgroupSetting("io.max", "8:0 rbps=1"))),
            "memory.min=9 io.max=8:0 rbps=1",
        ),
    ],
)
def test_limits_in_words(limits: Limits, words: str) -> None:
    assert limit_words(limits) == words
