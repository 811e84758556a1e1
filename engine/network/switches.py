"""Switches of the kernel in /proc/sys: read without what `Path.read_text` does more, since every start asks some."""

from __future__ import annotations

import os

from engine.linux import trace

_MOST_BYTES = 32


def write(path: str | os.PathLike[str], text: str) -> None:
    """Set one.

    Raises:
        OSError: ENOENT where the kernel has none, EACCES or EROFS without the privilege.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
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
