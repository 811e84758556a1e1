"""How fast a blob has to arrive: a registry that drips would keep us for ever, byte by byte, without being silent."""

from __future__ import annotations

import time
from typing import Final

import httpx

_WINDOW_SECONDS: Final = 30.0  # as long as we wait for one that is silent
_LEAST_BYTES_PER_SECOND: Final = 1024


class Pace:
    """Counts what arrives on one connection, a window of time after the other."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._size = 0

    def count(self, size: int) -> None:
        """So many bytes have arrived.

        Raises:
            TooSlow: in the latest window they were too few.
        """
        self._size += size
        seconds = time.monotonic() - self._began
        if seconds < _WINDOW_SECONDS:
            return
        if self._size < seconds * _LEAST_BYTES_PER_SECOND:
            raise TooSlow(f"with fewer than {_LEAST_BYTES_PER_SECOND} bytes a second for {_WINDOW_SECONDS:g} seconds")
        self._began, self._size = time.monotonic(), 0


class TooSlow(httpx.TransportError):
    """What arrives is too little; to be dealt with like a line that was cut."""
