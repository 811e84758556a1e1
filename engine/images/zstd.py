"""Reading zstd (RFC 8878), with no more memory for its window than the limits say: a frame may ask for terabytes."""

from __future__ import annotations

from typing import Final

import zstandard

from engine.errors import ImageError
from engine.images.limits import too_much
from engine.oci.digest import Readable

_READ_BYTES: Final = 1 << 20
_SIP_BYTES: Final = 1 << 10  # what is given at once may become 32,000 times as much, all of it in memory


class ZstdReader:
    """Reads a compressed stream, several frames in a row included.

    Args:
        window_bytes: the memory that a frame may ask for.

    Raises:
        ImageError: (on read) the stream is damaged, cut short, or wants too much memory.
    """

    def __init__(self, stream: Readable, window_bytes: int) -> None:
        self._stream = stream
        self._zstd = zstandard.ZstdDecompressor(max_window_size=window_bytes)
        self._frame: zstandard.ZstdDecompressionObj | None = None
        self._given = memoryview(b"")
        self._ready = memoryview(b"")

    def read(self, size: int) -> bytes:
        """At most `size` decompressed bytes; empty at the end."""
        try:
            while not self._ready and self._fetch():
                self._ready = memoryview(self._decompress())
        except zstandard.ZstdError as error:
            if "too much memory" in str(error):
                raise too_much("a zstd stream wants too much memory for its window", "zstd_window_bytes") from error
            raise ImageError(f"the zstd stream is damaged ({error})", "fetch or make it anew") from error
        data = bytes(self._ready[:size])
        self._ready = self._ready[size:]
        return data

    def _fetch(self) -> bool:
        """Have something to decompress; False at the end."""
        if not self._given:
            self._given = memoryview(self._stream.read(_READ_BYTES))
        if not self._given and self._frame is not None:
            raise ImageError("the zstd stream is damaged (it ends too early)", "fetch or make it anew")
        return bool(self._given)

    def _decompress(self) -> bytes:
        if self._frame is None:
            self._frame = self._zstd.decompressobj()
        sip, self._given = self._given[:_SIP_BYTES], self._given[_SIP_BYTES:]
        data = self._frame.decompress(sip)
        if self._frame.eof:
            self._given = memoryview(self._frame.unused_data + bytes(self._given))
            self._frame = None
        return data
