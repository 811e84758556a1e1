"""The first process of containers with --init: orphans are reaped, signals passed on, the status is the program's."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.vm

CHECKOUT = Path(__file__).parents[3]
CODE = "import os, sys; from engine.runtime import reaper; reaper.run(lambda: os.execvp(sys.argv[1], sys.argv[1:]))"


def behind_the_reaper(*command: str) -> subprocess.Popen[str]:
    """A command behind a reaper that is pid 1 of a pid namespace."""
    return subprocess.Popen(
        ["unshare", "--pid", "--fork", "--mount-proc", sys.executable, "-c", CODE, *command],
        cwd=CHECKOUT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip


def first_process(of: subprocess.Popen[str]) -> int:
    """The reaper, seen from the host: the child of unshare."""
    children = Path(f"/proc/{of.pid}/task/{of.pid}/children")
    while not children.read_text():
        time.sleep(0.01)
    return int(children.read_text())


@pytest.mark.parametrize(("script", "status"), [("exit 0", 0), ("exit 7", 7), ("kill -TERM $$", 143)])
def test_the_status_is_the_programs(script: str, status: int) -> None:
    with behind_the_reaper("sh", "-c", script) as running:
        assert running.wait(timeout=20) == status


def test_it_is_the_first_process_and_the_program_the_second() -> None:
    with behind_the_reaper("sh", "-c", "echo $$ $PPID") as running:
        assert running.communicate(timeout=20)[0].split() == ["2", "1"]


def test_orphans_are_reaped_and_leave_no_zombies() -> None:
    script = "for i in 1 2 3; do (sleep 0.05 & ) ; done; sleep 0.4; cat /proc/[0-9]*/stat | cut -d' ' -f2,3"
    with behind_the_reaper("sh", "-c", script) as running:
        out, _ = running.communicate(timeout=20)
    assert not [line for line in out.splitlines() if line.endswith("Z")], out


def test_signals_reach_the_program() -> None:
    script = "trap 'echo one' USR1; trap 'echo term; exit 9' TERM; echo ready; while :; do sleep 0.02; done"
    with behind_the_reaper("sh", "-c", script) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == "ready\n"
        reaper = first_process(running)
        os.kill(reaper, signal.SIGUSR1)
        assert running.stdout.readline() == "one\n"
        os.kill(reaper, signal.SIGTERM)
        assert running.stdout.readline() == "term\n"
        assert running.wait(timeout=20) == 9


def test_a_program_without_a_handler_dies_of_a_signal_as_anywhere_else() -> None:
    with behind_the_reaper("sleep", "1000") as running:
        reaper = first_process(running)
        while not Path(f"/proc/{reaper}/task/{reaper}/children").read_text():
            time.sleep(0.01)
        os.kill(reaper, signal.SIGTERM)
        assert running.wait(timeout=20) == 143


def test_the_reaper_has_nothing_open_but_its_streams() -> None:
    with behind_the_reaper("sh", "-c", "sleep 0.1; ls /proc/1/fd") as running:
        assert running.communicate(timeout=20)[0].split() == ["0", "1", "2"]
