"""The whole path, from a key press to a running process and back, in a real terminal."""

from __future__ import annotations

import re
import time

import pytest

from tests.command_line import CommandLine, eventually
from tests.conftest import OpenApp
from tests.tmux import Tmux

pytestmark = pytest.mark.apart

EMPTY = "No containers yet"


def start_first(app: Tmux, boxdeck: CommandLine) -> str:
    """From the empty card to a running container, and out of its terminal; returns its name."""
    app.wait_for(EMPTY, "press n")
    app.press("n")
    app.wait_for("run a container", "base")
    app.press("Enter")
    app.wait_for("1 of 1 running", "keys go to the shell", ":/#", gone=EMPTY)
    app.press("C-g")
    app.press("q")
    app.wait_for("n run", gone="keys go to the shell")
    app.press("Right")
    app.wait_for("base · sh")
    return boxdeck.names()[0]


def test_from_an_empty_machine_to_a_shell_and_back(boxdeck: CommandLine, open_app: OpenApp) -> None:
    app = open_app()
    name = start_first(app, boxdeck)
    screen = app.wait_for(name, "CPU", "MEMORY", "processes 1")
    assert eventually(lambda: re.search(rf"{name} +base +\d+\.\d", app.screen) is not None), app.screen
    assert str(boxdeck.state(name)["Pid"]) in screen
    assert boxdeck("inspect", name).json[0]["NetworkSettings"]["IPAddress"] in screen

    app.press("e")
    app.wait_for("ctrl+g", ":/#")
    app.type("echo $((6 * 7)) in $(hostname)")
    app.wait_for(f"42 in {boxdeck('inspect', name).json[0]['Id'][:12]}")
    app.type("vi /root/note")
    app.wait_for("~")
    app.press("i")
    app.type("written in the app")
    app.press("Escape")
    time.sleep(0.3)  # as fast as people are: a terminal tells Escape from Alt by time alone
    app.type(":wq")
    app.wait_for(":/#", gone="~")
    assert boxdeck.ok("exec", name, "cat", "/root/note").strip() == "written in the app"

    app.type("exit")
    app.wait_for("press enter to close")
    app.press("Enter")
    app.wait_for("attached", gone="press enter to close")  # its own terminal is in sight again
    app.press("C-g")
    app.press("q")
    app.wait_for("n run", gone="keys go to the shell")

    app.press("s")
    app.wait_for("exited", "137")
    assert boxdeck.state(name)["Status"] == "exited"
    app.press("d")
    app.wait_for("enter", name)
    app.press("y")
    app.wait_for(EMPTY)
    assert boxdeck.names("-a") == []

    app.press("q")
    app.wait_for("status=0")


def test_a_containers_namespaces_are_visited_and_left_again(boxdeck: CommandLine, open_app: OpenApp) -> None:
    app = open_app()
    name = start_first(app, boxdeck)
    app.press("N")
    app.wait_for("enter", name, "maps")
    app.press("Enter")
    app.wait_for(":/#", gone="maps")
    app.type("readlink /proc/self/ns/pid /proc/1/ns/pid; tty; echo $((6 * 7))")
    screen = app.wait_for("42\n")
    assert screen.count(f"pid:[{pid_namespace(boxdeck, name)}]") == 2
    app.type("exit")
    app.wait_for(name, "maps", gone=":/#")
    app.press("q")
    app.wait_for("status=0")


def pid_namespace(boxdeck: CommandLine, name: str) -> int:
    """The number of a container's pid namespace."""
    rows = boxdeck("ns", "ls", "-t", "pid", "--format", "json").json
    return int(next(row["Inode"] for row in rows if name in row["Containers"]))


def test_a_container_lives_on_after_q_and_everybody_sees_it(boxdeck: CommandLine, open_app: OpenApp) -> None:
    app = open_app()
    name = start_first(app, boxdeck)
    pid = boxdeck.state(name)["Pid"]
    app.press("q")
    app.wait_for("status=0", "1 container keeps running")
    assert boxdeck.names() == [name]
    assert boxdeck.state(name)["Pid"] == pid
    assert boxdeck.ok("exec", name, "cat", "/proc/1/comm") in ("sh", "bash")
    second, third = open_app(), open_app(80, 24)
    for later in (second, third):
        later.wait_for(name, "1 of 1 running")


