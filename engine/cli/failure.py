"""How Boxdeck says no on the command line."""

from __future__ import annotations

import sys

from engine.errors import BoxdeckError


def fail(sentence: str, status: int = BoxdeckError.exit_status) -> int:
    """Say on standard error why not, after what was printed so far; returns the exit status."""
    sys.stdout.flush()
    sys.stderr.write(f"boxdeck: {one_line(sentence)}\n")
    return status


def warn(sentence: str) -> None:
    """Say on standard error what was done otherwise than one may think, or what it costs."""
    sys.stderr.write(f"boxdeck: warning: {one_line(sentence)}\n")


def one_line(text: str) -> str:
    """Text that can't break a table or send a terminal commands, whatever names of an image's are in it."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)
