"""A blob that is still on its way, read by somebody who doesn't wait for its end."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Final

from engine.images.monitor import Stopped

_PATIENCE_SECONDS: Final = 0.1


class Arrival:
    """What has arrived of a blob is in a file that grows; `read` waits for more.

    One thread fetches (`offer`, `grow`, `end`), another one reads. Nothing that is read has been compared with the
    blob's digest yet. To be closed by whoever reads.

    Args:
        check: called while the reader waits; raises to stop.
    """

    def __init__(self, check: Callable[[], None]) -> None:
        self._check = check
        self._changed = threading.Condition()
        self._descriptor = -1
        self._size = 0
        self._position = 0
        self._is_over = False
        self._is_whole = False
        self._began_anew = False
        self._is_closed = False

    def close(self) -> None:
        """Nobody reads any more."""
        with self._changed:
            self._is_closed = True
            if self._descriptor >= 0:
                os.close(self._descriptor)
            self._descriptor = -1

    @property
    def is_over(self) -> bool:
        """Whether nothing more arrives."""
        return self._is_over

    @property
    def is_whole(self) -> bool:
        """Whether all of it has arrived and is what its digest says."""
        return self._is_whole

    @property
    def began_anew(self) -> bool:
        """Whether what was read at first may be something else than what is there now."""
        return self._began_anew

    def offer(self, descriptor: int, size: int = 0) -> None:
        """Give the reader a file; it gets a descriptor of its own."""
        with self._changed:
            if not self._is_closed:
                self._descriptor = os.dup(descriptor)
        self.grow(size)

    def grow(self, size: int) -> None:
        """The file has so many bytes now; fewer than before when it had to begin anew."""
        with self._changed:
            self._began_anew |= size < self._size
            self._size = size
            self._changed.notify_all()

    def end(self, is_whole: bool) -> None:
        """Nothing more arrives."""
        with self._changed:
            self._is_whole, self._is_over = is_whole, True
            self._changed.notify_all()

    def wait(self) -> None:
        """Wait until nothing more arrives.

        Raises:
            Exception: what `check` raises.
        """
        with self._changed:
            while not self._is_over:
                self._changed.wait(_PATIENCE_SECONDS)
                self._check()

    def tell(self) -> int:
        """Where the next byte comes from."""
        return self._position

    def seek(self, position: int, /) -> int:
        """Go on elsewhere."""
        self._position = position
        return position

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes, as soon as there are any; empty at the end of the whole blob.

        Raises:
            Stopped: the rest doesn't arrive; whoever fetches says why.
            Exception: what `check` raises.
        """
        while available := self._wait_for_more():
            if data := os.pread(self._descriptor, min(size, available), self._position):
                self._position += len(data)
                return data
        return b""

    def _wait_for_more(self) -> int:
        with self._changed:
            while self._position >= self._size and not self._is_over:
                self._changed.wait(_PATIENCE_SECONDS)
                self._check()
            if self._is_over and not self._is_whole:
                raise Stopped
            return max(0, self._size - self._position)