def test_what_another_terminal_does_is_seen_at_once(boxdeck: CommandLine, open_app: OpenApp) -> None:
    app = open_app()
    app.wait_for(EMPTY)
    boxdeck.ok("run", "-d", "--name", "from_afar", "base", "sh", "-c", "echo hello from afar; sleep 999")
    app.wait_for("from_afar", "1 of 1 running")
    app.press("l")
    app.wait_for("hello from afar")
    app.press("Escape")
    boxdeck.ok("rm", "-f", "from_afar")
    app.wait_for(EMPTY)


def test_less_and_top_work_in_a_shell_and_follow_the_terminals_size(boxdeck: CommandLine, open_app: OpenApp) -> None:
    boxdeck.ok("run", "-d", "--name", "tools", "base", "sleep", "999")
    app = open_app()
    app.wait_for("tools", "1 of 1 running")
    app.press("e")
    app.wait_for("ctrl+g", ":/#")
    app.type("seq 500 | less")
    app.wait_for(" 5 ")
    app.press("G")
    app.wait_for("500", "(END)")
    app.press("q")
    app.wait_for("seq 500 | less", gone="(END)")
    app.type("clear; stty size")
    before = _stty_size(app)
    app.resize(120, 32)
    app.type("clear; stty size")
    assert eventually(lambda: _stty_size(app) != before)
    app.type("top")
    app.wait_for("Tasks:", "%Cpu", "sleep")
    app.press("q")
    app.wait_for(":/#")


def _stty_size(app: Tmux) -> str:
    found = re.findall(r"│ (\d+ \d+) +", app.wait_for(":/#"))
    return found[-1] if found else ""


def test_a_wrong_command_says_so_and_leaves_nothing(boxdeck: CommandLine, open_app: OpenApp) -> None:
    app = open_app()
    app.wait_for(EMPTY)
    app.press("n")
    app.wait_for("run a container")
    app.press("Tab")
    app.press("C-a")
    app.press("C-k")
    app.type("frobnicate")
    app.wait_for("frobnicate", "doesn't exist")
    assert boxdeck.names("-a") == []
    assert not boxdeck.left()


def test_help_lists_the_keys(open_app: OpenApp) -> None:
    app = open_app()
    app.wait_for(EMPTY)
    app.press("?")
    app.wait_for("Remove it with all it wrote; asks first")
    app.press("End")
    app.wait_for("Leave; containers keep running")
    app.press("Escape")
    app.wait_for(EMPTY)


def test_without_a_terminal_the_app_says_so(boxdeck: CommandLine) -> None:
    answer = boxdeck()
    assert answer.status == 125
    assert "terminal" in answer.sentence


def test_a_limit_is_changed_and_the_machine_is_looked_at(boxdeck: CommandLine, open_app: OpenApp) -> None:
    script = "while :; do (x=$(head -c 40000000 /dev/zero | tr '\\0' y)); sleep 2; done"
    boxdeck.ok("run", "-d", "--name", "greedy", "--memory", "20m", "base", "bash", "-c", script)
    app = open_app()
    app.wait_for("greedy ran out of memory", "▲ greedy", "OOM")
    app.press("Right")
    app.wait_for("limit 20M", "anonymous", "killed for it")
    app.press("Right")
    app.wait_for("ON HOST", str(boxdeck.state("greedy")["Pid"]))
    app.press("u")
    app.wait_for("limits of greedy", "in force · memory 20M")
    app.type("200m")
    app.wait_for("200M", gone="limits of greedy")
    app.press("6")
    app.wait_for("machine", "CONTROL GROUP", "╰ greedy", "/ 200M", "oom", "update")
    app.press("Enter")
    app.wait_for("ON HOST", gone="CONTROL GROUP")
