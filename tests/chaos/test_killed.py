"""``kill -9`` of anything of ours: the next start reads the store and cleans the machine up."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from tests.command_line import CommandLine, eventually
from tests.conftest import OpenApp

COUNTER = "i=0; while :; do i=$((i+1)); echo $i; sleep 0.1; done"


def parent_of(pid: int) -> int:
    """A process's parent (proc(5), /proc/pid/stat; the name in brackets may have spaces in it)."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def children_of(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def shim_of(boxdeck: CommandLine, name: str) -> int:
    pid = parent_of(boxdeck.state(name)["Pid"])
    assert Path(f"/proc/{pid}/comm").read_text() == "boxdeck-shim\n"
    return pid


def launcher_of(app_pid: int) -> int:
    names = {pid: Path(f"/proc/{pid}/comm").read_text().strip() for pid in children_of(app_pid)}
    return next(pid for pid, name in names.items() if name == "boxdeck-launch")


def is_gone(pid: int) -> bool:
    return (
        not os.path.exists(f"/proc/{pid}") or Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    )


@pytest.fixture
def counting(boxdeck: CommandLine) -> str:
    boxdeck.ok("run", "-d", "--name", "counting", "base", "sh", "-c", COUNTER)
    return "counting"


def test_a_killed_shim_takes_its_container_along_and_is_cleaned_up_after(boxdeck: CommandLine, counting: str) -> None:
    inside, shim = boxdeck.state(counting)["Pid"], shim_of(boxdeck, counting)
    os.kill(shim, signal.SIGKILL)
    assert eventually(lambda: is_gone(inside) or boxdeck.names() == [])
    state = boxdeck.state(counting)
    assert (state["Status"], state["Running"], state["ExitCode"]) == ("exited", False, 137)
    assert "shim" in state["Error"]
    assert eventually(lambda: is_gone(inside))
    boxdeck.ok("start", counting)
    assert boxdeck.state(counting)["Running"] is True
    boxdeck.ok("rm", "-f", counting)
    assert not boxdeck.left()


def test_with_everything_killed_at_once_the_next_start_cleans_up(boxdeck: CommandLine, open_app: OpenApp) -> None:
    app = open_app()
    app.wait_for("No containers yet")
    app.press("n")
    app.wait_for("run a container")
    app.press("Enter")
    app.wait_for("1 of 1 running")
    name = boxdeck.names()[0]
    inside, shim = boxdeck.state(name)["Pid"], shim_of(boxdeck, name)
    for pid in (app.pid, launcher_of(app.pid), shim):
        os.kill(pid, signal.SIGKILL)
    assert boxdeck("ps", "-a", "--format", "json").json[0]["State"] == "exited"
    assert eventually(lambda: is_gone(inside))
    boxdeck.ok("rm", name)
    assert not boxdeck.left()


def test_a_killed_app_leaves_its_containers_running(boxdeck: CommandLine, open_app: OpenApp, counting: str) -> None:
    app = open_app()
    app.wait_for(counting, "1 of 1 running")
    launcher = launcher_of(app.pid) if children_of(app.pid) else None
    os.kill(app.pid, signal.SIGKILL)
    assert boxdeck.names() == [counting]
    assert boxdeck.ok("exec", counting, "echo", "alive") == "alive"
    assert launcher is None or eventually(lambda: is_gone(launcher))
    open_app().wait_for(counting, "1 of 1 running")


def test_a_killed_launcher_is_replaced(boxdeck: CommandLine, open_app: OpenApp) -> None:
    app = open_app()
    app.wait_for("No containers yet")
    for count in (1, 2):
        app.press("n")
        app.wait_for("run a container")
        app.press("Enter")
        app.wait_for(f"{count} of {count} running", "keys go to the shell")
        app.press("C-g")
        app.press("q")
        app.wait_for("n run", gone="keys go to the shell")
        os.kill(launcher_of(app.pid), signal.SIGKILL)
        assert len(boxdeck.names()) == count


@pytest.mark.parametrize("delay", [0.08, 0.12, 0.16, 0.2, 0.24, 0.3])
def test_a_run_killed_half_way_leaves_nothing_that_is_not_in_the_store(boxdeck: CommandLine, delay: float) -> None:
    running = boxdeck.start("run", "--name", "halfway", "base", "sleep", "99")
    time.sleep(delay)
    running.kill()
    running.communicate()
    assert boxdeck.names("-a") in ([], ["halfway"])
    boxdeck.remove_all()
    assert not boxdeck.left()
    boxdeck.ok("run", "--rm", "--name", "halfway", "base", "true")
