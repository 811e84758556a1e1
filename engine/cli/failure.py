"""How Boxdeck says no on the command line."""

from __future__ import annotations

import sys

from engine.errors import BoxdeckError


def fail(sentence: str, status: int = BoxdeckError.exit_status) -> int:
    """Say on standard error why not, after what was printed so far; returns the exit status."""
    sys.stdout.flush()
    sys.stderr.write(f"boxdeck: {sentence}\n")
    return status
