"""One sentence with cause and remedy, exit 125 to 127, and nothing half-made."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.command_line import CommandLine, unprivileged

WRONG = {
    "no such image": (("run", "nothing-here", "true"), 125, "no image", "load"),
    "no such command": (("run", "base", "frobnicate"), 127, "frobnicate", ""),
    "not executable": (("run", "base", "/etc/passwd"), 126, "/etc/passwd", ""),
    "a folder as command": (("run", "base", "/etc"), 126, "/etc", ""),
    "memory no number": (("run", "-m", "lots", "base", "true"), 125, "'lots'", "64m"),
    "memory too small": (("run", "-m", "1k", "base", "true"), 125, "memory", ""),
    "cpus no number": (("run", "--cpus", "many", "base", "true"), 125, "'many'", "0.5"),
    "cpus negative": (("run", "--cpus", "-1", "base", "true"), 125, "-1", ""),
    "cpus not finite": (("run", "--cpus", "nan", "base", "true"), 125, "'nan'", ""),
    "pids no number": (("run", "--pids-limit", "few", "base", "true"), 125, "'few'", "100"),
    "name with a slash": (("run", "--name", "a/b", "base", "true"), 125, "'a/b'", ""),
    "host name with a space": (("run", "-h", "a b", "base", "true"), 125, "'a b'", ""),
    "no such network": (("run", "--network", "mars", "base", "true"), 125, "mars", "boxdeck network ls"),
    "no such user": (("run", "-u", "nobody-at-all", "base", "true"), 125, "nobody-at-all", ""),
    "variable without name": (("run", "-e", "=x", "base", "true"), 125, "'=x'", "NAME=value"),
    "image name in capitals": (("run", "BASE", "true"), 125, "BASE", ""),
    "nothing to run": (("run",), 125, "required: IMAGE: see", "--help"),
    "no whole number": (
        ("run", "--boot-offset", "x", "base"),
        125,
        "--boot-offset: 'x' is not a whole number",
        "--help",
    ),
    "nothing to execute": (("exec", "ghost"), 125, "required: COMMAND: see", "--help"),
    "a noun without a verb": (("network",), 125, "required: VERB: see", "network --help"),
    "completion for no shell": (("completion",), 125, "no shell", "bash, zsh, fish"),
    "unknown option": (("run", "--frob", "base", "true"), 125, "--frob", "--help"),
    "unknown verb": (("stopp",), 125, "'stopp'", "did you mean 'stop'"),
    "images can't be built": (("build", "."), 125, "'build'", "boxdeck commit"),
    "nothing like a verb": (("qqqqqq",), 125, "'qqqqqq'", "--help"),
    "no verb": ((), 125, "command", "--help"),
    "stop what isn't there": (("stop", "ghost"), 125, "ghost", ""),
    "start what isn't there": (("start", "ghost"), 125, "ghost", ""),
    "kill what isn't there": (("kill", "ghost"), 125, "ghost", ""),
    "rm what isn't there": (("rm", "ghost"), 125, "ghost", ""),
    "exec in what isn't there": (("exec", "ghost", "true"), 125, "ghost", ""),
    "logs of what isn't there": (("logs", "ghost"), 125, "ghost", ""),
    "wait for what isn't there": (("wait", "ghost"), 125, "ghost", ""),
    "attach to what isn't there": (("attach", "ghost"), 125, "ghost", ""),
    "stats of what isn't there": (("stats", "--no-stream", "ghost"), 125, "ghost", ""),
    "stats at no interval": (("stats", "--interval", "0"), 125, "0", "0.1 and 3600 seconds"),
    "top of what isn't there": (("top", "ghost"), 125, "ghost", "ps -a"),
    "top with options of ps": (("top", "ghost", "-ef"), 125, "-ef", "takes no options of ps"),
    "cgroup without a word": (("cgroup",), 125, "tree", "--help"),
    "cgroup of what isn't there": (("cgroup", "tree", "ghost"), 125, "ghost", "ps -a"),
    "events at no time": (("events", "--since", "soon"), 125, "'soon'", "10m"),
    "events through no filter": (("events", "--filter", "colour=red"), 125, "'colour=red'", "container="),
    "a template without its end": (("ps", "--format", "{{if .ID}}"), 125, "{{if .ID}}", "write {{end}}"),
    "a format that is none": (("images", "--format", "yaml"), 125, "'yaml'", "'{{.Name}}'"),
    "inspect what isn't there": (("inspect", "ghost"), 125, "ghost", "images"),
    "rmi what isn't there": (("rmi", "ghost"), 125, "ghost", ""),
    "load what isn't there": (("load", "/nowhere.tar"), 125, "/nowhere.tar", ""),
    "load a folder of something else": (("load", "/etc"), 125, "index.json", "boxdeck import"),
    "load a file of something else": (("load", "/etc/passwd"), 125, "tar", ""),
    "import what isn't there": (("import", "/nowhere.tar", "x"), 125, "/nowhere.tar", ""),
    "import a folder": (("import", "/etc", "x"), 125, "/etc", ""),
    "import under a bad name": (("import", "/etc/passwd", "BAD NAME"), 125, "BAD NAME", ""),
    "a name of other bytes": (("stop", os.fsdecode(b"\xff")), 125, "'\\udcff' is not text in UTF-8", "write it in"),
    "a file's name too long": (("save", "-o", "x" * 300, "base"), 125, "xxxx", "File name too long"),
    "a format of two dashes": (("info", "--format=--"), 125, "'--' is neither text nor json", "{{.Name}}"),
    "two dashes for a number": (("ps", "--last=--"), 125, "'--' is not a whole number", "--help"),
    "no number for a time": (("events", "--since", "nan"), 125, "'nan' is not a time", "10m"),
    "time no number": (("stop", "-t", "soon", "x"), 125, "'soon'", ""),
    "tail no number": (("logs", "-n", "few", "x"), 125, "'few'", ""),
    "reset without force": (("system", "reset"), 125, "remove", "--force"),
    "terminal without one": (("run", "-it", "base", "true"), 125, "the input device is not a TTY", "-t"),
}


@pytest.mark.parametrize(("arguments", "status", "cause", "remedy"), WRONG.values(), ids=WRONG.keys())
def test_one_sentence_and_nothing_left(
    boxdeck: CommandLine, arguments: tuple[str, ...], status: int, cause: str, remedy: str
) -> None:
    answer = boxdeck(*arguments)
    assert cause in answer.sentence
    assert remedy in answer.sentence
    assert (answer.status, answer.out.strip()) == (status, "[]" if arguments[:1] == ("inspect",) else "")
    assert boxdeck.names("-a") == []
    assert not boxdeck.left()


@pytest.mark.parametrize("verb", [("run", "-d"), ("create",)])
def test_a_name_in_use(boxdeck: CommandLine, verb: tuple[str, ...]) -> None:
    boxdeck.ok("run", "-d", "--name", "taken", "base", "sleep", "99")
    answer = boxdeck(*verb, "--name", "taken", "base", "true")
    assert answer.status == 125
    assert "taken" in answer.sentence
    assert boxdeck.names("-a") == ["taken"]


def test_a_wrong_command_in_exec(boxdeck: CommandLine) -> None:
    boxdeck.ok("run", "-d", "--name", "here", "base", "sleep", "99")
    assert boxdeck("exec", "here", "frobnicate").status == 127
    assert boxdeck("exec", "here", "/etc/passwd").status == 126
    assert boxdeck("exec", "-w", "/nowhere", "here", "true").status in (125, 126, 127)
    assert boxdeck.ok("exec", "here", "echo", "alive") == "alive"


def test_verbs_that_need_a_running_container(boxdeck: CommandLine) -> None:
    boxdeck.ok("create", "--name", "idle", "base", "true")
    for arguments in (("exec", "idle", "true"), ("attach", "idle"), ("kill", "idle"), ("wait", "idle")):
        answer = boxdeck(*arguments)
        assert answer.status == 125
        assert "idle" in answer.sentence
        assert "boxdeck start" in answer.sentence


def test_removing_one_that_runs_wants_force(boxdeck: CommandLine) -> None:
    boxdeck.ok("run", "-d", "--name", "busy", "base", "sleep", "99")
    assert "boxdeck stop busy" in boxdeck("rm", "busy").sentence
    assert boxdeck.names() == ["busy"]
    assert boxdeck.ok("rm", "-f", "busy") == "busy"


def test_no_such_signal(boxdeck: CommandLine) -> None:
    boxdeck.ok("run", "-d", "--name", "deaf", "base", "sleep", "99")
    for signal in ("FROB", "0", "999", "-9"):
        assert boxdeck("kill", f"--signal={signal}", "deaf").status == 125
    assert boxdeck.names() == ["deaf"]


def test_several_at_once_go_on_after_a_failure(boxdeck: CommandLine) -> None:
    boxdeck.ok("run", "-d", "--name", "real", "base", "sleep", "99")
    answer = boxdeck("stop", "-t", "0", "ghost", "real")
    assert (answer.status, answer.out) == (125, "real\n")
    assert "ghost" in answer.sentence


def test_not_root_is_one_sentence(tmp_path: object) -> None:
    answer = unprivileged("ps")
    assert answer.status == 125
    assert "root" in answer.sentence
    assert "sudo" in answer.sentence


def test_version_and_help_need_no_root() -> None:
    assert unprivileged("version").status == 0
    assert unprivileged("--help").status == 0
    assert unprivileged("run", "--help").status == 0


def test_a_runroot_with_containers_of_another_root(boxdeck: CommandLine, tmp_path: Path) -> None:
    boxdeck.ok("run", "-d", "--name", "here", "base", "sleep", "99")
    other = CommandLine(tmp_path, boxdeck.paths.runroot)
    for arguments in (("ps",), ("stats", "--no-stream"), ("system", "reset", "--force")):
        answer = other(*arguments)
        assert answer.status == 125
        assert f"--root {boxdeck.paths.root}" in answer.sentence
    assert not other.paths.root.exists()
    assert boxdeck.names() == ["here"]


def test_a_runroot_without_containers_goes_over_to_another_root(tmp_path: Path) -> None:
    for folder in ("one", "two", "one"):
        CommandLine(tmp_path / folder, tmp_path / "run").ok("ps")


def test_a_root_that_is_a_file(boxdeck: CommandLine) -> None:
    ended = subprocess.run(
        [boxdeck.argv[0], "--root", "/etc/passwd", "ps"], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 125
    assert ended.stderr.startswith("boxdeck: ")
    assert ended.stderr.count("\n") == 1
