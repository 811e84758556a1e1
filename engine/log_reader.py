"""Reading containers' logs: the last lines, and those still to come."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from engine.log_files import LogFiles
from engine.log_lines import Assembler
from engine.model import LogLine
from engine.watching import changes

PATIENCE_SECONDS = 1.0  # how soon the end of a silent container is noticed at the latest
_LINES_A_TURN = 64  # then the other tasks of the event loop have theirs: a key goes through a dozen turns to its frame


class Reading(NamedTuple):
    """What is wanted of a log.

    Attributes:
        follow: new lines, too, until the container has ended.
        tail: of the lines that there are, only so many from the end; None for all.
        since_unix_ns: none written before; None for no such bound.
        until_unix_ns: none written after, and no waiting for any beyond this time; None likewise.
    """

    follow: bool = False
    tail: int | None = None
    since_unix_ns: int | None = None
    until_unix_ns: int | None = None

    def wants(self, line: LogLine) -> bool:
        """Whether a line was written in the time that is asked for."""
        is_early = self.since_unix_ns is not None and line.at_unix_ns < self.since_unix_ns
        return not is_early and (self.until_unix_ns is None or line.at_unix_ns <= self.until_unix_ns)

    @property
    def is_over(self) -> bool:
        """Whether nothing that will be written is wanted any more."""
        return self.until_unix_ns is not None and time.time_ns() > self.until_unix_ns


async def read(
    path: Path, max_files: int, wanted: Reading, is_running: Callable[[], Awaitable[bool]]
) -> AsyncIterator[LogLine]:
    """The lines of a log, oldest first.

    Args:
        max_files: how many files the log can have.
    """
    assembler = Assembler()
    with LogFiles(path, max_files) as files:
        if wanted.tail is not None and wanted.until_unix_ns is None:
            files.skip_to_last(wanted.tail)
        elif wanted.since_unix_ns is not None:
            files.skip_to_time(wanted.since_unix_ns)
        lines: Iterable[LogLine] = _lines(files, assembler)
        if not wanted.follow:
            lines = chain(lines, assembler.unfinished())
        lines = filter(wanted.wants, lines)
        async for line in _in_turns(lines if wanted.tail is None else await _last(lines, wanted.tail)):
            yield line
        if not wanted.follow:
            return
        async for line in _follow(path, files, assembler, wanted, is_running):
            yield line
    for line in filter(wanted.wants, assembler.unfinished()):
        yield line


async def _follow(
    path: Path, files: LogFiles, assembler: Assembler, wanted: Reading, is_running: Callable[[], Awaitable[bool]]
) -> AsyncIterator[LogLine]:
    # The folder and not the file, which has another name and then is no more when the log goes on in a new one.
    changed = changes(path.parent, patience_seconds=PATIENCE_SECONDS)
    while True:
        is_last = wanted.is_over or not await is_running()  # asked before reading: what was written until then is read
        async for line in _in_turns(filter(wanted.wants, _lines(files, assembler))):
            yield line
        if is_last:
            return
        await anext(changed)


def _lines(files: LogFiles, assembler: Assembler) -> Iterator[LogLine]:
    return (line for entry in files.entries() if (line := assembler.add(entry)) is not None)


async def _last(lines: Iterable[LogLine], count: int) -> deque[LogLine]:
    kept: deque[LogLine] = deque(maxlen=count)
    for number, line in enumerate(lines, 1):
        kept.append(line)
        if number % _LINES_A_TURN == 0:
            await asyncio.sleep(0)
    return kept


async def _in_turns(lines: Iterable[LogLine]) -> AsyncIterator[LogLine]:
    for number, line in enumerate(lines, 1):
        yield line
        if number % _LINES_A_TURN == 0:
            await asyncio.sleep(0)
