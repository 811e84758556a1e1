"""``boxdeck run``: what a process sees, and what comes back."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from tests.command_line import CommandLine, eventually

KINDS = ("cgroup", "ipc", "mnt", "net", "pid", "uts")


def test_own_namespaces_cgroup_address_name_and_pid_1(boxdeck: CommandLine) -> None:
    script = "readlink /proc/self/ns/*; cat /proc/self/cgroup; ip -br addr; hostname; ps -o pid,comm"
    lines = boxdeck.ok(
        "run", "--rm", "--name", "seen", "--hostname", "harbour", "base", "sh", "-c", script
    ).splitlines()
    for kind in KINDS:
        assert os.readlink(f"/proc/self/ns/{kind}") not in lines
        assert any(line.startswith(f"{kind}:[") for line in lines)
    assert all(line.endswith(":/") for line in lines if line[:1].isdigit() and line.count(":") == 2)
    assert any(line.startswith("eth0@") and "UP" in line and "10." in line for line in lines)
    assert "harbour" in lines
    assert ["1", "sh"] in [line.split() for line in lines]
    assert boxdeck.names("-a") == []


@pytest.mark.parametrize(("command", "status"), [("exit 0", 0), ("exit 7", 7), ("kill -9 $$; exit 3", 3)])
def test_the_exit_status_is_the_processs_own(boxdeck: CommandLine, command: str, status: int) -> None:
    assert boxdeck("run", "--rm", "base", "sh", "-c", command).status == status


def test_a_process_killed_by_a_signal_exits_with_128_and_its_number(boxdeck: CommandLine) -> None:
    assert boxdeck("run", "--rm", "base", "sh", "-c", "sh -c 'kill -TERM $$'").status == 143


def test_output_and_errors_come_apart_and_whole(boxdeck: CommandLine) -> None:
    answer = boxdeck("run", "--rm", "base", "sh", "-c", "seq 100000; echo wrong >&2")
    assert answer.lines == [str(number) for number in range(1, 100001)]
    assert answer.err == "wrong\n"


def test_standard_input_goes_in_with_i_only(boxdeck: CommandLine) -> None:
    text = "".join(f"line {number}\n" for number in range(20000))
    assert boxdeck("run", "--rm", "-i", "base", "cat", input=text).out == text
    assert boxdeck("run", "--rm", "base", "cat", input=text).out == ""


def test_a_file_can_be_standard_input(boxdeck: CommandLine) -> None:
    with open("/etc/os-release", "rb") as file:
        ended = subprocess.run(
            [*boxdeck.argv, "run", "--rm", "-i", "base", "cat"], stdin=file, capture_output=True, check=True
        )
    with open("/etc/os-release", "rb") as file:
        assert ended.stdout == file.read()


def test_environment_directory_user_and_name(boxdeck: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FROM_HERE", "passed on")
    monkeypatch.delenv("NOT_HERE", raising=False)
    options = ("-e", "A=b=c", "-e", "FROM_HERE", "-e", "NOT_HERE", "-w", "/tmp", "-u", "1000:1000", "-h", "quay")
    script = 'echo "$A|$FROM_HERE|${NOT_HERE-unset}"; pwd; id -u; id -g; hostname'
    assert boxdeck.ok("run", "--rm", *options, "base", "sh", "-c", script).splitlines() == [
        "b=c|passed on|unset", "/tmp", "1000", "1000", "quay",
    ]  # fmt: skip


def test_a_working_directory_that_is_not_there_is_made_where_that_can_be(boxdeck: CommandLine) -> None:
    options = ("-w", "/made/for/it", "-u", "1000:1000")
    script = "pwd; stat -c '%u %a' . .."
    assert boxdeck.ok("run", "--rm", *options, "base", "sh", "-c", script).split("\n") == [
        "/made/for/it",
        *["0 755"] * 2,
    ]
    assert boxdeck.ok("run", "--rm", "-w", "/made", "--read-only", "base", "pwd") == "/made"  # as by docker
    refused = boxdeck("run", "--rm", "-w", "/etc/passwd/x", "base", "true")
    assert refused.status == 125 and "can't be entered" in refused.sentence


def test_options_after_the_image_are_the_commands(boxdeck: CommandLine) -> None:
    assert boxdeck.ok("run", "--rm", "base", "echo", "--rm", "-it", "--", "--name", "x") == "--rm -it -- --name x"


def test_limits_are_in_force(boxdeck: CommandLine) -> None:
    boxdeck.ok(
        "run", "-d", "--name", "small", "-m", "64m", "--cpus", "0.5", "--pids-limit", "20", "base", "sleep", "99"
    )
    limits = boxdeck("inspect", "small").json[0]["HostConfig"]
    assert (limits["Memory"], limits["NanoCpus"], limits["PidsLimit"]) == (64 << 20, 500_000_000, 20)
    row = boxdeck("stats", "--no-stream", "--format", "json").json[0]
    assert row["MemUsage"].endswith("/ 64MiB")
    fork_bomb = boxdeck(
        "run", "--rm", "--pids-limit", "5", "base", "sh", "-c", "for i in 1 2 3 4 5 6 7; do sleep 1 & done"
    )
    assert "fork" in fork_bomb.err.lower()


def test_a_process_that_takes_too_much_memory_is_killed_and_inspect_says_so(boxdeck: CommandLine) -> None:
    eater = "x=x; while :; do x=$x$x; done"
    assert boxdeck("run", "--name", "eater", "-m", "16m", "base", "sh", "-c", eater).status == 137
    state = boxdeck.state("eater")
    assert (state["OOMKilled"], state["ExitCode"], state["Status"]) == (True, 137, "exited")


def test_networks(boxdeck: CommandLine) -> None:
    assert boxdeck.ok("run", "--rm", "--network", "none", "base", "sh", "-c", "ls /sys/class/net") == "lo"
    inside = boxdeck.ok("run", "--rm", "--network", "host", "base", "readlink", "/proc/self/ns/net")
    assert inside == os.readlink("/proc/self/ns/net")


def test_two_containers_reach_each_other_by_address(boxdeck: CommandLine) -> None:
    serve = "while :; do :; done"
    boxdeck.ok("run", "-d", "--name", "one", "base", "sh", "-c", serve)
    address = boxdeck("inspect", "one").json[0]["NetworkSettings"]["IPAddress"]
    lines = boxdeck.ok("run", "--rm", "base", "sh", "-c", f"ip route get {address}; ip neigh; ip route").splitlines()
    assert lines[0].startswith(f"{address} dev eth0 src 10.")


def test_root_in_a_user_namespace_is_nobody_outside(boxdeck: CommandLine) -> None:
    boxdeck.ok("run", "-d", "--name", "shifted", "--userns", "auto", "base", "sleep", "99")
    assert boxdeck.ok("exec", "shifted", "id", "-u") == "0"
    pid = boxdeck.state("shifted")["Pid"]
    assert os.stat(f"/proc/{pid}").st_uid >= 65536
    boxdeck.ok("exec", "shifted", "sh", "-c", "echo mine > /root/file && [ $(stat -c %u /root/file) = 0 ]")


def test_a_clock_of_its_own(boxdeck: CommandLine) -> None:
    inside = float(
        boxdeck.ok("run", "--rm", "--boot-offset", "86400", "base", "sh", "-c", "cat /proc/uptime").split()[0]
    )
    assert 86400 - 60 < inside - time.clock_gettime(time.CLOCK_BOOTTIME) < 86400 + 60


def test_an_entrypoint_goes_before_the_command(boxdeck: CommandLine) -> None:
    assert boxdeck.ok("run", "--rm", "--entrypoint", "echo -n", "base", "a", "b") == "a b"


def test_detached_prints_the_id_and_runs_on(boxdeck: CommandLine) -> None:
    container_id = boxdeck.ok("run", "-d", "--name", "behind", "--label", "tier=web", "base", "sleep", "99")
    row = boxdeck("ps", "--no-trunc", "--format", "json").json[0]
    assert (row["ID"], row["Names"], row["State"], row["Labels"]) == (container_id, "behind", "running", "tier=web")
    assert row["Status"].startswith("Up ")


def test_the_second_run_of_a_detached_container_with_rm_leaves_nothing(boxdeck: CommandLine) -> None:
    boxdeck.ok("run", "-d", "--rm", "--name", "brief", "base", "true")
    assert eventually(lambda: boxdeck.names("-a") == [])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_to_the_command_line_reach_the_process(boxdeck: CommandLine, number: signal.Signals) -> None:
    script = "trap 'echo caught; exit 9' INT TERM; echo ready; while :; do sleep 0.1; done"
    running = boxdeck.start("run", "--rm", "base", "sh", "-c", script)
    assert running.stdout is not None
    assert running.stdout.readline() == b"ready\n"
    running.send_signal(number)
    out, _ = running.communicate(timeout=20)
    assert (out, running.returncode) == (b"caught\n", 9)


IMPATIENT = """
import asyncio, os, sys
from engine.cli.main import main
from engine.containers import Containers

