"""A root of a benchmark's own, with the image `base`, of which nothing is left."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.benchmarks.stopwatch import tmpfs
from tests.command_line import CommandLine


class FreshRoot(NamedTuple):
    """Where a benchmark works.

    Attributes:
        folder: on a disk; processes that are nobody outside can pass it.
    """

    boxdeck: CommandLine
    folder: Path


def is_root() -> bool:
    """Whether containers can be made; says what to do where they can't."""
    if os.geteuid() == 0:
        return True
    sys.stderr.write("boxdeck: benchmarks make containers, so they need root: run them with sudo\n")
    return False


@contextmanager
def fresh_root() -> Iterator[FreshRoot]:
    """With its states on a tmpfs, as they are on a machine."""
    folder = Path(tempfile.mkdtemp(prefix="boxdeck-bench-"))
    folder.chmod(0o711)
    states = Path(tempfile.mkdtemp(prefix="boxdeck-bench-", dir=tmpfs()))
    boxdeck = CommandLine(folder, states / "boxdeck")
    try:
        boxdeck.ok("run", "--rm", "base", "true")
        yield FreshRoot(boxdeck, folder)
    finally:
        boxdeck.ok("system", "reset", "--force")
        shutil.rmtree(folder)
        shutil.rmtree(states)
