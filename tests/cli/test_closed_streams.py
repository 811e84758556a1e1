"""Standard streams that whoever starts us has closed, as some schedulers and init scripts do."""

from __future__ import annotations

import subprocess

import pytest

from tests.command_line import PROGRAM, CommandLine

CLOSED = ("<&-", ">&-", "2>&-", "<&- >&-", "<&- >&- 2>&-")


def with_closed(closed: str, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", "-c", f'exec "$@" {closed}', "sh", *command], capture_output=True, text=True, check=False, timeout=60
    )


@pytest.mark.parametrize("closed", CLOSED)
def test_commands_do_what_they_do(boxdeck: CommandLine, closed: str) -> None:
    ended = with_closed(closed, *boxdeck.argv, "run", "-i", "--name", "one", "base", "sh", "-c", "cat; ls /proc/$$/fd")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert boxdeck.ok("logs", "one").split()[:3] == ["0", "1", "2"]
    ended = with_closed(closed, *boxdeck.argv, "ps", "-a")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ("one" in ended.stdout) is (">" not in closed.replace("2>", ""))


def test_what_wants_input_says_that_there_is_none(boxdeck: CommandLine) -> None:
    for arguments in (("load",), ("login", "localhost:1"), ()):
        ended = with_closed("<&-", *boxdeck.argv, *arguments)
        assert ended.returncode == 125
        assert ended.stderr.startswith("boxdeck: ") and ended.stderr.count("\n") == 1
        assert "bug" not in ended.stderr


@pytest.mark.parametrize("closed", CLOSED)
def test_the_runtime_does_without_them_too(closed: str) -> None:
    ended = with_closed(closed, f"{PROGRAM}-oci", "features")
    assert (ended.returncode, ended.stderr) == (0, "")
