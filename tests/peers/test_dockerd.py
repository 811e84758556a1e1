"""Debian's dockerd with boxdeck-oci as its default runtime."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.peers.daemons import Docker as Dockerd
from tests.peers.image import NAME
from tests.peers.terminal import on_terminal

pytestmark = [pytest.mark.peer, pytest.mark.apart]

_PATIENT_LOOP = "trap 'echo got term; exit 9' TERM; echo started; while :; do sleep 0.05; done"


@pytest.fixture
def dockerd(docker: Dockerd) -> Iterator[Dockerd]:
    yield docker
    docker("rm", "--force", "one")
    assert docker.ok("ps", "--all", "--quiet") == ""


def test_boxdeck_is_the_default_runtime(dockerd: Dockerd) -> None:
    assert dockerd.ok("info", "--format", "{{.DefaultRuntime}}") == "boxdeck"


def test_run_gives_output_input_and_exit_status(dockerd: Dockerd) -> None:
    done = dockerd("run", "--rm", "-i", NAME, "sh", "-c", "cat; echo error >&2; exit 7", stdin="hello\n")
    assert (done.stdout, done.stderr, done.returncode) == ("hello\n", "error\n", 7)


def test_a_detached_container_is_entered_paused_stopped_and_removed(dockerd: Dockerd) -> None:
    dockerd.ok("run", "-d", "--name", "one", NAME, "sh", "-c", _PATIENT_LOOP)
    entered = dockerd("exec", "-i", "one", "sh", "-c", "cat; exit 5", stdin="in\n")
    assert (entered.stdout, entered.returncode) == ("in\n", 5)
    dockerd.ok("pause", "one")
    assert dockerd.ok("inspect", "-f", "{{.State.Status}}", "one") == "paused"
    dockerd.ok("unpause", "one")
    assert "sh -c trap" in dockerd.ok("top", "one")
    dockerd.ok("update", "--memory", "64m", "--memory-swap", "64m", "--pids-limit", "40", "one")
    assert "/ 64MiB" in dockerd.ok("stats", "--no-stream", "--format", "{{.MemUsage}}", "one")
    dockerd.ok("stop", "--time", "20", "one")
    assert dockerd.ok("logs", "one").splitlines() == ["started", "got term"]
    assert dockerd.ok("inspect", "-f", "{{.State.ExitCode}}", "one") == "9"
    dockerd.ok("start", "one")
    dockerd.ok("restart", "--time", "0", "one")
    dockerd.ok("kill", "one")
    assert dockerd.ok("wait", "one") == "137"
    dockerd.ok("rm", "one")


def test_processes_have_terminals(dockerd: Dockerd) -> None:
    dockerd.ok("run", "-d", "-it", "--name", "one", NAME, "sh")
    assert "/dev/pts/1" in on_terminal(dockerd.argv("exec", "-it", "one", "tty"))
    assert "/dev/pts/0" in on_terminal(dockerd.argv("run", "--rm", "-it", NAME, "tty"))


def test_the_kernel_sees_docker_s_defaults(dockerd: Dockerd) -> None:
    status = dockerd.ok("run", "--rm", NAME, "cat", "/proc/self/status").splitlines()
    assert {"CapEff:\t00000000a80425fb", "CapInh:\t0000000000000000", "Seccomp:\t2"} <= set(status)
    options = ("--rm", "--user", "1000:1001", "--cap-drop", "all", "--read-only", "--tmpfs", "/run")
    script = "id -u; id -g; echo x > /run/x && ! echo x > /x; grep CapBnd /proc/self/status"
    lines = dockerd.ok("run", *options, NAME, "sh", "-c", script).splitlines()
    assert lines == ["1000", "1001", "CapBnd:\t0000000000000000"]


def test_a_home_is_what_the_container_s_files_say_which_docker_leaves_to_the_runtime(
    dockerd: Dockerd, tmp_path: Path
) -> None:
    (passwd := tmp_path / "passwd").write_text("root:x:0:0::/root:\nann:x:1000:1000::/home/ann:\n")
    dockerd.ok("run", "-d", "--name", "one", "-v", f"{passwd}:/etc/passwd:ro", NAME, "sleep", "1000")
    users = ("0", "1000", "4242")
    homes = [dockerd.ok("exec", "--user", user, "one", "sh", "-c", "echo $HOME") for user in users]
    assert homes == ["/root", "/home/ann", "/"]


def test_a_privileged_container_has_what_the_machine_gives(dockerd: Dockerd) -> None:
    assert int(dockerd.ok("run", "--rm", "--privileged", NAME, "sh", "-c", "ls /dev | wc -l")) > 15


def test_hosts_and_volumes_are_mounted(dockerd: Dockerd) -> None:
    dockerd.ok("volume", "create", "data")
    options = ("--rm", "-v", "data:/data", "-v", "/etc:/outside:ro", "--hostname", "inside")
    script = "echo x > /data/x; cat /data/x; hostname; ! echo x > /outside/x"
    assert dockerd.ok("run", *options, NAME, "sh", "-c", script).splitlines() == ["x", "inside"]
    dockerd.ok("volume", "rm", "data")


def test_a_container_that_is_killed_while_paused_ends(dockerd: Dockerd) -> None:
    dockerd.ok("run", "-d", "--name", "one", NAME, "sleep", "1000")
    dockerd.ok("pause", "one")
    dockerd.ok("kill", "one")
    assert dockerd.ok("wait", "one") == "137"


def test_namespaces_are_shared_with_another_container(dockerd: Dockerd) -> None:
    dockerd.ok("run", "-d", "--name", "one", "--ipc", "shareable", NAME, "sleep", "1000")
    shared = ("--network", "container:one", "--ipc", "container:one", "--pid", "container:one")
    script = "for kind in net ipc pid; do readlink /proc/self/ns/$kind; done"
    inside = dockerd.ok("run", "--rm", *shared, NAME, "sh", "-c", script)
    assert inside == dockerd.ok("exec", "one", "sh", "-c", script)


def test_a_command_that_doesn_t_exist_has_docker_s_exit_status(dockerd: Dockerd) -> None:
    done = dockerd("run", "--rm", NAME, "nosuchcommand")
    assert done.returncode == 127 and "the command 'nosuchcommand' doesn't exist" in done.stderr
