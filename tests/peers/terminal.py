"""Commands that want a terminal."""

from __future__ import annotations

import subprocess


def on_terminal(argv: list[str]) -> str:
    """What a command writes when it is run on a terminal."""
    done = subprocess.run(
        ["script", "-qec", " ".join(argv), "/dev/null"],
        check=False,
        capture_output=True,
        timeout=120,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout.decode(errors="replace")
