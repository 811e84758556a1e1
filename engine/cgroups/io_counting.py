"""That v1 counts what is read from disks and written to them.

From Linux 6.10 on blkio.throttle counts on a disk only when somebody has written a rule for it since the machine was
started (block/blk-throttle.c, blk_throtl_init): until then everybody has read and written 0 bytes. A rule of 0, no
limit, is one, too, and what it begins outlives the cgroup that it was written in.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable

from engine.cgroups import folders

_FOLDER = "boxdeck-io"  # for a moment; one that was left behind is used again, and removed
_COUNTS = "blkio.throttle.io_service_bytes_recursive"
_RULES = "blkio.throttle.read_bps_device"
_BLOCK_DEVICES = "/sys/block"
_NOT_DISKS = ("loop", "ram", "zram", "nbd", "fd", "sr")  # of which there may be dozens; beginning takes 20 ms


def begin(top: str, disks: Iterable[str] | None = None) -> None:
    """Have everything counted from now on, on disks where it isn't already; no error where that can't be had.

    Args:
        top: of the hierarchy with the blkio controller.
        disks: their numbers, such as ``254:0``; all real ones by default.
    """
    counted = {line.partition(" ")[0] for line in folders.read(f"{top}/{_COUNTS}").splitlines()}
    wanted = set(_real_disks() if disks is None else disks) - counted
    if not wanted:
        return
    folder = f"{top}/{_FOLDER}"
    with contextlib.suppress(OSError):
        os.makedirs(folder, exist_ok=True)
        for disk in wanted:
            with contextlib.suppress(OSError):  # it has gone, or takes no requests
                folders.write(f"{folder}/{_RULES}", f"{disk} 0")
    with contextlib.suppress(OSError):
        os.rmdir(folder)


def _real_disks() -> Iterable[str]:
    for name in os.listdir(_BLOCK_DEVICES):
        if not name.startswith(_NOT_DISKS) and folders.read(f"{_BLOCK_DEVICES}/{name}/size") != "0":
            yield folders.read(f"{_BLOCK_DEVICES}/{name}/dev")
