"""The entries of a container's log, and the lines that they are parts of (`engine.runtime.logs` has their form)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple

from engine.model import LogLine

LINE_LIMIT = 1024 * 1024  # a longer line comes in pieces of at least this size, so that nobody's memory fills

_HEADER_FIELDS = 3
_STREAMS = {b"stdout": "stdout", b"stderr": "stderr"}
_FLAGS = (b"F", b"P")
_STAMP_LENGTH = 30


class Entry(NamedTuple):
    """One line of the file, parsed; `ended` is False for a part of a longer line."""

    at_unix_ns: int
    stream: str
    ended: bool
    data: bytes


def parse(raw: bytes) -> Entry | None:
    """One line of the file without its newline; None when it isn't one (the disk was full, or is damaged)."""
    parts = raw.split(b" ", _HEADER_FIELDS)
    if len(parts) != _HEADER_FIELDS + 1 or len(parts[0]) != _STAMP_LENGTH:
        return None
    stream = _STREAMS.get(parts[1])
    if stream is None or parts[2] not in _FLAGS:
        return None
    try:
        at = _seconds(parts[0][:19]) * 1_000_000_000 + int(parts[0][20:29])
    except ValueError:
        return None
    return Entry(at, stream, parts[2] == b"F", parts[3])


@lru_cache(maxsize=16)  # lines come many a second
def _seconds(stamp: bytes) -> int:
    return int(datetime.fromisoformat(stamp.decode()).replace(tzinfo=UTC).timestamp())


class Assembler:
    """Puts the parts of long lines together; an unfinished line comes out when asked for."""

    def __init__(self) -> None:
        self._parts: dict[str, list[Entry]] = {}
        self._sizes: dict[str, int] = {}

    def add(self, entry: Entry) -> LogLine | None:
        """Take one entry; returns the line that it ends, or a piece of one that is beyond `LINE_LIMIT`."""
        self._parts.setdefault(entry.stream, []).append(entry)
        size = self._sizes[entry.stream] = self._sizes.get(entry.stream, 0) + len(entry.data)
        return self._join(entry.stream) if entry.ended or size >= LINE_LIMIT else None

    def unfinished(self) -> Iterator[LogLine]:
        """The lines that have no end, of a container that has ended."""
        for stream in [stream for stream, parts in self._parts.items() if parts]:
            yield self._join(stream)

    def _join(self, stream: str) -> LogLine:
        parts = self._parts.pop(stream)
        del self._sizes[stream]
        data = b"".join(part.data for part in parts)
        return LogLine(at_unix_ns=parts[0].at_unix_ns, stream="stderr" if stream == "stderr" else "stdout", data=data)
