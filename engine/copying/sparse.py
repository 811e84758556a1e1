"""The content of a file, copied with its holes and within bounded memory."""

from __future__ import annotations

import errno
import os
from typing import Final

from engine.images.monitor import Advance
from engine.store.blobs import write_all

CHUNK_BYTES: Final = 4 << 20


def copy_content(source: int, target: int, size: int, advance: Advance) -> None:
    """Make an empty file the copy of another.

    Args:
        size: what it is to be, whatever becomes of the source meanwhile: what is missing is a hole.
        advance: called with the bytes done since the last call; may raise to stop.

    Raises:
        OSError: one of them can't be read or written.
    """
    position = 0
    while position < size:
        begin, end = _next_data(source, position, size)
        advance(begin - position)
        _copy_range(source, target, begin, end, advance)
        position = end
    os.ftruncate(target, size)


def _next_data(source: int, position: int, size: int) -> tuple[int, int]:
    """The next range that isn't a hole (lseek(2), "Seeking file data and holes"); an empty one at the end."""
    try:
        begin = os.lseek(source, position, os.SEEK_DATA)
        end = os.lseek(source, begin, os.SEEK_HOLE)
    except OSError as error:
        if error.errno == errno.ENXIO:
            return size, size
        return position, size  # this file system doesn't know
    return min(begin, size), min(end, size)


def _copy_range(source: int, target: int, begin: int, end: int, advance: Advance) -> None:
    os.lseek(target, begin, os.SEEK_SET)
    copy_chunk = _send
    while begin < end:
        try:
            done = copy_chunk(source, target, begin, min(CHUNK_BYTES, end - begin))
        except OSError as error:
            if copy_chunk is not _send or error.errno != errno.EINVAL:
                raise
            copy_chunk = _read_and_write
            continue
        if not done:  # it has shrunk
            return
        begin += done
        advance(done)


def _send(source: int, target: int, offset: int, count: int) -> int:
    """By the kernel alone (sendfile(2)), between any two file systems; EINVAL from one that hasn't learnt it."""
    return os.sendfile(target, source, offset, count)


def _read_and_write(source: int, target: int, offset: int, count: int) -> int:
    data = os.pread(source, count, offset)
    write_all(target, data)
    return len(data)
