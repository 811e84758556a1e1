"""The command line is quick to start."""

from __future__ import annotations

import subprocess
import time

import pytest

from tests.command_line import PROGRAM

pytestmark = pytest.mark.alone

VERSION_SECONDS = 0.15
TRIES = 8


def test_version_is_there_at_once() -> None:
    """The quickest of several: others are at work on this machine, too."""

    def once() -> float:
        before = time.perf_counter()
        subprocess.run([PROGRAM, "version"], check=True, capture_output=True)
        return time.perf_counter() - before

    assert min(once() for _ in range(TRIES)) <= VERSION_SECONDS
