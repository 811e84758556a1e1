"""Tables whose rows begin with a name, which takes what the columns leave."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, TypeVar

from tui.drawing.columns import Column, fitting
from tui.drawing.lines import Line, Span, Tone, clip, fit, line, width

Row = TypeVar("Row")
GAP = "  "


class NameTable(Generic[Row]):
    """Columns behind a name.

    Args:
        title: of the name.
        least, most: cells that it has.
    """

    def __init__(self, title: str, columns: Sequence[Column[Row]], least: int, most: int) -> None:
        self._title, self._columns = title, columns
        self._least, self._most = least, most

    def titles(self, cells: int) -> Line:
        """Above the rows."""
        columns, name_cells = self._layout(cells)
        texts = [fit(column.title, column.cells, right=column.right) for column in columns]
        return line(Span(GAP.join((fit(self._title, name_cells), *texts)), Tone.MUTED))

    def row(self, name: Line, of: Row, cells: int) -> Line:
        """A row."""
        columns, name_cells = self._layout(cells)
        name = clip(name, name_cells)
        spans = [*name, Span(" " * (name_cells - width(name)))]
        for column in columns:
            spans += [Span(GAP), *_padded(clip(column.cell(of), column.cells), column)]
        return line(*spans)

    def spare(self, cells: int) -> int:
        """Cells that neither the name nor a column takes."""
        columns, name_cells = self._layout(cells)
        return cells - name_cells - sum(column.cells + len(GAP) for column in columns)

    def _layout(self, cells: int) -> tuple[list[Column[Row]], int]:
        columns = fitting(self._columns, cells - self._least - len(GAP))
        room = cells - sum(column.cells + len(GAP) for column in columns)
        return columns, max(1, min(room, self._most))


def _padded(of: Line, column: Column[Row]) -> Line:
    blank = " " * (column.cells - width(of))
    return line(blank, *of) if column.right else line(*of, blank)