def interrupted(verb):
    async def call(self, asked):
        os.kill(os.getpid(), int(sys.argv[1]))
        session = await verb(self, asked)
        os.kill(os.getpid(), int(sys.argv[1]))
        await asyncio.sleep(0)
        return session
    return call

Containers.run_attached = interrupted(Containers.run_attached)
Containers.start_attached = interrupted(Containers.start_attached)
sys.exit(main(sys.argv[2:]))
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGRTMIN])
def test_signals_that_come_while_it_is_being_started_reach_the_process(
    boxdeck: CommandLine, number: signal.Signals
) -> None:
    impatient = [sys.executable, "-c", IMPATIENT, str(int(number)), *boxdeck.argv[1:]]
    command = ["--name", "early", "--init", "base", "sleep", "1000"]
    ran = subprocess.run([*impatient, "run", *command], stdin=subprocess.DEVNULL, timeout=20, check=False)
    assert ran.returncode == 128 + number and boxdeck.state("early")["ExitCode"] == 128 + number
    started = subprocess.run([*impatient, "start", "-a", "early"], stdin=subprocess.DEVNULL, timeout=20, check=False)
    assert started.returncode == 128 + number and boxdeck.names() == []


def test_when_nobody_reads_its_output_a_container_with_rm_is_gone(boxdeck: CommandLine) -> None:
    ended = subprocess.run(
        [
            "sh",
            "-c",
            '"$@" | head -n 1',
            "sh",
            *boxdeck.argv,
            "run",
            "--rm",
            "base",
            "sh",
            "-c",
            "while :; do echo y; done",
        ],
        capture_output=True,
        timeout=30,
        check=True,
    )
    assert (ended.stdout, ended.stderr) == (b"y\n", b"")
    assert eventually(lambda: boxdeck.names("-a") == [])


def test_another_program_can_run_two_at_once(boxdeck: CommandLine) -> None:
    running = [boxdeck.start("run", "--rm", "base", "sh", "-c", f"sleep 0.3; echo {number}") for number in range(4)]
    outputs = [process.communicate(timeout=60) for process in running]
    assert [out for out, _ in outputs] == [f"{number}\n".encode() for number in range(4)], outputs


def test_starting_costs_no_tui(boxdeck: CommandLine) -> None:
    loaded = subprocess.run(
        [sys.executable, "-X", "importtime", *boxdeck.argv, "ps"], capture_output=True, text=True, check=True
    ).stderr
    assert "textual" not in loaded
    assert "pyroute2" not in loaded
