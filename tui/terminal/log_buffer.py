"""The last lines of a log and the screen rows that they take; no Textual in it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from engine.model import LogLine
from tui.terminal.log_text import Extent, extent_of, row_starts, runs_of


class LogBuffer:
    """Lines up to a limit, laid out in rows.

    Rows have numbers that never change while a line is held: `first_row` grows as old lines are dropped.

    Args:
        limit: lines that are kept.

    Attributes:
        first_row: the number of the oldest line's first row.
        widest: columns of the widest line since it was cleared.
        wrap_columns: how wide rows are; None gives each line one row.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.first_row = 0
        self.widest = 0
        self.wrap_columns: int | None = None
        self._lines: list[LogLine] = []
        self._extents: list[Extent] = []
        self._ends: list[int] = []  # the row after each line's last

    def __len__(self) -> int:
        return len(self._lines)

    @property
    def end_row(self) -> int:
        """The row after the last one."""
        return self._ends[-1] if self._ends else self.first_row

    @property
    def rows(self) -> int:
        """Rows of all lines that are held."""
        return self.end_row - self.first_row

    def extend(self, lines: Sequence[LogLine]) -> int:
        """Take further lines and drop the oldest beyond the limit.

        Returns:
            How many rows were dropped.
        """
        kept = lines[-self.limit :]
        extents = [extent_of(line.data) for line in kept]
        self.widest = max(self.widest, *(extent.columns for extent in extents), 0)
        self._lines += kept
        self._extents += extents
        self._lay_out(kept, extents)
        return self._drop(len(self._lines) - self.limit)

    def clear(self) -> None:
        """Forget all lines; row numbers go on."""
        self.first_row = self.end_row
        self.widest = 0
        self._lines, self._extents, self._ends = [], [], []

    def wrap(self, columns: int | None) -> None:
        """Lay lines out anew, in so many columns or, with None, in one row each."""
        if columns != self.wrap_columns:
            self.wrap_columns = columns
            self._ends = []
            self._lay_out(self._lines, self._extents)

    def at(self, row: int) -> tuple[LogLine, int]:
        """The line that a row belongs to, and which of its rows it is.

        Raises:
            IndexError: no line has that row.
        """
        if not self.first_row <= row < self.end_row:
            raise IndexError(row)
        index = bisect_right(self._ends, row)
        return self._lines[index], row - (self._ends[index - 1] if index else self.first_row)

    @property
    def lines(self) -> Sequence[LogLine]:
        """All lines, the oldest first."""
        return self._lines

    def index_at(self, row: int) -> int:
        """Which of `lines` a row belongs to; the last for rows beyond the end."""
        return max(0, min(bisect_right(self._ends, row), len(self._lines) - 1))

    def first_row_of(self, index: int) -> int:
        """The number of the first row of one of `lines`."""
        return self._ends[index - 1] if index else self.first_row

    def is_last_row_of_line(self, row: int) -> bool:
        """Whether the next row belongs to another line."""
        return row + 1 == self._ends[bisect_right(self._ends, row)]

    def _lay_out(self, lines: Sequence[LogLine], extents: Sequence[Extent]) -> None:
        end = self.end_row
        for line, extent in zip(lines, extents, strict=True):
            end += self._rows_of(line, extent)
            self._ends.append(end)

    def _rows_of(self, line: LogLine, extent: Extent) -> int:
        columns = self.wrap_columns
        if columns is None or extent.columns <= columns:
            return 1
        return -(-extent.columns // columns) if extent.is_even else len(row_starts(runs_of(line.data), columns))

    def _drop(self, count: int) -> int:
        if count <= 0:
            return 0
        before, self.first_row = self.first_row, self._ends[count - 1]
        del self._lines[:count], self._extents[:count], self._ends[:count]
        return self.first_row - before
