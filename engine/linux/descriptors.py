"""Descriptors that must not be inherited (close_range(2))."""

from __future__ import annotations

from engine.linux import libc

_CLOSE_RANGE_CLOEXEC = 4
_LAST = 0xFFFFFFFF


def close_on_exec(first: int = 3) -> None:
    """Mark every descriptor from `first` on to be closed by execve, whoever opened it and however."""
    libc.syscall("close_range", first, _LAST, _CLOSE_RANGE_CLOEXEC)
