"""What the machine's real disks have read and written; psutil tells which disks there are."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from functools import cache

import psutil

from engine.cgroups.statistics.files import KernelFile

_FOLDER = "/sys/block"
_LIST_SECONDS = 30.0  # until a disk that was plugged in is seen
_SECTOR_BYTES = 512  # whatever a disk's own sectors are (block/stat.rst)
_SOFTWARE_DISKS = ("loop", "ram", "zram", "dm-", "md", "nbd", "fd", "sr")


class DiskReader:
    """Looks at the disks again and again, through files that stay open."""

    def __init__(self) -> None:
        self._files: dict[str, KernelFile] = {}
        self._list_at = 0.0

    def read(self) -> Mapping[str, tuple[int, int]] | None:
        """Bytes read and written by each real disk since it came, by name; None where there is none."""
        if time.monotonic() >= self._list_at:
            self._list()
        found = {name: total for name, file in self._files.items() if (total := _total(file)) is not None}
        return found or None

    def close(self) -> None:
        """Close the files; another look opens them again."""
        for file in self._files.values():
            file.close()
        self._files, self._list_at = {}, 0.0

    def _list(self) -> None:
        """Open anew what there is now: a disk may have another's name."""
        self.close()
        self._list_at = time.monotonic() + _LIST_SECONDS
        names = psutil.disk_io_counters(perdisk=True, nowrap=False) or {}
        self._files = {name: KernelFile(f"{_FOLDER}/{name}/stat") for name in names if _is_real(name)}


def _total(file: KernelFile) -> tuple[int, int] | None:
    """From /sys/block/…/stat (block/stat.rst): its third and seventh number are of sectors read and written."""
    try:
        words = file.read().split()
    except OSError:  # ENODEV: it was pulled out
        return None
    return (int(words[2]) * _SECTOR_BYTES, int(words[6]) * _SECTOR_BYTES) if len(words) > 6 else None


@cache
def _is_real(name: str) -> bool:
    """Whether it is a whole disk of its own: no partition, and nothing that software makes of other disks."""
    return os.path.exists(f"{_FOLDER}/{name}") and not name.startswith(_SOFTWARE_DISKS)
