"""One file of a log, which may have been compressed since it was written (`engine.runtime.log_compression`)."""

from __future__ import annotations

import gzip
import os
import shutil
import tempfile
import zlib
from contextlib import suppress
from functools import cached_property
from typing import BinaryIO, NamedTuple, cast

from engine.runtime.logs import SUFFIX

_FLAGS_OF_NAME = 8  # RFC 1952, 2.3.1: FNAME
_NAME_OFFSET = 10


class Identity(NamedTuple):
    """What a file of a log keeps while it is renamed and compressed, once nothing more is written to it."""

    inode: int
    modified_ns: int


class LogFile:
    """An open file of a log.

    A compressed one is unpacked at the first use of `content`, into a file without a name.

    Args:
        path: without the suffix of compressed ones.

    Raises:
        FileNotFoundError: it is there in neither form.
    """

    def __init__(self, path: str) -> None:
        self._file, self.is_compressed = _open(path)

    def is_same(self, other: LogFile) -> bool:
        """Whether both have the same lines, whatever became of the file between two openings.

        Inodes are enough for two that aren't compressed; one that compressing has freed may be a later file's.
        """
        own, theirs = self.identity, other.identity
        is_plain = not self.is_compressed and not other.is_compressed
        return own.inode == theirs.inode and (is_plain or own.modified_ns == theirs.modified_ns)

    @property
    def identity(self) -> Identity:
        """Of what was written; that of the file that is written changes with every line."""
        found = os.fstat(self._file.fileno())
        return Identity(self._named_inode if self.is_compressed else found.st_ino, found.st_mtime_ns)

    @cached_property
    def _named_inode(self) -> int:
        """Of the file before it was compressed: it is the name in the header."""
        head = os.pread(self._file.fileno(), 64, 0)
        name = head[_NAME_OFFSET:].partition(b"\0")[0]
        return int(name) if len(head) > _NAME_OFFSET and head[3] & _FLAGS_OF_NAME and name.isdigit() else 0

    @cached_property
    def content(self) -> BinaryIO:
        """The lines."""
        if not self.is_compressed:
            return self._file
        packed = cast("BinaryIO", gzip.GzipFile(fileobj=self._file))
        try:
            unpacked = cast("BinaryIO", tempfile.TemporaryFile())  # noqa: SIM115
            with suppress(EOFError, gzip.BadGzipFile, zlib.error):  # what is before the damage can be read
                shutil.copyfileobj(packed, unpacked)
            unpacked.seek(0)
        except OSError:  # no space: reading backwards takes long then
            packed.seek(0)
            return packed
        return unpacked

    def close(self) -> None:
        """Close it."""
        if "content" in self.__dict__ and self.content is not self._file:
            self.content.close()
        self._file.close()


def _open(path: str) -> tuple[BinaryIO, bool]:
    """The file, and whether it is compressed; that may happen between two tries."""
    for suffix in (SUFFIX, "", SUFFIX):
        with suppress(FileNotFoundError):
            return open(f"{path}{suffix}", "rb"), bool(suffix)
    raise FileNotFoundError(path)
