"""How Boxdeck says no on the command line."""

from __future__ import annotations

import sys

from engine.errors import BoxdeckError
from engine.printable import printable


def fail(sentence: str, status: int = BoxdeckError.exit_status) -> int:
    """Say on standard error why not, after what was printed so far; returns the exit status."""
    sys.stdout.flush()
    sys.stderr.write(f"boxdeck: {printable(sentence)}\n")
    return status


def warn(sentence: str) -> None:
    """Say on standard error what was done otherwise than one may think, or what it costs."""
    sys.stderr.write(f"boxdeck: warning: {printable(sentence)}\n")
