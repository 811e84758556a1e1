"""Descriptors that must not be inherited (close_range(2))."""

from __future__ import annotations

from collections.abc import Collection

from engine.linux import libc

_CLOSE_RANGE_CLOEXEC = 4
_LAST = 0xFFFFFFFF


def close_on_exec(first: int = 3) -> None:
    """Mark every descriptor from `first` on to be closed by execve, whoever opened it and however."""
    libc.syscall("close_range", first, _LAST, _CLOSE_RANGE_CLOEXEC)


def close_all_but(keep: Collection[int]) -> None:
    """Close every descriptor that isn't named, whoever opened it: for a child that goes where nobody is trusted."""
    first = 0
    for number in sorted({*keep, _LAST + 1}):
        if number > first:
            libc.syscall("close_range", first, number - 1, 0)
        first = number + 1
