"""Sparse files in tar archives: GNU tar's four ways of saying where holes are (tar's manual, "Storing Sparse Files").

A map lists extents, pairs of offset and length; the archive holds their bytes one after the other, and all else is
zeros. Maps come from strangers: they must go upwards, add up to what is stored, and stay inside the file.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import pairwise
from typing import Final

from msgspec import Struct

from engine.errors import ImageError

MAXIMUM_EXTENTS: Final = 1 << 17  # 16 MiB of memory or so
MAP: Final = "GNU.sparse.map"
_PREFIX: Final = "GNU.sparse."
_PAIRS_IN_HEADER: Final = 4
_PAIRS_IN_BLOCK: Final = 21
_BLOCK_BYTES: Final = 512
_NUMBER: Final = re.compile(rb"[0-9]{1,19}")

Extent = tuple[int, int]
Number = Callable[[bytes, str], int]
Block = Callable[[], bytes]


class Sparse(Struct, frozen=True):
    """A sparse file: its size with holes, and where its stored bytes go."""

    size: int
    extents: tuple[Extent, ...]


def from_header(header: bytes, number: Number, block: Block) -> Sparse:
    """GNU tar's old way, type ``S``: the map begins in the header and goes on in blocks that follow.

    Args:
        number: reads a header's field.
        block: reads the next block of the archive.

    Raises:
        ImageError: it is damaged.
    """
    extents = list(_pairs(header[386:482], _PAIRS_IN_HEADER, number))
    goes_on = header[482]
    while goes_on:
        more = block()
        extents += _pairs(more, _PAIRS_IN_BLOCK, number)
        _require_few(extents)
        goes_on = more[504]
    return Sparse(number(header[483:495], "size"), tuple(extents))


def from_records(records: Mapping[str, bytes], block: Block) -> Sparse | None:
    """The ways of pax: 0.0 and 0.1 with the map in the records, 1.0 with the map before the content; None for none.

    Args:
        block: reads the next block of the content.

    Raises:
        ImageError: it is damaged, or a way that isn't known.
    """
    version = (records.get(f"{_PREFIX}major", b"0"), records.get(f"{_PREFIX}minor", b"0"))
    if version == (b"1", b"0"):
        return Sparse(_decimal(records.get(f"{_PREFIX}realsize", b"")), tuple(_before_content(block)))
    if not any(key.startswith(_PREFIX) for key in records):
        return None
    if version not in ((b"0", b"0"), (b"0", b"1")):
        raise _damaged(f"a sparse file is of version {version[0][:20]!r}")
    words = records[MAP].split(b",") if records.get(MAP) else []
    if len(words) % 2:
        raise _damaged("the map of a sparse file lacks a length")
    numbers = [_decimal(word) for word in words]
    return Sparse(_decimal(records.get(f"{_PREFIX}size", b"")), tuple(zip(numbers[::2], numbers[1::2], strict=True)))


def name_of(records: Mapping[str, bytes]) -> bytes:
    """What the file is called where its header has a name for readers that don't know of sparse files; else empty."""
    return records.get(f"{_PREFIX}name", b"")


def is_part_of_map(key: str, known: int) -> bool:
    """Whether a record is one number of a map of version 0.0, which has a record of its own for each.

    Args:
        known: how many numbers came before.

    Raises:
        ImageError: two offsets or two lengths follow each other.
    """
    if key not in (f"{_PREFIX}offset", f"{_PREFIX}numbytes"):
        return False
    if (key == f"{_PREFIX}offset") is not (known % 2 == 0):
        raise _damaged("the map of a sparse file is in disorder")
    return True


def require_sound(sparse: Sparse, stored: int) -> None:
    """See that a map goes upwards inside the file and adds up to what is stored.

    Raises:
        ImageError: it doesn't.
    """
    ends = [0, *(offset + length for offset, length in sparse.extents), sparse.size]
    starts = [*(offset for offset, _ in sparse.extents), sparse.size]
    in_order = all(end <= start for end, start in zip(ends, starts, strict=False))
    if not in_order or any(a > b for a, b in pairwise(ends)) or sum(length for _, length in sparse.extents) != stored:
        raise _damaged("the map of a sparse file doesn't fit its content")


def _pairs(data: bytes, count: int, number: Number) -> Iterator[Extent]:
    for at in range(0, count * 24, 24):
        if data[at] == 0:  # what isn't used is zeros
            return
        yield number(data[at : at + 12], "offset"), number(data[at + 12 : at + 24], "length")


def _before_content(block: Block) -> Iterable[Extent]:
    """A count and as many pairs, in decimal and a line each, in whole blocks."""
    lines = _lines(block)
    count = next(lines)
    if count > MAXIMUM_EXTENTS:
        raise _damaged("the map of a sparse file is too long")
    return [(next(lines), next(lines)) for _ in range(count)]


def _lines(block: Block) -> Iterator[int]:
    rest = b""
    while True:
        line, newline, after = rest.partition(b"\n")
        if newline:
            rest = after
            yield _decimal(line)
        elif len(rest) > _BLOCK_BYTES:
            raise _damaged("the map of a sparse file has no lines")
        else:
            rest += block()


def _decimal(text: bytes) -> int:
    if not _NUMBER.fullmatch(text) or int(text) >= 1 << 63:
        raise _damaged(f"the map of a sparse file holds {text[:40]!r}")
    return int(text)


def _require_few(extents: list[Extent]) -> None:
    if len(extents) > MAXIMUM_EXTENTS:
        raise _damaged("the map of a sparse file is too long")


def _damaged(reason: str) -> ImageError:
    return ImageError(f"the tar archive is damaged ({reason})", "fetch or make it anew")
