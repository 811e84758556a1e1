"""Names that a container or an image chooses are shown to people, and never sent to their terminals as commands."""

from __future__ import annotations

import pytest

from engine.processes import parse_command_line
from tests.command_line import CommandLine

pytestmark = pytest.mark.vm

EVIL = "\x1b]0;evil\x07\n\x9b2J"


def test_no_sentence_of_ours_carries_what_an_image_says_to_the_terminal(boxdeck: CommandLine) -> None:
    """With sentences printed as they are, the title of the terminal is "evil"."""
    for options in (("-w", f"/etc/passwd/{EVIL}", "base", "true"), ("base", f"/{EVIL}"), (f"base{EVIL}", "true")):
        refused = boxdeck("run", "--rm", "--network", "none", *options)
        assert refused.status != 0 and len(refused.err.splitlines()) == 1
        assert all(letter.isprintable() for letter in refused.err.rstrip("\n")), refused.err


def test_no_list_carries_what_processes_call_themselves(boxdeck: CommandLine) -> None:
    """With names printed as they are, the title of the terminal is "evil"."""
    script = f"exec -a '{EVIL}' sleep 1000"
    boxdeck.ok("run", "-d", "--network", "none", "--name", "named", "base", "bash", "-c", script)
    for verb in (("ps",), ("ns", "ls")):
        out = boxdeck.ok(*verb)
        assert out.splitlines() and all(letter.isprintable() for letter in out.replace("\n", ""))


@pytest.mark.parametrize("line", [b"", b"\0", EVIL.encode(), b"\xff\x1b[2J\0x"])
def test_command_lines_and_names_are_fit_to_show(line: bytes) -> None:
    """A process that is no more has just its name, which is the process's choice, too. Tried as above."""
    assert parse_command_line(line, EVIL).isprintable()
