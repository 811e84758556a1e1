"""Descriptors that must not be inherited (close_range(2))."""

from __future__ import annotations

import errno
import os
from collections.abc import Collection

from engine.linux import libc

_CLOSE_RANGE_CLOEXEC = 4
_LAST = 0xFFFFFFFF
_MOST = 4096  # looked at one by one; we never open that many


def close_on_exec(first: int = 3) -> None:
    """Mark every descriptor from `first` on to be closed by execve, whoever opened it and however."""
    try:
        libc.syscall("close_range", first, _LAST, _CLOSE_RANGE_CLOEXEC)
    except OSError:  # a filter of system calls that is older than close_range
        for number in range(first, _MOST):
            _close_on_exec(number)


def _close_on_exec(number: int) -> None:
    try:
        os.set_inheritable(number, False)
    except OSError as error:
        if error.errno != errno.EBADF:
            raise


def close_all_but(keep: Collection[int]) -> None:
    """Close every descriptor that isn't named, whoever opened it: for a child that goes where nobody is trusted."""
    first = 0
    for number in sorted({*keep, _LAST + 1}):
        if number > first:
            libc.syscall("close_range", first, number - 1, 0)
        first = number + 1
