"""What was written reaches the disk, and what didn't isn't forgotten."""

from __future__ import annotations

import errno
import itertools
import os
import threading
import time
from collections.abc import Callable
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


def counting() -> Callable[[], int]:
    """As if 10 MiB were written whenever somebody asks."""
    counter = itertools.count(0, 10 << 20)
    return lambda: next(counter)


def test_while_nothing_is_written_nothing_is_synced(synced: list[int]) -> None:
    asked = threading.Semaphore(0)

    def written() -> int:
        asked.release()
        return 1000

    with EarlySync(7, written):
        for _ in range(5):
            assert asked.acquire(timeout=60)
    assert synced == []


def test_it_syncs_meanwhile_and_once_more_at_the_end(synced: list[int]) -> None:
    with EarlySync(7, counting()) as sync:
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
    with EarlySync(7, counting()) as sync:
        assert failed.wait(60)
        monkeypatch.setattr("engine.images.early_sync.syncfs", synced.append)  # the kernel tells it once
        with pytest.raises(OSError, match="no"):
            sync.finish()


def test_a_real_file_system_is_synced(tmp_path: Path) -> None:
    descriptor = os.open(tmp_path, os.O_RDONLY)
    with EarlySync(descriptor, counting()) as sync:
        (tmp_path / "file").write_bytes(b"x")
        sync.finish()
    os.close(descriptor)
