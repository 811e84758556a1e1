"""Reading containers' logs: the last lines, and those still to come."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import BinaryIO

from engine.model import LogLine
from engine.runtime.logs import Entry, parse

_FOLLOW_CHECK_MS = 1000  # how soon the end of a silent container is noticed at the latest


class Assembler:
    """Puts the parts of long lines together; an unfinished line comes out when asked for."""

    def __init__(self) -> None:
        self._parts: dict[str, list[Entry]] = {}

    def add(self, entry: Entry) -> LogLine | None:
        """Take one entry; returns the line that it ends."""
        parts = self._parts.setdefault(entry.stream, [])
        parts.append(entry)
        return self._join(entry.stream) if entry.ended else None

    def unfinished(self) -> Iterator[LogLine]:
        """The lines that have no end, of a container that has ended."""
        for stream in [stream for stream, parts in self._parts.items() if parts]:
            yield self._join(stream)

    def _join(self, stream: str) -> LogLine:
        parts = self._parts.pop(stream)
        name = "stderr" if stream == "stderr" else "stdout"
        return LogLine(at_unix_ns=parts[0].at_unix_ns, stream=name, data=b"".join(part.data for part in parts))  # type: ignore[arg-type]


async def read(
    path: Path, follow: bool, tail: int | None, is_running: Callable[[], Awaitable[bool]]
) -> AsyncIterator[LogLine]:
    """The lines of a log, oldest first.

    Args:
        follow: go on with new lines until the container has ended.
        tail: only that many of those that exist now.
    """
    assembler = Assembler()
    try:
        file = open(path, "rb")  # noqa: SIM115 - closed below, at the end of the generator
    except FileNotFoundError:
        return
    with file:
        lines = _lines(file, assembler)
        if not follow:
            lines = chain(lines, assembler.unfinished())
        for line in lines if tail is None else deque(lines, maxlen=tail):
            yield line
        if not follow:
            return
        async for line in _follow(path, file, assembler, is_running):
            yield line
    for line in assembler.unfinished():
        yield line


async def _follow(
    path: Path, file: BinaryIO, assembler: Assembler, is_running: Callable[[], Awaitable[bool]]
) -> AsyncIterator[LogLine]:
    from watchfiles import awatch

    changes = awatch(
        path, debounce=50, step=10, rust_timeout=_FOLLOW_CHECK_MS, yield_on_timeout=True, recursive=False,
    )  # fmt: skip
    while True:
        running = await is_running()  # asked before reading: what was written until its end is read below
        for line in _lines(file, assembler):
            yield line
        if not running:
            return
        await anext(changes, None)


def _lines(file: BinaryIO, assembler: Assembler) -> Iterator[LogLine]:
    while raw := file.readline():
        if not raw.endswith(b"\n"):  # being written at this moment: come back for it
            file.seek(-len(raw), os.SEEK_CUR)
            return
        entry = parse(raw[:-1])
        line = assembler.add(entry) if entry is not None else None
        if line is not None:
            yield line
