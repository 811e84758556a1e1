"""Switches of the kernel in /proc/sys: read without what `Path.read_text` does more, since every start asks some."""

from __future__ import annotations

import os
from functools import cache

from engine.linux import mounts, trace

_MOST_BYTES = 32
_PROC = "/proc/"


def write(path: str | os.PathLike[str], text: str) -> None:
    """Set one.

    Raises:
        OSError: ENOENT where the kernel has none, EACCES or EROFS without the privilege.
    """
    _write(os.open(path, os.O_WRONLY | os.O_CLOEXEC), path, text)


def write_elsewhere(path: str, text: str) -> None:
    """Set one while the calling thread is in somebody else's network namespace.

    What is looked up in /proc/sys/net stays in memory as long as its namespace does, in one row with what has the same
    name in others (proc_sys_compare): from then on everybody on the machine searches it, 0.1 microseconds each time for
    each namespace. So this process has a procfs of its own for that.

    Raises:
        OSError: as `write`.
    """
    _write(os.open(path.removeprefix(_PROC), os.O_WRONLY | os.O_CLOEXEC, dir_fd=_own_proc()), path, text)


@cache
def _own_proc() -> int:
    """A descriptor that stays open, since closing it takes four times as long as all else."""
    try:
        return mounts.new_filesystem("proc")
    except OSError:  # where parts of /proc are masked, nobody gets another one
        return os.open(_PROC, os.O_PATH | os.O_CLOEXEC)


def _write(descriptor: int, path: str | os.PathLike[str], text: str) -> None:
    try:
        trace.call(os.write, descriptor, text.encode(), path=os.fspath(path))
    finally:
        os.close(descriptor)


def is_on(path: str | os.PathLike[str]) -> bool | None:
    """Whether a switch is anything but 0; None where the kernel has none.

    Raises:
        OSError: EACCES.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        return os.read(descriptor, _MOST_BYTES).strip() != b"0"
    finally:
        os.close(descriptor)
