"""Values as columns of braille dots: two columns and four rows of dots in every cell."""

from __future__ import annotations

from collections.abc import Sequence

DOTS_PER_CELL = 4

# Unicode 15, chapter 21.1, "Braille Patterns": bits of the dots in the left and right column, from the bottom up.
_LEFT = (0x00, 0x40, 0x44, 0x46, 0x47)
_RIGHT = (0x00, 0x80, 0xA0, 0xB0, 0xB8)
_LEFT_DOWN = (0x00, 0x01, 0x03, 0x07, 0x47)
_RIGHT_DOWN = (0x00, 0x08, 0x18, 0x38, 0xB8)
_BLANK = 0x2800


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
    heights = [_height(value, rows * DOTS_PER_CELL, top) for value in _last(values, columns * 2)]
    lines = [_row(heights, row, down) for row in range(rows)]
    return lines if down else lines[::-1]


def spark(values: Sequence[float | None], columns: int, top: float) -> str:
    """A graph of one row."""
    return area(values, columns, 1, top)[0]


def _last(values: Sequence[float | None], count: int) -> list[float | None]:
    kept = list(values[-count:]) if count else []
    return [None] * (count - len(kept)) + kept


def _height(value: float | None, dots: int, top: float) -> int:
    if value is None:
        return 0
    share = min(1.0, value / top) if top > 0 else 0.0
    return max(1, min(dots, round(share * dots)))


def _row(heights: list[int], row: int, down: bool) -> str:
    """The cells of one row, counted from the side that the graph grows from."""
    left, right = (_LEFT_DOWN, _RIGHT_DOWN) if down else (_LEFT, _RIGHT)
    base = row * DOTS_PER_CELL
    filled = [max(0, min(DOTS_PER_CELL, height - base)) for height in heights]
    pairs = zip(filled[::2], filled[1::2], strict=True)
    return "".join(chr(_BLANK | left[first] | right[second]) for first, second in pairs)
