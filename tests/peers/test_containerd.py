"""Debian's containerd, asked by ctr, with boxdeck-oci in runc's place."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.peers.daemons import Containerd
from tests.peers.image import NAME

pytestmark = [pytest.mark.peer, pytest.mark.apart]


@pytest.fixture
def ctr(containerd: Containerd) -> Iterator[Containerd]:
    yield containerd
    containerd("tasks", "kill", "--signal", "KILL", "one")
    containerd("tasks", "delete", "--force", "one")
    containerd("containers", "delete", "one")
    assert containerd.ok("containers", "list", "--quiet") == ""


def test_run_gives_output_and_exit_status(ctr: Containerd) -> None:
    done = ctr.run("--rm", NAME, "one", "sh", "-c", "echo out; echo error >&2; exit 7", name="one")
    assert (done.stdout, done.stderr, done.returncode) == ("out\n", "error\n", 7)


def test_a_detached_container_is_entered_paused_killed_and_deleted(ctr: Containerd) -> None:
    started = ctr.run("--detach", NAME, "one", "sleep", "1000", name="one")
    assert started.returncode == 0, started.stderr
    entered = ctr("tasks", "exec", "--exec-id", "further", "one", "sh", "-c", "hostname; id -u; exit 5")
    assert (entered.stdout.splitlines()[-1], entered.returncode) == ("0", 5)
    ctr.ok("tasks", "pause", "one")
    assert "PAUSED" in ctr.ok("tasks", "list")
    ctr.ok("tasks", "resume", "one")
    assert len(ctr.ok("tasks", "ps", "one").splitlines()) == 2  # a heading, and sleep
    ctr.ok("tasks", "kill", "--signal", "KILL", "one")
    await_stopped(ctr)
    assert "137" in ctr("tasks", "delete", "one").stderr
    ctr.ok("containers", "delete", "one")


def test_what_can_t_be_executed_is_told_in_our_words(ctr: Containerd) -> None:
    done = ctr.run("--rm", NAME, "one", "nosuchcommand", name="one")
    assert done.returncode == 1 and "the command 'nosuchcommand' doesn't exist in the container" in done.stderr


def test_metrics_are_those_of_the_container_s_control_group(ctr: Containerd) -> None:
    ctr.run("--detach", "--memory-limit", str(64 << 20), NAME, "one", "sleep", "1000", name="one")
    assert str(64 << 20) in ctr.ok("tasks", "metrics", "one")


def await_stopped(ctr: Containerd) -> None:
    deadline = time.monotonic() + 60
    while "STOPPED" not in ctr.ok("tasks", "list"):
        assert time.monotonic() < deadline
        time.sleep(0.05)
