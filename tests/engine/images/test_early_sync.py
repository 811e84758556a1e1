"""What was written reaches the disk, and what didn't isn't forgotten."""

from __future__ import annotations

import errno
import os
import threading
import time
from pathlib import Path

import pytest

from engine.images.early_sync import EarlySync


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Descriptors that were synced, in order; the pause between them is short."""
    seen: list[int] = []
    monkeypatch.setattr("engine.images.early_sync.syncfs", seen.append)
    monkeypatch.setattr("engine.images.early_sync._PAUSE_SECONDS", 0.001)
    return seen


def test_it_syncs_meanwhile_and_once_more_at_the_end(synced: list[int]) -> None:
    with EarlySync(7) as sync:
        deadline = time.monotonic() + 60
        while len(synced) < 3:
            assert time.monotonic() < deadline
            time.sleep(0.001)
        sync.finish()
        before = len(synced)
    assert set(synced) == {7} and before == len(synced) >= 4


def test_an_early_error_is_told_at_the_end(monkeypatch: pytest.MonkeyPatch, synced: list[int]) -> None:
    failed = threading.Event()

    def fail(descriptor: int) -> None:
        failed.set()
        raise OSError(errno.EIO, "no")

    monkeypatch.setattr("engine.images.early_sync.syncfs", fail)
    with EarlySync(7) as sync:
        assert failed.wait(60)
        monkeypatch.setattr("engine.images.early_sync.syncfs", synced.append)  # the kernel tells it once
        with pytest.raises(OSError, match="no"):
            sync.finish()


def test_a_real_file_system_is_synced(tmp_path: Path) -> None:
    descriptor = os.open(tmp_path, os.O_RDONLY)
    with EarlySync(descriptor) as sync:
        (tmp_path / "file").write_bytes(b"x")
        sync.finish()
    os.close(descriptor)
