"""A panel with a title, a value and a curve."""

from __future__ import annotations

from collections.abc import Callable

from textual.app import RenderResult
from textual.widget import Widget

from tui.drawing.graph import time_axis
from tui.drawing.lines import Line, justify
from tui.widgets.drawn import content_of_lines

_ROWS_WITH_TIME = 5
"""From this height on there is room for a line for time below the curve."""

Draw = Callable[[int, int], list[Line]]


class Graph(Widget):
    """One curve, or two mirrored, as large as the widget.

    The first line is a title and what there is to say at this moment; below it, lines that the function
    given to `show` draws for the size at hand.

    Attributes:
        has_time: whether a line below says how far back the left edge is.
    """

    DEFAULT_CSS = """
    Graph { height: 1fr; min-height: 3; }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.has_time = True
        self._title: Line = ()
        self._value: Line = ()
        self._draw: Draw = lambda width, height: []
        self._interval_seconds = 1.0

    def show(self, title: Line, value: Line, draw: Draw, interval_seconds: float) -> None:
        """Paint anew.

        Args:
            title: stands at the left of the first line.
            value: stands at its right.
            draw: from a width and a height to that many lines.
            interval_seconds: between two values, for the line of time.
        """
        self._title, self._value, self._draw = title, value, draw
        self._interval_seconds = interval_seconds
        self.refresh()

    def render(self) -> RenderResult:
        """Title, curve and time, for the size at hand."""
        width, height = self.size
        has_time = self.has_time and height >= _ROWS_WITH_TIME
        lines = [justify(self._title, self._value, width), *self._draw(width, height - 1 - has_time)]
        if has_time:
            lines.append(time_axis(width, self._interval_seconds))
        return content_of_lines(lines)
