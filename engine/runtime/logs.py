"""A container's log: one line per line written, in the form that Kubernetes' runtimes use.

``2026-11-24T10:15:03.123456789Z stdout F the text`` — time, stream, F for a full line or P for a part of
one that is longer than `PART_SIZE` or not yet ended, then the bytes as they came.
"""

from __future__ import annotations

import calendar
import os
import time
from typing import NamedTuple

PART_SIZE = 16 * 1024  # the bound on what the shim keeps of an unfinished line


class Entry(NamedTuple):
    """One line of the file, parsed; `ended` is False for a part of a longer line."""

    at_unix_ns: int
    stream: str
    ended: bool
    data: bytes


class LogWriter:
    """Appends what a container writes; keeps at most `PART_SIZE` bytes of each stream's unfinished line."""

    def __init__(self, path: str) -> None:
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._pending: dict[bytes, bytes] = {}

    def write(self, stream: bytes, data: bytes) -> None:
        """Take bytes of ``b"stdout"`` or ``b"stderr"``; full lines are in the file when this returns."""
        lines = (self._pending.pop(stream, b"") + data).split(b"\n")
        rest = lines.pop()
        stamp = timestamp(time.time_ns())
        out = [b"%s %s F %s\n" % (stamp, stream, line) for line in lines]
        while len(rest) >= PART_SIZE:
            out.append(b"%s %s P %s\n" % (stamp, stream, rest[:PART_SIZE]))
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
        view = memoryview(data)
        while view:
            try:
                view = view[os.write(self._descriptor, view) :]
            except OSError:  # a full disk loses log lines, but stops no container
                return


def timestamp(unix_ns: int) -> bytes:
    """RFC 3339 with nanoseconds, in UTC."""
    seconds, nanoseconds = divmod(unix_ns, 1_000_000_000)
    return b"%s.%09dZ" % (time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)).encode(), nanoseconds)


def parse(line: bytes) -> Entry | None:
    """One line of the file without its newline; None when it isn't one (the disk was full half way)."""
    parts = line.split(b" ", 3)
    if len(parts) != 4 or len(parts[0]) != 30:
        return None
    try:
        seconds = calendar.timegm(time.strptime(parts[0][:19].decode(), "%Y-%m-%dT%H:%M:%S"))
        nanoseconds = int(parts[0][20:29])
    except ValueError:
        return None
    return Entry(seconds * 1_000_000_000 + nanoseconds, parts[1].decode(), parts[2] == b"F", parts[3])
