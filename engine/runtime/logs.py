"""A container's log: one line per line written, in the form that Kubernetes' runtimes use, in files of bounded size.

``2026-11-24T10:15:03.123456789Z stdout F the text`` — time, stream, F for a full line or P for a part of
one that is longer than `PART_SIZE` or not yet ended, then the bytes as they came. The newest file has the log's
own name, older ones end in ``.1``, ``.2`` and so on; `engine.log_reader` reads them as one.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress

from engine.errors import InvalidRequest

DEFAULT_MAX_BYTES = 10 * 1024 * 1024
DEFAULT_MAX_FILES = 3
PART_SIZE = 16 * 1024  # the bound on what the shim keeps of an unfinished line
SMALLEST_FILE_BYTES = 128 * 1024  # the longest line that is written in one go must fit
MOST_FILES = 1000


def check_limits(max_bytes: int, max_files: int) -> None:
    """Refuse limits that no log can keep.

    Raises:
        InvalidRequest: a file that is too small for a line, or no file at all.
    """
    if max_bytes < SMALLEST_FILE_BYTES:
        raise InvalidRequest(f"a log can't be kept in files of {max_bytes} bytes", "let max-size be at least 128k")
    if not 1 <= max_files <= MOST_FILES:
        raise InvalidRequest(f"{max_files} is no number of log files", f"let max-file be between 1 and {MOST_FILES}")


def rotated(path: str, number: int) -> str:
    """Where the log's file of this age is; 0 is the one that is written."""
    return f"{path}.{number}" if number else path


class LogWriter:
    """Appends what a container writes; begins a new file when one is full, and forgets the oldest.

    Of each stream's unfinished line it keeps at most `PART_SIZE` bytes.

    Args:
        max_bytes: of each file.
        max_files: how many there are at most, with the one that is written.
    """

    def __init__(self, path: str, max_bytes: int = DEFAULT_MAX_BYTES, max_files: int = DEFAULT_MAX_FILES) -> None:
        self._path = path
        self._max_bytes = max_bytes
        self._max_files = max_files
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
        try:
            descriptor = _open(fresh, os.O_TRUNC)
            for number in range(self._max_files - 1, 0, -1):
                with suppress(FileNotFoundError):
                    os.rename(rotated(self._path, number - 1), rotated(self._path, number))
            os.rename(fresh, self._path)
        except OSError:
            return False
        os.close(self._descriptor)
        self._descriptor, self._size, self._torn = descriptor, 0, False
        return True


def _open(path: str, flags: int = 0) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | flags, 0o600)


def timestamp(unix_ns: int) -> bytes:
    """RFC 3339 with nanoseconds, in UTC."""
    seconds, nanoseconds = divmod(unix_ns, 1_000_000_000)
    return b"%s.%09dZ" % (time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)).encode(), nanoseconds)
