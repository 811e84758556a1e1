"""Reading ahead: decompressing and hashing a stream in a thread of their own, while files are being made from it."""

from __future__ import annotations

import queue
import threading
from types import TracebackType
from typing import Final, Self

from engine.oci.digest import Readable

CHUNK_BYTES: Final = 1 << 18
_CHUNKS_AHEAD: Final = 16


class ReadAhead:
    """A stream that is read in large chunks by a thread and handed out in whatever sizes are wanted.

    zlib, hashlib and system calls let other threads run, so the two sides share two processors. What the stream
    raises, `read` raises. To be used in a ``with`` statement, which ends the thread; the stream may be used again then.
    """

    def __init__(self, stream: Readable) -> None:
        self._stream = stream
        self._chunks: queue.Queue[bytes | BaseException] = queue.Queue(_CHUNKS_AHEAD)
        self._is_over = threading.Event()
        self._chunk = b""
        self._at = 0
        self._end: bytes | BaseException | None = None
        self._thread = threading.Thread(target=self._fill, name="read-ahead", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_over.set()
        while self._thread.is_alive():
            self._make_room()
            self._thread.join(timeout=0.01)

    def read(self, size: int) -> bytes:
        """At most `size` bytes; empty at the end."""
        if self._at >= len(self._chunk) and not self._next():
            return b""
        data = self._chunk[self._at : self._at + size]
        self._at += size
        return data

    def _next(self) -> bool:
        if self._end is None:
            chunk = self._chunks.get()
            if isinstance(chunk, bytes) and chunk:
                self._chunk, self._at = chunk, 0
                return True
            self._end = chunk
        if isinstance(self._end, BaseException):
            raise self._end
        return False

    def _fill(self) -> None:
        try:
            while not self._is_over.is_set():
                chunk = self._stream.read(CHUNK_BYTES)
                self._chunks.put(chunk)
                if not chunk:
                    return
        except BaseException as error:
            self._chunks.put(error)

    def _make_room(self) -> None:
        try:
            while True:
                self._chunks.get_nowait()
        except queue.Empty:
            return
