"""The last lines of a log and the screen rows that they take; no Textual in it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from engine.model import LogLine
from tui.terminal.log_text import width_of


class LogBuffer:
    """Lines up to a limit, laid out in rows.

    Rows have numbers that never change while a line is held: `first_row` grows as old lines are dropped.

    Args:
        limit: lines that are kept.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.first_row = 0
        self.widest = 0
        self._wrap_columns: int | None = None
        self._lines: list[LogLine] = []
        self._widths: list[int] = []
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
        widths = [width_of(line.data) for line in kept]
        self.widest = max(self.widest, *widths) if widths else self.widest
        self._lines += kept
        self._widths += widths
        self._lay_out(widths)
        return self._drop(len(self._lines) - self.limit)

    def clear(self) -> None:
        """Forget all lines; row numbers go on."""
        self.first_row = self.end_row
        self.widest = 0
        self._lines, self._widths, self._ends = [], [], []

    def wrap(self, columns: int | None) -> None:
        """Lay lines out anew, in so many columns or, with None, in one row each."""
        if columns != self._wrap_columns:
            self._wrap_columns = columns
            self._ends = []
            self._lay_out(self._widths)

    def at(self, row: int) -> tuple[LogLine, int]:
        """The line that a row belongs to, and which of its rows it is.

        Raises:
            IndexError: no line has that row.
        """
        if not self.first_row <= row < self.end_row:
            raise IndexError(row)
        index = bisect_right(self._ends, row)
        return self._lines[index], row - (self._ends[index - 1] if index else self.first_row)

    def is_last_row_of_line(self, row: int) -> bool:
        """Whether the next row belongs to another line."""
        return row + 1 == self._ends[bisect_right(self._ends, row)]

    def _lay_out(self, widths: Sequence[int]) -> None:
        end, columns = self.end_row, self._wrap_columns
        for width in widths:
            end += 1 if not columns or width <= columns else -(-width // columns)
            self._ends.append(end)

    def _drop(self, count: int) -> int:
        if count <= 0:
            return 0
        before, self.first_row = self.first_row, self._ends[count - 1]
        del self._lines[:count], self._widths[:count], self._ends[:count]
        return self.first_row - before
