"""An archive that comes from somewhere that may let us wait, such as a pipe."""

from __future__ import annotations

import io
import os
import select
from typing import BinaryIO, Final

from engine.images.monitor import Advance

_CHUNK_BYTES: Final = 1 << 18
_HEAD_BYTES: Final = 512
_PATIENCE_MILLISECONDS: Final = 200


class Arrivals:
    """Reads a file, seekable or not, whose beginning can be looked at; asks now and then whether anybody still waits.

    Args:
        advance: called with 0 while nothing comes; may raise to stop.
    """

    def __init__(self, file: BinaryIO, advance: Advance) -> None:
        self._file = file
        self._advance = advance
        self._pending = b""
        self._latest = b""
        self._poll = _poll(file)

    def tell(self) -> int:
        """Where to `seek` to in order to read the next bytes once more."""
        return 0

    def seek(self, position: int, /) -> int:
        """Go back by what was read last."""
        self._pending, self._latest = self._latest + self._pending, b""
        return position

    def read(self, size: int, /) -> bytes:
        """At most so many bytes, and as many if they are few; empty at the end."""
        while len(self._pending) < min(size, _HEAD_BYTES) and (more := self._receive()):
            self._pending += more
        data, self._pending = self._pending[:size], self._pending[size:]
        self._latest = data or self._latest  # who meets the end may still go back over what was before it
        return data

    def _receive(self) -> bytes:
        if self._poll is None:
            return self._file.read(_CHUNK_BYTES)
        while not self._poll.poll(_PATIENCE_MILLISECONDS):
            self._advance(0)
        return os.read(self._file.fileno(), _CHUNK_BYTES)


def _poll(file: BinaryIO) -> select.poll | None:
    """What waits for a file; None for one that isn't the kernel's."""
    try:
        descriptor = file.fileno()
    except (OSError, io.UnsupportedOperation):
        return None
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return poll
