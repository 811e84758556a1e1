"""Streams of bytes: what an archive is compressed with, and reading it as if it weren't."""

from __future__ import annotations

import bz2
import lzma
from typing import Final, Protocol

from engine.errors import ImageError
from engine.images.inflate import DAMAGED, Decompressor, gzip_decompressor
from engine.images.limits import Limits
from engine.oci.digest import Readable

CHUNK_BYTES: Final = 1 << 20

_MAGIC: Final = (
    (b"\x1f\x8b", "gzip"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"BZh", "bzip2"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
)
_MAGIC_BYTES: Final = 6
_DAMAGED: Final[tuple[type[Exception], ...]] = (*DAMAGED, lzma.LZMAError, EOFError, OSError)


class Seekable(Readable, Protocol):
    """A stream whose beginning can be looked at."""

    def tell(self) -> int:
        """Where the next byte comes from."""
        ...

    def seek(self, position: int, /) -> int:
        """Go on elsewhere."""
        ...


def compression(stream: Seekable) -> str:
    """What a seekable stream is compressed with, by its first bytes: gzip, xz, bzip2, zstd or empty for nothing."""
    start = stream.tell()
    magic = read_all(stream, _MAGIC_BYTES)
    stream.seek(start)
    return next((name for prefix, name in _MAGIC if magic.startswith(prefix)), "")


def decompressed(stream: Seekable, limits: Limits) -> Readable:
    """The stream without its compression, recognised by magic number."""
    kind = compression(stream)
    if kind == "zstd":
        from engine.images.zstd import ZstdReader  # seldom needed

        return ZstdReader(stream, limits.zstd_window_bytes)
    return DecompressingReader(stream, kind) if kind else stream


def read_all(stream: Readable, limit: int) -> bytes:
    """The stream up to its end or `limit` bytes, whichever comes first."""
    data = b""
    while len(data) < limit and (more := stream.read(limit - len(data))):
        data += more
    return data


class DecompressingReader:
    """Reads a compressed stream, several members in a row included, never more than it was asked for.

    Raises:
        ImageError: (on read) the stream is damaged or cut short.
    """

    def __init__(self, stream: Readable, kind: str) -> None:
        self._stream = stream
        self._kind = kind
        self._member: Decompressor | None = None
        self._pending = b""

    def read(self, size: int) -> bytes:
        """At most `size` decompressed bytes; empty at the end."""
        try:
            return self._read(size)
        except _DAMAGED as error:
            raise ImageError(f"the {self._kind} stream is damaged ({error})", "fetch or make it anew") from error

    def _read(self, size: int) -> bytes:
        while True:
            if self._member is None and not self._next_member():
                return b""
            data = self._decompress(size)
            if data:
                return data

    def _next_member(self) -> bool:
        self._pending = self._pending.lstrip(b"\0") or self._stream.read(CHUNK_BYTES).lstrip(b"\0")
        if self._pending:
            self._member = _decompressor(self._kind)
        return bool(self._pending)

    def _decompress(self, size: int) -> bytes:
        assert self._member is not None
        given, self._pending = self._pending, b""
        data = self._member.decompress(given, size)
        if self._member.eof:
            self._pending, self._member = self._member.unused_data, None
        elif not data:
            self._pending = self._stream.read(CHUNK_BYTES)
            if not self._pending:
                raise EOFError("it ends too early")
        return data


def _decompressor(kind: str) -> Decompressor:
    if kind == "gzip":
        return gzip_decompressor()
    return lzma.LZMADecompressor(lzma.FORMAT_XZ) if kind == "xz" else bz2.BZ2Decompressor()
