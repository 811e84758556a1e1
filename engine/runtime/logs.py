"""A container's log: one line per line written, in the form that Kubernetes' runtimes use, in files of bounded size.

``2026-11-24T10:15:03.123456789Z stdout F the text`` — time, stream, F for a full line or P for a part of
one that is longer than `PART_SIZE` or not yet ended, then the bytes as they came. The newest file has the log's
own name, older ones end in ``.1``, ``.2`` and so on, or ``.1.gz`` when they have been compressed
(`engine.runtime.log_compression`); `engine.log_reader` reads them as one.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from engine.log_config import LogConfig

if TYPE_CHECKING:
    from engine.runtime.log_compression import LogCompression

_USUAL = LogConfig()

SUFFIX = ".gz"  # of a file that has been compressed
PART_SIZE = 16 * 1024  # the bound on what the shim keeps of an unfinished line


def rotated(path: str, number: int) -> str:
    """Where the log's file of this age is; 0 is the one that is written."""
    return f"{path}.{number}" if number else path


class LogWriter:
    """Appends what a container writes; begins a new file when one is full, and forgets the oldest.

    Of each stream's unfinished line it keeps at most `PART_SIZE` bytes.

    Args:
        max_bytes: of each file.
        max_files: how many there are at most, with the one that is written.
        compress: makes, when the first one is full, what compresses those; None leaves them as they are.
    """

    def __init__(
        self,
        path: str,
        max_bytes: int = _USUAL.max_bytes,
        max_files: int = _USUAL.max_files,
        compress: Callable[[], LogCompression] | None = None,
    ) -> None:
        self._path = path
        self._max_bytes = max_bytes
        self._max_files = max_files
        self._compress = compress
        self._compression: LogCompression | None = None
        self._descriptor = _open(path)
        self._size = os.fstat(self._descriptor).st_size
        self._torn = False
        self._pending: dict[bytes, bytes] = {}

    def write(self, stream: bytes, data: bytes) -> None:
        """Take bytes of ``b"stdout"`` or ``b"stderr"``; full lines are in the file when this returns."""
        *lines, rest = (self._pending.pop(stream, b"") + data).split(b"\n")
        head = b"%s %s " % (timestamp(time.time_ns()), stream)
        out = [b"%sF %s\n" % (head, (b"\n%sF " % head).join(lines))] if lines else []
        while len(rest) >= PART_SIZE:
            out.append(b"%sP %s\n" % (head, rest[:PART_SIZE]))
            rest = rest[PART_SIZE:]
        if rest:
            self._pending[stream] = rest
        self._append(b"".join(out))

    def close(self) -> None:
        """Write what is unfinished, and close."""
        if self._compression is not None:
            self._compression.interrupt()
        stamp = timestamp(time.time_ns())
        self._append(b"".join(b"%s %s P %s\n" % (stamp, s, rest) for s, rest in self._pending.items()))
        os.close(self._descriptor)

    def _append(self, data: bytes) -> None:
        while self._size + len(data) > self._max_bytes:
            end = data.rfind(b"\n", 0, max(0, self._max_bytes - self._size)) + 1
            self._write(data[:end])
            data = data[end:]
            if not self._rotate():
                return
        self._write(data)

    def _write(self, data: bytes) -> None:
        """Write, in as many steps as it takes; a full disk loses log lines, but stops no container."""
        view = memoryview(b"\n" + data if self._torn and data else data)
        while view:
            try:
                written = os.write(self._descriptor, view)
            except OSError:
                self._torn = True  # perhaps in the middle of a line, which mustn't swallow the next one
                return
            self._size += written
            view = view[written:]
        self._torn = self._torn and not data

    def _rotate(self) -> bool:
        """Begin a new file; False when the disk refuses, and then lines are lost rather than the bound exceeded."""
        fresh = f"{self._path}.new"
        if self._compression is not None:
            self._compression.interrupt()
        try:
            descriptor = _open(fresh, os.O_TRUNC)
            self._move_on()
            os.rename(fresh, self._path)
        except OSError:
            return False
        if self._compression is None and self._compress is not None:
            self._compression = self._compress()
        if self._compression is not None:
            self._compression.soon()
        os.close(self._descriptor)
        self._descriptor, self._size, self._torn = descriptor, 0, False
        return True

    def _move_on(self) -> None:
        """Make every file one older; the oldest is forgotten, in whichever form."""
        oldest = self._max_files - 1
        if oldest:
            with suppress(FileNotFoundError):
                os.unlink(f"{rotated(self._path, oldest)}{SUFFIX}")
        for number in range(oldest, 0, -1):
            younger, older = rotated(self._path, number - 1), rotated(self._path, number)
            _rename(younger, older)
            if number > 1:
                _rename(younger + SUFFIX, older + SUFFIX)


def _rename(path: str, to: str) -> None:
    with suppress(FileNotFoundError):
        os.rename(path, to)


def _open(path: str, flags: int = 0) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | flags, 0o600)


def timestamp(unix_ns: int) -> bytes:
    """RFC 3339 with nanoseconds, in UTC."""
    seconds, nanoseconds = divmod(unix_ns, 1_000_000_000)
    return b"%s.%09dZ" % (time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)).encode(), nanoseconds)
