"""Room on the disk that is kept for the store, so that what fills the disk can still be looked at and removed.

A file that is nothing but allocated blocks. While hardly anything is free, a change of the store gives up a part of it.
What is free when an engine closes, such as what SQLite's log has taken, is taken back before anybody else fills it.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

RESERVE_BYTES: Final = 4 << 20
_PART_BYTES: Final = 512 << 10  # SQLite's index of its log takes 32 KiB, a change some pages of 4 KiB


class Reserve:
    """The reserve of one store.

    Args:
        path: of the file, on the store's file system.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def replenish(self) -> None:
        """Have as much of it as there is room for; quick where it is whole."""
        with suppress(OSError):
            size = self._size()
            if size < RESERVE_BYTES and (wanted := min(RESERVE_BYTES - size, self._free_bytes())) > 0:
                descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
                try:
                    os.posix_fallocate(descriptor, size, wanted)
                finally:
                    os.close(descriptor)

    def make_room(self) -> bool:
        """Give up a part when there is no room for a change; whether there is room now."""
        with suppress(OSError):
            if self._free_bytes() >= _PART_BYTES:
                return True
            size = self._size()
            if size > 0:
                os.truncate(self._path, max(0, size - _PART_BYTES))
            return size > 0
        return False

    @property
    def is_used_up(self) -> bool:
        """Whether there is no room, and nothing left to give up."""
        with suppress(OSError):
            return self._size() == 0 and self._free_bytes() < _PART_BYTES
        return False

    def _size(self) -> int:
        try:
            return os.stat(self._path).st_size
        except FileNotFoundError:
            return 0

    def _free_bytes(self) -> int:
        found = os.statvfs(self._path.parent)
        return found.f_bavail * found.f_frsize
