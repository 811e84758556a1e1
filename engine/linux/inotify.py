"""Changes to what is in folders, told by the kernel (inotify(7))."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable, Iterator
from typing import Final

from engine.linux import libc

_IN_MODIFY: Final = 0x2
_IN_ATTRIB: Final = 0x4
_IN_MOVED: Final = 0x40 | 0x80
_IN_CREATE: Final = 0x100
_IN_DELETE: Final = 0x200
_IN_Q_OVERFLOW: Final = 0x4000
_IN_ONLYDIR: Final = 0x0100_0000
_CHANGES: Final = _IN_MODIFY | _IN_ATTRIB | _IN_MOVED | _IN_CREATE | _IN_DELETE | _IN_ONLYDIR

_EVENT: Final = struct.Struct("=iIII")  # wd, mask, cookie and the length of the name that follows
_READ_BYTES: Final = 65_536


class Inotify:
    """One instance that watches some folders, and not what is below them.

    Args:
        folders: absolute or relative to the working directory; they must exist.

    Raises:
        OSError: EMFILE or ENOSPC when instances or watches are used up: the kernel counts them by user.
    """

    def __init__(self, folders: Iterable[str]) -> None:
        self._descriptor = libc.call("inotify_init1", os.O_NONBLOCK | os.O_CLOEXEC)
        self._folders: dict[int, str] = {}
        try:
            for folder in folders:
                number = libc.call("inotify_add_watch", self._descriptor, os.fsencode(folder), _CHANGES, path=folder)
                self._folders[number] = folder
        except OSError:
            self.close()
            raise

    def fileno(self) -> int:
        """Becomes readable when something has changed."""
        return self._descriptor

    def read(self) -> list[str] | None:
        """The paths that have changed since the last look; None when so many have that some were dropped."""
        paths: list[str] = []
        while data := self._read():
            for number, mask, name in _events(data):
                if mask & _IN_Q_OVERFLOW:
                    return None
                paths.append(os.path.join(self._folders.get(number, ""), name))
        return paths

    def close(self) -> None:
        """End all watches."""
        os.close(self._descriptor)

    def _read(self) -> bytes:
        try:
            return os.read(self._descriptor, _READ_BYTES)
        except BlockingIOError:
            return b""


def _events(data: bytes) -> Iterator[tuple[int, int, str]]:
    position = 0
    while position < len(data):
        number, mask, _, length = _EVENT.unpack_from(data, position)
        position += _EVENT.size
        yield number, mask, os.fsdecode(data[position : position + length].rstrip(b"\0"))
        position += length
