"""Further processes."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from pathlib import Path

import msgspec
import pytest

from engine.oci.process_spec import Capabilities, Process
from tests.engine.runtime.oci.runtime import Runtime

pytestmark = pytest.mark.vm


def test_exec_gives_output_and_exit_status(runtime: Runtime) -> None:
    runtime.start("sleep", "1000")
    done = runtime("exec", "one", "sh", "-c", "cat; hostname; exit 4", stdin="in\n")
    assert (done.stdout, done.returncode) == ("in\nstandalone\n", 4)


def test_exec_is_in_the_container_s_control_group_and_namespaces(runtime: Runtime) -> None:
    runtime.start("sleep", "1000")
    inside = runtime.ok("exec", "one", "sh", "-c", "cat /proc/self/cgroup; readlink /proc/self/ns/pid")
    assert f"/{runtime.parent}/one" in inside
    assert inside.splitlines()[-1] == os.readlink(f"/proc/{runtime.pid}/ns/pid")


def test_flags_change_what_the_container_s_process_has(runtime: Runtime) -> None:
    runtime.start("sleep", "1000")
    flags = ("--cwd", "/tmp", "-e", "A=1", "--env", "B=2", "--user", "5:6", "-g", "7")
    text = runtime.ok(
        "exec", *flags, "one", "sh", "-c", "pwd; echo $A$B; grep -E '^(Uid|Gid|Groups)' /proc/self/status"
    )
    folder, variables, uid, gid, groups = text.splitlines()
    assert (folder, variables) == ("/tmp", "12")
    assert (uid.split()[1], gid.split()[1], groups.split()[1:]) == ("5", "6", ["7"])


def test_no_new_privileges_and_one_capability_more(runtime: Runtime) -> None:
    runtime.start("sleep", "1000")
    text = runtime.ok(
        "exec", "--no-new-privs", "--cap", "CAP_KILL", "one", "grep", "-E", "NoNewPrivs|CapEff", "/proc/self/status"
    )
    assert [line.split()[1] for line in text.splitlines()] == ["0000000000000020", "1"]


def test_a_process_can_be_described_in_a_file(runtime: Runtime, tmp_path: Path) -> None:
    runtime.start("sleep", "1000")
    process = Process(args=("sh", "-c", "echo $X"), cwd="/", env=("PATH=/usr/bin:/bin", "X=y"))
    (tmp_path / "process.json").write_bytes(msgspec.json.encode(process))
    assert runtime.ok("exec", "--process", str(tmp_path / "process.json"), "one") == "y\n"


def test_a_file_that_says_nothing_of_capabilities_has_the_containers(runtime: Runtime, tmp_path: Path) -> None:
    given = ("CAP_KILL",)
    runtime.start("sleep", "1000", capabilities=Capabilities(bounding=given, permitted=given, effective=given))
    process = Process(args=("grep", "CapEff", "/proc/self/status"), cwd="/", env=("PATH=/usr/bin:/bin",))
    (tmp_path / "process.json").write_bytes(msgspec.json.encode(process))
    said = runtime.ok("exec", "--process", str(tmp_path / "process.json"), "one")
    assert said.split() == ["CapEff:", "0000000000000020"]


def test_a_detached_exec_leaves_its_process_id(runtime: Runtime, tmp_path: Path) -> None:
    runtime.start("sleep", "1000")
    runtime.detached("exec", "--detach", "--pid-file", str(tmp_path / "pid"), "one", "sleep", "999")
    pid = int((tmp_path / "pid").read_text())
    assert Path(f"/proc/{pid}/cmdline").read_bytes() == b"sleep\x00999\x00"
    assert str(pid) in runtime.ok("ps", "one")


def test_a_terminal_goes_to_the_console_socket(runtime: Runtime, tmp_path: Path) -> None:
    runtime.start("sleep", "1000")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "console"))
        listener.listen()
        flags = ("--detach", "--tty", "--console-socket", str(tmp_path / "console"))
        runtime.detached("exec", *flags, "one", "sh", "-c", "tty; read x; echo got $x; sleep 1")
        connection, _ = listener.accept()
    with connection:
        _, (master,), _, _ = socket.recv_fds(connection, 64, 1)
    os.write(master, b"word\n")
    text = b""
    deadline = time.monotonic() + 60
    while b"got word" not in text and time.monotonic() < deadline:
        text += os.read(master, 1024)
    os.close(master)
    assert b"/dev/pts/" in text and b"got word" in text


def test_a_terminal_without_anybody_to_get_it_is_refused(runtime: Runtime) -> None:
    runtime.start("sleep", "1000")
    done = runtime("exec", "--detach", "--tty", "one", "true")
    assert done.returncode == 255 and "--console-socket" in done.stderr


def test_exec_that_can_t_be_done_says_why_with_a_status_of_its_own(runtime: Runtime) -> None:
    runtime.start("sleep", "1000")
    done = runtime("exec", "one", "nosuchcommand")
    assert done.returncode == 255 and "executable file not found in $PATH" in done.stderr
    assert runtime("exec", "one").returncode == 255
    runtime.ok("pause", "one")
    assert "is paused" in runtime("exec", "one", "true").stderr
    runtime.ok("resume", "one")
    runtime.ok("kill", "one", "KILL")
    runtime.await_status("stopped")
    assert "container not running" in runtime("exec", "one", "true").stderr


def test_a_terminal_of_ours_is_joined_with_the_process_s(runtime: Runtime) -> None:
    runtime.start("sleep", "1000")
    master, slave = os.openpty()
    command = [*runtime.argv, "exec", "--tty", "one", "sh", "-c", "stty size; read x; echo got $x; exit 6"]
    subprocess.run(["stty", "rows", "33", "cols", "77"], stdin=slave, check=True)
    running = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave)
    os.close(slave)
    os.write(master, b"word\r")
    text = b""
    while b"got word" not in text:
        text += os.read(master, 1024)
    assert b"33 77" in text
    assert running.wait(timeout=100) == 6
    os.close(master)
