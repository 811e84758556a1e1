"""A process's own command line, as others read it in /proc/PID/cmdline (proc(5))."""

from __future__ import annotations

import ctypes
import os
import sys


def replace(text: str) -> None:
    """Say something else there, for a process forked off an interpreter whose words are nobody's business.

    The kernel reads the stack's first page, where the C library found ``argv``; when its last byte isn't zero any more
    it ends at the first one that is (fs/proc/base.c, get_mm_cmdline). Nothing happens where that isn't what is found.
    """
    words = b"".join(os.fsencode(word) + b"\0" for word in sys.orig_argv)
    try:
        begin = ctypes.c_void_p.in_dll(ctypes.CDLL(None), "program_invocation_name").value
    except ValueError:  # another C library
        return
    if begin is None or ctypes.string_at(begin, len(words)) != words:
        return
    shown = os.fsencode(text)[: len(words) - 2]
    ctypes.memmove(begin, shown.ljust(len(words) - 1, b"\0") + b".", len(words))
