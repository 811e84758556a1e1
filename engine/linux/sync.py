"""syncfs(2): everything written to one file system reaches the disk."""

from __future__ import annotations

import ctypes
import os

_libc = ctypes.CDLL(None, use_errno=True)  # unlike `libc`, lets other threads run: this call may take seconds


def syncfs(descriptor: int) -> None:
    """Write out the file system that the descriptor is on, and wait until that is done.

    Raises:
        OSError: EIO, ENOSPC or EDQUOT when something couldn't be written.
    """
    if _libc.syncfs(ctypes.c_int(descriptor)) < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"syncfs: {os.strerror(number)}")
