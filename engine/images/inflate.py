"""Decompressing gzip members (RFC 1952): with ISA-L, which takes half the time, or with zlib where that isn't.

Both let other threads run meanwhile, check what a member's end says of its content, and have the manners of the
decompressors of bz2 and lzma: what they are given and haven't used yet, they keep.
"""

from __future__ import annotations

import zlib
from types import ModuleType
from typing import Final, Protocol, cast

_GZIP_WINDOW: Final = 31  # zlib: 15 bits of window, 16 for a gzip header


def _isal() -> ModuleType | None:
    try:
        from isal import igzip_lib
    except ImportError:  # there are wheels for x86-64 and arm64
        return None
    return igzip_lib


_ISAL: Final = _isal()

DAMAGED: Final[tuple[type[Exception], ...]] = (zlib.error,) if _ISAL is None else (zlib.error, _ISAL.error)
"""What a decompressor raises when its member is damaged."""


class Decompressor(Protocol):
    """One member of a compressed stream; see bz2.BZ2Decompressor."""

    @property
    def eof(self) -> bool:
        """Whether the member's end has been reached."""
        ...

    @property
    def unused_data(self) -> bytes:
        """What was given beyond that."""
        ...

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        """At most `max_length` bytes more; what `data` holds beyond them comes with the next calls."""
        ...


def gzip_decompressor() -> Decompressor:
    """A decompressor for one gzip member."""
    if _ISAL is None:
        return ZlibDecompressor()
    return cast("Decompressor", _ISAL.IgzipDecompressor(_ISAL.DECOMP_GZIP))


class ZlibDecompressor:
    """zlib's, which keeps nothing by itself."""

    def __init__(self) -> None:
        self._zlib = zlib.decompressobj(_GZIP_WINDOW)

    @property
    def eof(self) -> bool:
        """Whether the member's end has been reached."""
        return self._zlib.eof

    @property
    def unused_data(self) -> bytes:
        """What was given beyond that."""
        return self._zlib.unused_data

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        """At most `max_length` bytes more."""
        return self._zlib.decompress(self._zlib.unconsumed_tail + data, max_length)
