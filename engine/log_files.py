"""The files of one log, read as one while its writer begins new ones (`engine.runtime.logs`)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Self

from engine.log_file import LogFile
from engine.log_lines import LINE_LIMIT, Entry, parse
from engine.log_times import offset_of_time
from engine.runtime.logs import rotated

_BLOCK = 64 * 1024
_LONGEST = 256 * 1024  # no entry is longer: what is has lost its end to a full disk
_CLOCK_TICK_NS = 1_000_000_000  # a file's time comes from a coarser clock than its lines have


class LogFiles:
    """Where a reader is in a log: it keeps the files open that it hasn't read yet.

    A reader that lags further behind than there are files goes on with the oldest one left.

    Args:
        max_files: how many there can be.
    """

    def __init__(self, path: Path, max_files: int) -> None:
        self._path = path
        self._max_files = max_files
        self._files: list[LogFile] = self._open_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for file in self._files:
            file.close()

    def entries(self) -> Iterator[Entry]:
        """What is there and hasn't been read yet, oldest first; may be asked again later."""
        while self._files:
            yield from _entries(self._files[0].content)
            if len(self._files) == 1:
                self._files += self._newer_than(self._files[0])
                if len(self._files) == 1:
                    return
                yield from _entries(self._files[0].content)  # what was written between its end and its renaming
            self._files.pop(0).close()

    def skip_to_last(self, lines: int) -> None:
        """Go to where the last `lines` lines begin or to some place before, at least one line from the end."""
        self._go_to(*self._place(max(lines, 1)))

    def _go_to(self, number: int, offset: int) -> None:
        """Go on at an offset of one file, and at the beginning of those after it."""
        for file in self._files[:number]:
            file.close()
        del self._files[:number]
        for file in self._files:
            file.content.seek(offset)
            offset = 0

    def skip_to_time(self, since_unix_ns: int) -> None:
        """Go to some place before the first line of a time, but not far: a long line's parts may begin earlier.

        It is looked for by halves, so where the clock was set back, lines of the time before that may be missed.
        """
        if not self._files:
            return
        last = len(self._files) - 1
        modified = (file.identity.modified_ns for file in self._files)
        number = next((at for at, ns in enumerate(modified) if ns + _CLOCK_TICK_NS >= since_unix_ns), last)
        offset = offset_of_time(self._files[number].content, since_unix_ns) - LINE_LIMIT
        if offset < 0 and number > 0:
            number -= 1
            offset = self._files[number].content.seek(0, os.SEEK_END) - LINE_LIMIT
        self._go_to(number, max(0, offset))
        if offset > 0:
            self._files[0].content.readline(_LONGEST)  # the rest of what is amid there

    def _place(self, lines: int) -> tuple[int, int]:
        """The file, by its place among ours, and the offset to begin at."""
        scan = _Scan(lines)
        for number in range(len(self._files) - 1, -1, -1):
            content = self._files[number].content
            place = content.seek(0, os.SEEK_END)
            for offset, raw in islice(_backwards(content), 1, None):  # the first has no end yet
                if scan.is_far_enough(raw):
                    return number, place
                place = offset
        return 0, 0

    def _newer_than(self, current: LogFile) -> list[LogFile]:
        """The files that were begun after this one."""
        newest = _inode(self._path)
        if newest is None or (not current.is_compressed and newest == current.identity.inode):
            return []
        files = self._open_all()
        first = next((number + 1 for number in _newest_first(files) if files[number].is_same(current)), 0)
        for file in files[:first]:
            file.close()
        return files[first:]

    def _open_all(self) -> list[LogFile]:
        """All files, oldest first.

        They are opened from the newest on: one that is renamed meanwhile moves towards those still to be opened,
        and may come twice, but none is missed.
        """
        found: list[LogFile] = []
        for number in range(self._max_files):
            try:
                file = LogFile(rotated(str(self._path), number))
            except FileNotFoundError:
                continue
            if any(file.is_same(other) for other in found):
                file.close()
            else:
                found.append(file)
        return found[::-1]


def _newest_first(files: list[LogFile]) -> range:
    return range(len(files) - 1, -1, -1)


class _Scan:
    """Counts the lines of a log from its end, until they and all parts of theirs are known to be complete."""

    def __init__(self, lines: int) -> None:
        self._wanted = lines
        self._unsure: set[bytes] = set()  # streams of which it isn't known yet whether they are amid a line
        self._looked_back = 0

    def is_far_enough(self, raw: bytes) -> bool:
        """Whether reading may begin after this entry; to be asked for one entry after the other, backwards."""
        fields = raw.split(b" ", 3)
        if len(fields) < 4:
            return False
        _, stream, flag, data = fields
        if self._wanted > 0:
            self._wanted -= flag == b"F"
            self._unsure.add(stream)
            return False
        self._looked_back += len(data)
        if flag == b"F":
            self._unsure.discard(stream)
        return not self._unsure or self._looked_back > LINE_LIMIT


def _entries(file: BinaryIO) -> Iterator[Entry]:
    while raw := file.readline(_LONGEST):
        if not raw.endswith(b"\n") and len(raw) < _LONGEST:  # being written at this moment: come back for it
            file.seek(-len(raw), os.SEEK_CUR)
            return
        if (entry := parse(raw[:-1])) is not None:
            yield entry


def _backwards(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Lines from the last to the first, each with its offset; the first of them is what comes after all newlines."""
    at = end = file.seek(0, os.SEEK_END)
    cut = b""
    while end > 0:
        begin = max(0, end - _BLOCK)
        file.seek(begin)
        cut, *lines = (file.read(end - begin) + cut).split(b"\n")
        for line in reversed(lines):
            at -= len(line)
            yield at, line
            at -= 1
        end = begin
    yield 0, cut


def _inode(path: Path) -> int | None:
    try:
        return path.stat().st_ino
    except FileNotFoundError:  # at this moment, between two renamings, or for ever, with its container
        return None
