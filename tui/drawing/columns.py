"""Small tables: titles, rows of aligned cells, and columns that give way where there is little room."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Generic, TypeVar

from msgspec import Struct

from tui.drawing.lines import Line, Span, Tone, clip, fit, line, width

Row = TypeVar("Row")
_GAP = "  "


class Column(Struct, Generic[Row], frozen=True):
    """A column.

    Attributes:
        title: stands above it.
        cells: its width; 0 for the last one, which takes what is left.
        cell: what stands in a row, clipped to its width.
        right: on which side.
        rank: columns with higher ranks give way first; those of rank 0 never do.
    """

    title: str
    cells: int
    cell: Callable[[Row], Line]
    right: bool = False
    rank: int = 0


def fitting(columns: Sequence[Column[Row]], cells: int, least_last: int = 12) -> list[Column[Row]]:
    """The columns that there is room for."""
    chosen = list(columns)
    for rank in sorted({column.rank for column in columns if column.rank}, reverse=True):
        if sum((column.cells or least_last) + len(_GAP) for column in chosen) - len(_GAP) <= cells:
            break
        chosen = [column for column in chosen if column.rank != rank]
    return chosen


def table_lines(rows: Iterable[Row], columns: Sequence[Column[Row]], cells: int) -> list[Line]:
    """Titles, and a line for each row."""
    texts = (fit(column.title, column.cells or len(column.title), right=column.right) for column in columns)
    titles = line(Span(_GAP.join(texts), Tone.MUTED))
    return [clip(titles, cells), *(_row_line(row, columns, cells) for row in rows)]


def _row_line(row: Row, columns: Sequence[Column[Row]], cells: int) -> Line:
    spans: list[Span] = []
    taken = 0
    for column in columns:
        room = column.cells or max(1, cells - taken)
        spans.extend(_padded(clip(column.cell(row), room), column, room))
        spans.append(Span(_GAP))
        taken += room + len(_GAP)
    return clip(line(*spans[:-1]), cells)


def _padded(of: Line, column: Column[Row], room: int) -> Line:
    blank = " " * ((room if column.cells else 0) - width(of))
    return line(blank, *of) if column.right else line(*of, blank)
