"""Reading containers' logs: the last lines, and those still to come."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from itertools import chain
from pathlib import Path

from engine.log_files import LogFiles
from engine.log_lines import Assembler
from engine.model import LogLine
from engine.watching import changes

PATIENCE_SECONDS = 1.0  # how soon the end of a silent container is noticed at the latest
_LINES_A_TURN = 256  # then the other tasks of the event loop have theirs


async def read(
    path: Path, max_files: int, follow: bool, tail: int | None, is_running: Callable[[], Awaitable[bool]]
) -> AsyncIterator[LogLine]:
    """The lines of a log, oldest first.

    Args:
        max_files: how many files the log can have.
        follow: go on with new lines until the container has ended.
        tail: only that many of those that exist now.
    """
    assembler = Assembler()
    with LogFiles(path, max_files) as files:
        if tail is not None:
            files.skip_to_last(tail)
        lines = _lines(files, assembler)
        if not follow:
            lines = chain(lines, assembler.unfinished())
        async for line in _in_turns(lines if tail is None else deque(lines, maxlen=tail)):
            yield line
        if not follow:
            return
        async for line in _follow(path, files, assembler, is_running):
            yield line
    for line in assembler.unfinished():
        yield line


async def _follow(
    path: Path, files: LogFiles, assembler: Assembler, is_running: Callable[[], Awaitable[bool]]
) -> AsyncIterator[LogLine]:
    # The folder and not the file, which has another name and then is no more when the log goes on in a new one.
    changed = changes(path.parent, patience_seconds=PATIENCE_SECONDS)
    while True:
        running = await is_running()  # asked before reading: what was written until its end is read below
        async for line in _in_turns(_lines(files, assembler)):
            yield line
        if not running:
            return
        await anext(changed)


def _lines(files: LogFiles, assembler: Assembler) -> Iterator[LogLine]:
    return (line for entry in files.entries() if (line := assembler.add(entry)) is not None)


async def _in_turns(lines: Iterator[LogLine] | deque[LogLine]) -> AsyncIterator[LogLine]:
    for number, line in enumerate(lines, 1):
        yield line
        if number % _LINES_A_TURN == 0:
            await asyncio.sleep(0)
