"""The content of a file, copied with its holes and within bounded memory."""

from __future__ import annotations

import errno
import os
from typing import Final

from engine.images.monitor import Advance
from engine.store.blobs import write_all

CHUNK_BYTES: Final = 4 << 20
_OTHER_WAY: Final = (
    errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EPERM, errno.EIO, errno.EBADF,
)  # fmt: skip  # copy_file_range(2) isn't for all pairs of file systems; a failing disk says so again


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
    with_kernel = True
    while begin < end:
        count = min(CHUNK_BYTES, end - begin)
        if with_kernel:
            try:
                done = os.copy_file_range(source, target, count, begin, begin)
            except OSError as error:
                if error.errno not in _OTHER_WAY:
                    raise
                with_kernel = False
                continue
        else:
            done = _copy_chunk(source, target, count, begin)
        if not done:  # it has shrunk
            return
        begin += done
        advance(done)


def _copy_chunk(source: int, target: int, count: int, offset: int) -> int:
    data = os.pread(source, count, offset)
    os.lseek(target, offset, os.SEEK_SET)
    write_all(target, data)
    return len(data)
