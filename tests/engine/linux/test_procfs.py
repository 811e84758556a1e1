"""The real /proc, and what only looks like it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from engine.linux import procfs
from tests.engine.runtime.box import needs_root


def is_top(path: str | Path) -> bool:
    descriptor = os.open(path, os.O_PATH)
    try:
        return procfs.is_top(descriptor)
    finally:
        os.close(descriptor)


def test_only_the_top_of_a_procfs_is_one(tmp_path: Path) -> None:
    assert is_top("/proc")
    assert not any(map(is_top, ("/proc/sys", "/proc/self", "/sys", "/", tmp_path)))


def test_magic_links_are_not_followed_and_nothing_above_is_reached() -> None:
    top = procfs.open_top()
    try:
        for path in ("self/root/etc/passwd", "self/cwd/x", "../etc/passwd", "/etc/passwd"):
            with pytest.raises(OSError, match=r"Too many levels|cross-device"):
                procfs.write(top, path, "")
    finally:
        os.close(top)


@needs_root
def test_where_there_is_none_a_new_one_is_made_that_nobody_sees(tmp_path: Path) -> None:
    before = Path("/proc/self/mountinfo").read_text()
    for path in (tmp_path, tmp_path / "nowhere", "/proc/self"):
        top = procfs.open_top(str(path))
        assert procfs.is_top(top)
        os.close(top)
    assert Path("/proc/self/mountinfo").read_text() == before
