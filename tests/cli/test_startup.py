"""The command line is quick to start."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from tests.command_line import PROGRAM, CommandLine

pytestmark = pytest.mark.alone

VERSION_SECONDS = 0.15
DEAR = ("asyncio", "inspect", "pyroute2", "psutil", "textual")  # inspect is what typing_extensions would import
TRIES = 8


def test_version_is_there_at_once() -> None:
    """The quickest of several: others are at work on this machine, too."""

    def once() -> float:
        before = time.perf_counter()
        subprocess.run([PROGRAM, "version"], check=True, capture_output=True)
        return time.perf_counter() - before

    assert min(once() for _ in range(TRIES)) <= VERSION_SECONDS


def test_who_only_looks_imports_nothing_dear(boxdeck: CommandLine) -> None:
    ended = subprocess.run(
        [sys.executable, "-X", "importtime", *boxdeck.argv, "stats", "--no-stream"],
        check=True,
        capture_output=True,
        text=True,
    )
    imported = {line.rpartition("|")[2].strip() for line in ended.stderr.splitlines()}
    assert "msgspec" in imported
    assert imported.isdisjoint(DEAR)
