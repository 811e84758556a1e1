"""What is seen of a container while it is removed, and of one of which not all can be removed."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.command_line import CommandLine, eventually

FILES = 10_000


def upper(boxdeck: CommandLine, name: str) -> Path:
    """Where what a container has written is kept."""
    return boxdeck.paths.upper(boxdeck.ok("inspect", "-f", "{{.Id}}", name))


def state_in_store(boxdeck: CommandLine, name: str) -> str | None:
    """Its state as the store has it, without any engine's looking after it."""
    with closing(sqlite3.connect(boxdeck.paths.database, isolation_level=None)) as store:
        row = store.execute("SELECT state FROM containers WHERE name = ?", (name,)).fetchone()
    return row[0] if row else None


@contextmanager
def removal_in_progress(boxdeck: CommandLine) -> Iterator[subprocess.Popen[bytes]]:
    """A removal by somebody who stands still in the middle of it."""
    boxdeck.ok("create", "--name", "large", "base", "true")
    folder = upper(boxdeck, "large") / "files"
    folder.mkdir()
    for number in range(FILES):
        (folder / str(number)).touch()
    with closing(sqlite3.connect(boxdeck.paths.database, isolation_level=None)) as store:
        command = boxdeck.start("rm", "large")
        while store.execute("SELECT state FROM containers WHERE name = 'large'").fetchone() != ("removing",):
            assert command.poll() is None
            time.sleep(0.001)
    os.kill(command.pid, signal.SIGSTOP)
    try:
        assert folder.exists()
        yield command
    finally:
        command.kill()
        command.communicate()


@contextmanager
def busy(boxdeck: CommandLine, name: str) -> Iterator[None]:
    """Something is mounted among a container's files, as by somebody who looks for what it wrote."""
    place = upper(boxdeck, name) / "mounted"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", place], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", place], check=True)


def test_others_see_that_it_is_being_removed(boxdeck: CommandLine) -> None:
    with removal_in_progress(boxdeck) as command:
        assert boxdeck.ok("ps", "-a", "--format", "{{.Names}} {{.State}} {{.Status}}") == (
            "large removing Removal In Progress"
        )
        assert boxdeck.names("-a", "--filter", "status=removing") == ["large"]
        assert boxdeck.names() == []
        assert boxdeck("system", "check").out == ""
        assert "is being removed" in boxdeck("diff", "large").sentence
        os.kill(command.pid, signal.SIGCONT)
        assert command.wait(60) == 0
    assert state_in_store(boxdeck, "large") is None
    assert boxdeck("system", "check").out == ""


def test_who_is_killed_over_a_removal_leaves_it_to_the_next(boxdeck: CommandLine) -> None:
    with removal_in_progress(boxdeck):
        folder = upper(boxdeck, "large").parent
    assert state_in_store(boxdeck, "large") == "removing"
    assert "was being removed by somebody who was killed" in boxdeck("system", "check").out
    assert boxdeck.names("-a") == []
    assert not folder.exists()
    assert boxdeck("system", "check").out == ""


def test_one_of_which_something_cannot_be_removed_is_dead(boxdeck: CommandLine) -> None:
    boxdeck.ok("run", "--name", "held", "base", "true")
    with busy(boxdeck, "held"):
        assert "held is dead: 'mounted' among its files can't be removed" in boxdeck("rm", "held").sentence
        assert boxdeck.ok("ps", "-a", "--format", "{{.Names}} {{.State}} {{.Status}}") == "held dead Dead"
        state = json.loads(boxdeck.ok("inspect", "-f", "{{json .State}}", "held"))
        assert (state["Status"], state["Dead"], state["Running"]) == ("dead", True, False)
        assert "can't be removed" in state["Error"]
        assert boxdeck.ok("events", "--since", "1h", "--until", "0s", "--format", "{{.Action}}").endswith("dead")


@pytest.mark.parametrize(
    "words",
    [("start", "held"), ("start", "-a", "held"), ("restart", "held"), ("exec", "held", "true"), ("pause", "held"),
     ("kill", "held"), ("commit", "held", "image"), ("diff", "held"), ("cp", "held:/etc/hostname", "-"),
     ("export", "-o", "/dev/null", "held")],
    ids=" ".join,
)  # fmt: skip
def test_a_dead_one_can_be_removed_and_nothing_else(boxdeck: CommandLine, words: tuple[str, ...]) -> None:
    boxdeck.ok("run", "--name", "held", "base", "true")
    with busy(boxdeck, "held"):
        assert boxdeck("rm", "held").status == 125
        assert boxdeck(*words).sentence.endswith("remove it with: boxdeck rm held")
    assert boxdeck.ok("rm", "held") == "held"
    assert boxdeck.names("-a") == []


def test_a_dead_one_keeps_nobody_else_from_being_removed(boxdeck: CommandLine) -> None:
    boxdeck.ok("run", "--name", "other", "base", "true")
    boxdeck.ok("run", "--name", "held", "base", "true")
    with busy(boxdeck, "held"):
        boxdeck.ok("container", "prune", "-f")
        assert boxdeck.names("-a") == ["held"]


def test_a_check_tells_of_a_dead_one_and_a_repair_removes_it(boxdeck: CommandLine) -> None:
    boxdeck.ok("run", "--name", "held", "base", "true")
    with busy(boxdeck, "held"):
        assert boxdeck("rm", "held").status == 125
        assert boxdeck("system", "check", "--repair").status == 1
    assert "held: is dead" in boxdeck("system", "check").out
    boxdeck.ok("system", "check", "--repair")
    assert boxdeck.names("-a") == []


def test_one_that_removes_itself_and_cannot_is_dead_too(boxdeck: CommandLine) -> None:
    boxdeck.ok("run", "-d", "--rm", "--name", "held", "base", "sleep", "1000")
    with busy(boxdeck, "held"):
        boxdeck.ok("stop", "-t", "0", "held")
        assert eventually(lambda: state_in_store(boxdeck, "held") == "dead")
        assert boxdeck.ok("ps", "-a", "--format", "{{.Status}}") == "Dead"
    boxdeck.ok("rm", "held")


def test_forcing_the_removal_of_what_is_not_there_is_no_failure(boxdeck: CommandLine) -> None:
    for verb in ("rm", "rmi"):
        answer = boxdeck(verb, "-f", "nothing")
        assert (answer.status, answer.out) == (0, "")
        assert "'nothing'" in answer.sentence
        assert boxdeck(verb, "nothing").status == 125
