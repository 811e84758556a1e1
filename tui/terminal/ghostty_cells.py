"""A row of libghostty's cells as runs of styled text, without asking the library for each cell.

A cell is a little-endian 64-bit word, which the library describes itself (`LAYOUT`): what it holds (2 bits), a
character of 21 bits or a background colour, the number of its style (16 bits) and whether it is wide (2 bits). Two
bits further down every one of these begins at a byte, so that slices of a row with a step of 8 are whole columns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby

from msgspec.structs import replace

from tui.terminal.emulator import PLAIN, CellStyle, Row, Run
from tui.terminal.widths import fitted

LAYOUT = {"content_tag": (0, 2), "content": (2, 24), "style_id": (26, 16), "wide": (42, 2), "hyperlink": (45, 1)}
"""Fields of a cell that are read here: the lowest bit and how many there are."""

_CELL = 8
_CLUSTER, _PALETTE, _RGB = 1, 2, 3  # GhosttyCellContentTag
_TAIL = 2  # GhosttyCellWide: the second half of a wide character
_TWO_BITS = bytes(number & 3 for number in range(256))
_LINK_BIT = bytes(number >> 3 & 1 for number in range(256))
_BLANK_CONTROLS = bytes([*[32] * 32, *range(32, 127), 32, *range(128, 256)])


class RowCells:
    """The cells of one row.

    Args:
        raw: 8 bytes a cell.
        style_of: the style of the cell at a column, asked for once for each stretch of one style.
        cluster_of: the text of the cell at a column, where it is more than one character.
        link_of: the address of the link at a column, where there is one.
    """

    def __init__(
        self,
        raw: bytes,
        style_of: Callable[[int], CellStyle],
        cluster_of: Callable[[int], str],
        link_of: Callable[[int], str],
    ) -> None:
        self._style_of, self._cluster_of, self._link_of = style_of, cluster_of, link_of
        self._tags = raw[::_CELL].translate(_TWO_BITS)
        whole = (int.from_bytes(raw, "little") >> 2).to_bytes(len(raw), "little")
        self._low, self._middle, self._high = whole[::_CELL], whole[1::_CELL], whole[2::_CELL]
        self._style_low, self._style_high = whole[3::_CELL], whole[4::_CELL]
        self._wide = whole[5::_CELL].translate(_TWO_BITS)
        self._linked = whole[5::_CELL].translate(_LINK_BIT)

    def runs(self) -> Row:
        """Stretches of one style that fill the row."""
        text = self._narrow_text()
        parts: Sequence[str] = text if text is not None else self._texts()
        return tuple(
            Run("".join(parts[start:end]), end - start, self._style(start)) for start, end in self._stretches()
        )

    def _narrow_text(self) -> str | None:
        """The row's text if each cell is one character of ASCII."""
        if any(self._middle) or any(self._high) or any(self._wide) or any(self._tags) or not self._low.isascii():
            return None
        return self._low.translate(_BLANK_CONTROLS).decode("ascii")

    def _texts(self) -> list[str]:
        texts = [self._text(x) for x in range(len(self._low))]
        return [fitted(text, following) for text, following in zip(texts, [*texts[1:], " "], strict=True)]

    def _text(self, x: int) -> str:
        if self._wide[x] == _TAIL:
            return "" if x else " "
        tag = self._tags[x]
        if tag == _CLUSTER:
            return self._cluster_of(x)
        if tag in (_PALETTE, _RGB):
            return " "
        return chr(self._low[x] | self._middle[x] << 8 | (self._high[x] & 31) << 16) if self._has_text(x) else " "

    def _has_text(self, x: int) -> bool:
        return bool(self._low[x] or self._middle[x] or self._high[x])

    def _stretches(self) -> Iterator[tuple[int, int]]:
        columns = len(self._low)
        if (
            not any(self._tags)
            and not any(self._linked)
            and len(set(self._style_low)) == 1
            and len(set(self._style_high)) == 1
        ):
            yield 0, columns
            return
        start = 0
        for _, group in groupby(range(columns), self._look):
            end = start + sum(1 for _ in group)
            yield start, end
            start = end

    def _look(self, x: int) -> tuple[int, int, str] | bytes:
        """What tells cells of one style from those of another."""
        if self._tags[x] in (_PALETTE, _RGB):
            return bytes((self._tags[x], self._low[x], self._middle[x], self._high[x]))
        return self._style_low[x], self._style_high[x], self._link_of(x) if self._linked[x] else ""

    def _style(self, x: int) -> CellStyle:
        tag = self._tags[x]
        if tag == _PALETTE:
            return CellStyle(background=self._low[x])
        if tag == _RGB:
            return CellStyle(background=(self._low[x], self._middle[x], self._high[x]))
        style = self._style_of(x) if self._style_low[x] or self._style_high[x] else PLAIN
        return replace(style, link=self._link_of(x)) if self._linked[x] else style
