"""This process's own terminal: raw while a container has it, its size, and the keys that leave."""

from __future__ import annotations

import os
import sys
import termios
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

DETACH_KEYS = b"\x10\x11"  # ctrl-p ctrl-q, docker's


class Size(NamedTuple):
    """Rows and columns."""

    rows: int
    columns: int


def is_terminal() -> bool:
    """Whether standard input is a terminal."""
    return os.isatty(sys.stdin.fileno())


def size() -> Size | None:
    """The size of the terminal that we write to, or read from; None without one."""
    for stream in (sys.stdout, sys.stdin, sys.stderr):
        try:
            found = os.get_terminal_size(stream.fileno())
        except OSError:
            continue
        if found.lines and found.columns:
            return Size(found.lines, found.columns)
    return None


@contextmanager
def raw(wanted: bool) -> Iterator[None]:
    """Hand every key to the container while the block runs; nothing happens without a terminal, or if not wanted."""
    descriptor = sys.stdin.fileno()
    if not (wanted and os.isatty(descriptor)):
        yield
        return
    before = termios.tcgetattr(descriptor)
    try:
        tty.setraw(descriptor, termios.TCSADRAIN)
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


class DetachScanner:
    """Finds the detach keys in what is typed; some of them that the others don't follow are passed on.

    Args:
        keys: the detach keys; nothing for none.
    """

    def __init__(self, keys: bytes = DETACH_KEYS) -> None:
        self._keys = keys
        self._pending = b""

    def feed(self, data: bytes) -> tuple[bytes, bool]:
        """Take input.

        Returns:
            what to pass on, and whether the detach keys were typed (what follows them is dropped).
        """
        data = self._pending + data
        self._pending = b""
        if not self._keys:
            return data, False
        before, found, _ = data.partition(self._keys)
        if found:
            return before, True
        kept = next((size for size in range(len(self._keys) - 1, 0, -1) if data.endswith(self._keys[:size])), 0)
        self._pending = data[len(data) - kept :]
        return data[: len(data) - kept], False
