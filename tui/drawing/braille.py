"""Values as columns of braille dots: two columns and four rows of dots in every cell.

Curves are drawn anew every second, so heights are bytes, and whole rows are translated at once.
"""

from __future__ import annotations

import codecs
from collections.abc import Sequence
from functools import lru_cache

DOTS_PER_CELL = 4
BLANK = chr(0x2800)

# Unicode 15, chapter 21.1, "Braille Patterns": bits of the dots in the left and right column, from the bottom up.
_UP = ((0x00, 0x40, 0x44, 0x46, 0x47), (0x00, 0x80, 0xA0, 0xB0, 0xB8))
_DOWN = ((0x00, 0x01, 0x03, 0x07, 0x47), (0x00, 0x08, 0x18, 0x38, 0xB8))
_PATTERNS = "".join(chr(0x2800 + bits) for bits in range(256))
_ROWS_PER_BAND = 60
_BAND_DOTS = _ROWS_PER_BAND * DOTS_PER_CELL  # a height within it fits into a byte


def area(values: Sequence[float | None], columns: int, rows: int, top: float, *, down: bool = False) -> list[str]:
    """A filled graph, the newest value at the right edge.

    Args:
        values: oldest first; None where nothing is known. What doesn't fit is left out at the left.
        columns: cells across; each shows two values.
        rows: cells down; each is four dots.
        top: the value that fills all rows.
        down: grow from the upper edge downwards instead.

    Returns:
        `rows` strings of `columns` characters, from the top. A value of 0 is one dot high, so that it shows
        where values begin; blanks are braille blanks.
    """
    heights = _heights(values[-columns * 2 :] if columns else (), rows * DOTS_PER_CELL, top)
    heights = [0] * (columns * 2 - len(heights)) + heights
    lines: list[str] = []
    for base in range(0, rows, _ROWS_PER_BAND):
        band = _band(heights, base * DOTS_PER_CELL)
        left, right = band[::2], band[1::2]
        lines.extend(_row(left, right, row, down) for row in range(min(_ROWS_PER_BAND, rows - base)))
    return lines if down else lines[::-1]


def spark(values: Sequence[float | None], columns: int, top: float) -> str:
    """A graph of one row."""
    return area(values, columns, 1, top)[0]


def _heights(values: Sequence[float | None], dots: int, top: float) -> list[int]:
    """How many dots each value is high: at least one, and none where nothing is known."""
    if top <= 0:
        return [0 if value is None else 1 for value in values]
    return [0 if value is None else dots if value >= top else round(value / top * dots) or 1 for value in values]


def _row(left: bytes, right: bytes, row: int, down: bool) -> str:
    """The cells of one row, counted from the side that the graph grows from."""
    of_left, of_right = _tables(row, down)
    bits = int.from_bytes(left.translate(of_left)) | int.from_bytes(right.translate(of_right))
    return codecs.charmap_decode(bits.to_bytes(len(left)), "strict", _PATTERNS)[0]


def _band(heights: list[int], base: int) -> bytes:
    """What of them is in one band of rows."""
    if not base and max(heights, default=0) <= _BAND_DOTS:
        return bytes(heights)
    return bytes(max(0, min(_BAND_DOTS, height - base)) for height in heights)


@lru_cache(2 * _ROWS_PER_BAND)
def _tables(row: int, down: bool) -> tuple[bytes, bytes]:
    """From heights to the dots that the left and the right column have in a row."""
    filled = [max(0, min(DOTS_PER_CELL, height - row * DOTS_PER_CELL)) for height in range(256)]
    left, right = _DOWN if down else _UP
    return bytes(left[dots] for dots in filled), bytes(right[dots] for dots in filled)
