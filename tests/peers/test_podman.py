"""Debian's podman with boxdeck-oci as its runtime."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.cgroups.manager import Cgroup
from tests.peers.conftest import require
from tests.peers.image import NAME
from tests.peers.podman import RUN, Podman
from tests.peers.quarters import Quarters
from tests.peers.terminal import on_terminal

pytestmark = [pytest.mark.peer, pytest.mark.vm, pytest.mark.apart]

_PATIENT_LOOP = "trap 'echo got term; exit 9' TERM; echo started; while :; do sleep 0.05; done"


@pytest.fixture(scope="module")
def loaded(quarters: Quarters, tmp_path_factory: pytest.TempPathFactory, boxdeck_oci: str, tiny: Path) -> Podman:
    require("podman", "podman")
    podman = Podman(quarters, tmp_path_factory.mktemp("podman"), boxdeck_oci)
    podman.ok("load", "-i", str(tiny))
    return podman


@pytest.fixture
def podman(loaded: Podman) -> Iterator[Podman]:
    yield loaded
    loaded.ok("rm", "--all", "--force", "--time", "0")
    assert loaded.ok("ps", "--all", "--quiet") == ""


def test_run_gives_output_input_and_exit_status(podman: Podman) -> None:
    done = podman.run("--rm", "-i", NAME, "sh", "-c", "cat; echo error >&2; exit 7", stdin="hello\n")
    assert (done.stdout, done.stderr, done.returncode) == ("hello\n", "error\n", 7)


def test_a_detached_container_is_entered_paused_stopped_and_removed(podman: Podman) -> None:
    assert podman.run("-d", "--name", "one", NAME, "sh", "-c", _PATIENT_LOOP).returncode == 0
    entered = podman("exec", "-i", "one", "sh", "-c", "cat; hostname; exit 5", stdin="in\n")
    assert (entered.stdout.splitlines()[0], entered.returncode) == ("in", 5)
    assert "started" in podman.ok("logs", "one")
    podman.ok("pause", "one")
    assert podman.ok("inspect", "-f", "{{.State.Status}}", "one") == "paused"
    podman.ok("unpause", "one")
    assert "sh -c trap" in podman.ok("top", "one")
    podman.ok("stop", "--time", "20", "one")
    assert podman.ok("logs", "one").splitlines() == ["started", "got term"]
    assert podman.ok("inspect", "-f", "{{.State.ExitCode}}", "one") == "9"
    podman.ok("start", "one")
    podman.ok("kill", "one")
    assert podman.ok("wait", "one") == "137"
    podman.ok("rm", "one")


def test_processes_have_terminals(podman: Podman) -> None:
    podman.run("-d", "--name", "one", NAME, "sleep", "1000")
    assert "/dev/pts/0" in on_terminal(podman.argv("exec", "-it", "one", "tty"))
    argv = podman.argv("run", "--rm", "-it", "--cgroup-parent", podman.quarters.cgroup_parent, *RUN, NAME, "tty")
    assert "/dev/pts/0" in on_terminal(argv)


def test_options_reach_the_process(podman: Podman) -> None:
    options = ("--rm", "--user", "1000:1001", "--cap-drop", "all", "--read-only", "--workdir", "/tmp", "-e", "A=b")
    script = "id -u; id -g; pwd; echo $A; cat /proc/self/status"
    lines = podman.run(*options, "--security-opt", "no-new-privileges", NAME, "sh", "-c", script).stdout.splitlines()
    assert lines[:4] == ["1000", "1001", "/tmp", "b"]
    assert {"CapEff:\t0000000000000000", "NoNewPrivs:\t1", "Seccomp:\t2"} <= set(lines)


def test_limits_are_in_force_and_can_be_changed(podman: Podman) -> None:
    podman.run("-d", "--name", "one", "--memory", "64m", "--pids-limit", "50", NAME, "sleep", "1000")
    stats = json.loads(podman.ok("stats", "--no-stream", "--format", "json", "one"))[0]
    assert "67.11MB" in stats["mem_usage"] and stats["pids"] == "1"
    podman.ok("update", "--memory", "32m", "one")
    identity = podman.ok("inspect", "-f", "{{.Id}}", "one")
    limits = Cgroup.open(f"{podman.quarters.cgroup_parent}/libpod-{identity}").read_limits()
    assert (limits.memory_bytes, limits.pids) == (32 << 20, 50)


def test_namespaces_are_shared_with_another_container_and_the_host(podman: Podman) -> None:
    podman.run("-d", "--name", "one", NAME, "sleep", "1000")
    shared = ("--network", "container:one", "--ipc", "container:one", "--pid", "container:one")
    script = "for kind in net ipc pid; do readlink /proc/self/ns/$kind; done"
    argv = (
        "run",
        "--rm",
        "--cgroup-parent",
        podman.quarters.cgroup_parent,
        *RUN[2:],
        *shared,
        NAME,
        "sh",
        "-c",
        script,
    )
    assert podman.ok(*argv) == podman.ok("exec", "one", "sh", "-c", script)
    host = podman.run("--rm", "--uts", "host", NAME, "hostname").stdout.strip()
    assert host == os.uname().nodename


def test_root_inside_is_nobody_outside(podman: Podman) -> None:
    mapped = ("--uidmap", "0:100000:65536", "--gidmap", "0:100000:65536")
    started = podman.run("-d", "--name", "one", *mapped, NAME, "sleep", "1000")
    assert started.returncode == 0, started.stderr
    assert podman.ok("exec", "one", "id", "-u") == "0"
    pid = podman.ok("inspect", "-f", "{{.State.Pid}}", "one")
    assert os.stat(f"/proc/{pid}").st_uid == 100000
    assert podman.ok("exec", "one", "sh", "-c", "echo x > /tmp/x && cat /tmp/x") == "x"


def test_a_privileged_container_has_what_the_machine_gives(podman: Podman) -> None:
    done = podman.run(
        "--rm", "--privileged", NAME, "sh", "-c", "grep CapEff /proc/self/status; echo x > /proc/sys/kernel/domainname"
    )
    assert done.returncode == 0, done.stderr


def test_what_the_image_has_is_seen_in_a_tmpfs_over_it(podman: Podman) -> None:
    done = podman.run(
        "--rm", "--read-only", "--tmpfs", "/bin:tmpcopyup", NAME, "sh", "-c", "echo x > /bin/x && cat /bin/x"
    )
    assert (done.stdout, done.returncode) == ("x\n", 0), done.stderr


def test_a_command_that_doesn_t_exist_has_docker_s_exit_status(podman: Podman) -> None:
    done = podman.run("--rm", NAME, "nosuchcommand")
    assert done.returncode == 127 and "nosuchcommand" in done.stderr
    podman.run("-d", "--name", "one", NAME, "sleep", "1000")
    assert podman("exec", "one", "nosuchcommand").returncode == 127
