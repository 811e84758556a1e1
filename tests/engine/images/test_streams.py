"""Compressed streams are recognised and read like plain ones."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
from collections.abc import Callable

import pytest
import zstandard

from engine.errors import ImageError
from engine.images.inflate import DAMAGED, Decompressor, ZlibDecompressor, gzip_decompressor
from engine.images.limits import Limits
from engine.images.streams import decompressed

CONTENT = bytes(range(256)) * 4_000


def read(data: bytes, size: int = 70_000) -> bytes:
    stream = decompressed(io.BytesIO(data), Limits())
    return b"".join(iter(lambda: stream.read(size), b""))


@pytest.mark.parametrize("compress", [bytes, gzip.compress, bz2.compress, lzma.compress, zstandard.compress])
@pytest.mark.parametrize("content", [b"", b"x", CONTENT])
def test_every_compression_is_read(compress: Callable[[bytes], bytes], content: bytes) -> None:
    assert read(compress(content)) == content


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress, lzma.compress])
def test_several_members_in_a_row_are_one_stream(compress: Callable[[bytes], bytes]) -> None:
    assert read(compress(b"one ") + compress(b"two") + b"\0" * 512) == b"one two"


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress, lzma.compress])
@pytest.mark.parametrize("harm", [lambda d: d[:-9], lambda d: d[:20] + b"garbage" + d[27:], lambda d: d + b"garbage"])
def test_damage_is_told_in_one_sentence(compress: Callable[[bytes], bytes], harm: Callable[[bytes], bytes]) -> None:
    with pytest.raises(ImageError, match="stream is damaged"):
        read(harm(compress(CONTENT)))


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress, lzma.compress])
def test_no_read_gives_more_than_asked_for(compress: Callable[[bytes], bytes]) -> None:
    stream = decompressed(io.BytesIO(compress(b"\0" * 2_000_000)), Limits())
    assert all(len(piece) <= 1000 for piece in (stream.read(1000) for _ in range(100)))


@pytest.mark.parametrize("make", [gzip_decompressor, ZlibDecompressor])
def test_both_ways_to_inflate_keep_what_they_have_not_used_and_find_the_end(make: Callable[[], Decompressor]) -> None:
    packed = gzip.compress(CONTENT)
    member, data = make(), b""
    given = packed + b"behind"
    while not member.eof:
        data += member.decompress(given, 1000)
        given = b""
    assert (data, member.unused_data) == (CONTENT, b"behind")


@pytest.mark.parametrize("make", [gzip_decompressor, ZlibDecompressor])
@pytest.mark.parametrize("place", [-8, -4], ids=["checksum", "length"])
def test_both_ways_to_inflate_check_what_the_end_says(make: Callable[[], Decompressor], place: int) -> None:
    packed = bytearray(gzip.compress(CONTENT))
    packed[place] ^= 1
    with pytest.raises(DAMAGED):
        make().decompress(bytes(packed), 2 * len(CONTENT))


@pytest.mark.parametrize("cut", [10, 600, -1])
def test_zstd_that_is_cut_short_is_damaged(cut: int) -> None:
    with pytest.raises(ImageError, match="ends too early"):
        read(zstandard.compress(bytes(range(256)) * 40_000)[:cut])


def test_zstd_that_is_no_zstd_is_damaged() -> None:
    with pytest.raises(ImageError, match="zstd stream is damaged"):
        read(b"\x28\xb5\x2f\xfd" + b"x" * 20)


def test_zstd_of_several_frames_is_one_stream() -> None:
    assert read(zstandard.compress(b"one ") + zstandard.compress(b"two")) == b"one two"


def test_zstd_that_wants_too_much_memory_is_refused() -> None:
    wide = zstandard.ZstdCompressionParameters(window_log=30)
    compressor = zstandard.ZstdCompressor(compression_params=wide).compressobj()
    data = compressor.compress(b"x" * 10) + compressor.flush()
    with pytest.raises(ImageError, match="too much memory"):
        read(data)
