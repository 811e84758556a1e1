"""``boxdeck run``: what is said about how a container is kept apart, and what exec, stop and inspect make of it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.command_line import CommandLine, eventually

CAPABILITIES = "grep -E 'CapInh|CapEff|CapBnd' /proc/self/status"


def masks(lines: list[str]) -> dict[str, int]:
    return {name: int(mask, 16) for name, mask in (line.split(":\t") for line in lines)}


@pytest.fixture
def neighbour(boxdeck: CommandLine) -> str:
    """A running container."""
    boxdeck.ok("run", "-d", "--name", "neighbour", "base", "sleep", "1000")
    return "neighbour"


def test_an_exec_may_have_more(boxdeck: CommandLine) -> None:
    boxdeck.ok("run", "-d", "--name", "held", "--cap-drop", "ALL", "base", "sleep", "99")
    lines = boxdeck.ok("exec", "held", "sh", "-c", CAPABILITIES).splitlines()
    assert masks(lines)["CapEff"] == 0
    lines = boxdeck.ok("exec", "--privileged", "held", "sh", "-c", CAPABILITIES).splitlines()
    assert masks(lines)["CapEff"].bit_count() > 30


def test_privileged_is_everything_and_says_what_that_costs(boxdeck: CommandLine) -> None:
    script = f"{CAPABILITIES}; grep -c . /proc/self/uid_map; cat /proc/self/uid_map; grep Seccomp: /proc/self/status"
    answer = boxdeck("run", "--privileged", "--name", "lord", "base", "sh", "-c", script)
    assert "boxdeck: warning: privileged: root inside can do to this machine whatever root outside can" in answer.err
    assert masks(answer.lines[:3])["CapEff"].bit_count() > 30
    assert answer.lines[4].split() == ["0", "0", "4294967295"] and answer.lines[5] == "Seccomp:\t0"
    found = boxdeck("inspect", "lord").json[0]
    assert found["HostConfig"]["Privileged"] and found["HostConfig"]["UsernsMode"] == "host"
    assert found["HostConfig"]["MaskedPaths"] == [] and "privileged" in found["Warnings"][0]


def test_with_init_the_command_has_a_parent_that_reaps_and_passes_signals_on(boxdeck: CommandLine) -> None:
    look = "cat /proc/[0-9]*/stat | cut -d' ' -f3"
    script = (
        f"trap 'exit 9' TERM; echo $$ $PPID; (sleep 0.05 &); sleep 0.3; {look}; echo up; while :; do sleep 0.02; done"
    )
    boxdeck.ok("run", "-d", "--init", "--name", "nursed", "base", "sh", "-c", script)
    assert eventually(lambda: "up" in boxdeck.ok("logs", "nursed").splitlines())
    first, *states = boxdeck.ok("logs", "nursed").splitlines()
    assert first == "2 1" and "Z" not in states
    assert boxdeck.ok("exec", "nursed", "cat", "/proc/1/comm") == "boxdeck-init"
    boxdeck.ok("stop", "-t", "5", "nursed")
    assert boxdeck.state("nursed")["ExitCode"] == 9
    assert boxdeck("inspect", "nursed").json[0]["HostConfig"]["Init"]


@pytest.mark.parametrize(
    ("command", "status"), [(("sh", "-c", "exit 3"), 3), (("nothing",), 127), (("/etc/passwd",), 126)]
)
def test_with_init_the_status_is_the_commands(boxdeck: CommandLine, command: tuple[str, ...], status: int) -> None:
    assert boxdeck("run", "--rm", "--init", "base", *command).status == status


def test_the_stop_signal_is_chosen(boxdeck: CommandLine) -> None:
    script = "trap 'exit 7' USR1; echo up; while :; do sleep 0.02; done"
    boxdeck.ok("run", "-d", "--name", "polite", "--stop-signal", "USR1", "base", "sh", "-c", script)
    assert eventually(lambda: boxdeck.ok("logs", "polite") == "up")
    boxdeck.ok("stop", "-t", "5", "polite")
    assert boxdeck.state("polite")["ExitCode"] == 7


def test_by_default_root_is_nobody_on_the_host(boxdeck: CommandLine, neighbour: str) -> None:
    pid = boxdeck.state(neighbour)["Pid"]
    assert os.stat(f"/proc/{pid}").st_uid > 65_536
    assert boxdeck.ok("exec", neighbour, "id", "-u") == "0"
    line = boxdeck("inspect", neighbour).json[0]["HostConfig"]
    assert line["UsernsMode"] == "auto" and line["IdMap"][0].startswith("0 ")


def test_a_file_can_be_shown_and_a_read_only_mount_can_t_be_written_to(boxdeck: CommandLine, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("text")
    script = "cat /made/for/it; echo x > /made/for/it"
    answer = boxdeck("run", "--rm", "-v", f"{file}:/made/for/it:ro", "base", "sh", "-c", script)
    assert answer.out == "text" and "Read-only file system" in answer.err and file.read_text() == "text"


def test_what_has_no_ids_to_map_is_shown_and_said(boxdeck: CommandLine) -> None:
    answer = boxdeck(
        "run", "--rm", "--userns", "auto", "-v", "/proc/self/status:/status", "base", "stat", "-c", "%u", "/status"
    )
    assert answer.out == "65534\n"
    assert "warning: the files of /proc/self/status belong to nobody inside" in answer.err


def test_by_default_a_file_system_that_can_t_map_ids_means_the_hosts_ids_and_that_is_said(boxdeck: CommandLine) -> None:
    script = "cat /proc/self/uid_map"
    answer = boxdeck("run", "--name", "plain", "-v", "/proc/self/status:/status", "base", "sh", "-c", script)
    assert answer.out.split() == ["0", "0", "4294967295"]
    assert "no user namespace: the file system of /proc/self/status can't show files with other ids" in answer.err
    assert "root inside is root outside" in boxdeck("inspect", "plain").json[0]["Warnings"][0]


def test_a_container_that_joins_another_finds_it_again_after_a_restart(boxdeck: CommandLine, neighbour: str) -> None:
    boxdeck.ok(
        "create", "--name", "guest", "--network", f"container:{neighbour}", "base", "readlink", "/proc/self/ns/net"
    )
    for _ in range(2):
        boxdeck.ok("restart", "-t", "0", neighbour)
        theirs = boxdeck.ok("exec", neighbour, "readlink", "/proc/self/ns/net")
        assert boxdeck.ok("start", "-a", "guest") == theirs
