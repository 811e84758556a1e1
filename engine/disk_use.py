"""How much of the disk is whose."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from msgspec import Struct

_BLOCK_BYTES = 512  # of st_blocks, whatever the file system's own are (stat(2))


class DiskUse(Struct, frozen=True, kw_only=True):
    """What one kind of thing takes on the disk.

    Attributes:
        count: how many there are.
        active: how many of them are in use.
        size_bytes: of all.
        reclaimable_bytes: of those that nobody uses.
    """

    kind: str
    count: int
    active: int
    size_bytes: int
    reclaimable_bytes: int


def disk_bytes(*paths: Path) -> int:
    """Bytes of disk of files and of all below folders; holes are nothing, hard links count once. Blocks on the disk.

    What vanishes meanwhile counts as nothing, and no link is followed.
    """
    seen: dict[tuple[int, int], int] = {}
    for path in paths:
        with suppress(OSError):
            _count(seen, os.lstat(path))
            _count_below(seen, str(path))
    return sum(seen.values()) * _BLOCK_BYTES


def _count(seen: dict[tuple[int, int], int], status: os.stat_result) -> None:
    seen[status.st_dev, status.st_ino] = status.st_blocks


def _count_below(seen: dict[tuple[int, int], int], top: str) -> None:
    folders = [top]
    while folders:
        try:
            entries = list(os.scandir(folders.pop()))
        except OSError:  # gone, a file, or deeper than any path may be
            continue
        for entry in entries:
            with suppress(OSError):
                _count(seen, entry.stat(follow_symlinks=False))
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
