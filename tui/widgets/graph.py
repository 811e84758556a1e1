"""A curve with its heading, as large as its place."""

from __future__ import annotations

from tui.drawing.graph import time_axis
from tui.drawing.lines import Line, Span, Tone, justify, line
from tui.drawing.panels import Panel
from tui.widgets.painted import Painted

_ROWS_WITH_TIME = 5
"""From this height on there is room for a line for time below the curve."""


class Graph(Painted):
    """A heading, a curve that fills the rest, and a line that says how far back the left edge is.

    Attributes:
        has_time: whether there is that last line.
    """

    DEFAULT_CSS = """
    Graph { height: 1fr; min-height: 3; }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.has_time = True
        self._panel: Panel | None = None
        self._interval_seconds = 1.0

    def show(self, panel: Panel, interval_seconds: float) -> None:
        """Paint anew; the interval is that between two values."""
        self._panel = panel
        self._interval_seconds = interval_seconds
        self.paint(self._drawn())

    def on_resize(self) -> None:
        """As large as the new place."""
        self.paint(self._drawn())

    def _drawn(self) -> list[Line]:
        """Heading, curve and time, for the size at hand."""
        width, height = self.size
        if self._panel is None or not width:
            return []
        has_time = self.has_time and height >= _ROWS_WITH_TIME
        heading = justify(line(Span(self._panel.title, Tone.MUTED)), self._panel.value, width)
        lines = [heading, *self._panel.draw(width, height - 1 - has_time)]
        if has_time:
            lines.append(time_axis(width, self._interval_seconds))
        return lines
