"""A curve with its heading, as large as its place."""

from __future__ import annotations

from textual import events

from tui.drawing import units
from tui.drawing.graph import GUTTER, marked, time_axis
from tui.drawing.lines import Line, Span, Tone, clip, justify, line
from tui.drawing.panels import Panel
from tui.widgets.painted import Painted

_ROWS_WITH_TIME = 5
"""From this height on there is room for a line for time below the curve."""

_VALUES_PER_CELL = 2


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
        self._pointed_x: int | None = None

    def show(self, panel: Panel, interval_seconds: float) -> None:
        """Paint anew; the interval is that between two values."""
        self._panel = panel
        self._interval_seconds = interval_seconds
        self.paint(self._drawn())

    def on_resize(self) -> None:
        """As large as the new place."""
        self.paint(self._drawn())

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Tell what was measured at the moment under the pointer."""
        offset = event.get_content_offset(self)
        self._point_at(offset.x if offset is not None and offset.x >= GUTTER else None)

    def on_leave(self, event: events.Leave) -> None:
        """The pointer has gone."""
        self._point_at(None)

    def _point_at(self, x: int | None) -> None:
        if x != self._pointed_x:
            self._pointed_x = x
            self.paint(self._drawn())

    def _drawn(self) -> list[Line]:
        """Heading, curve and time, for the size at hand."""
        width, height = self.size
        if self._panel is None or not width:
            return []
        has_time = self.has_time and height >= _ROWS_WITH_TIME
        curve = self._panel.draw(width, height - 1 - has_time)
        value, x = self._panel.value, self._pointed_x
        if x is not None and self._panel.read is not None and curve:
            steps = max(0, width - self._panel.right_cells - 1 - x) * _VALUES_PER_CELL
            ago = units.duration(steps * self._interval_seconds)
            value = line(*self._panel.read(steps), Span(f"  {ago} ago" if steps else "  now", Tone.MUTED))
            curve = [marked(each, x) for each in curve]
        heading = justify(
            line(Span(self._panel.title, Tone.MUTED)), clip(value, max(0, width - len(self._panel.title) - 1)), width
        )
        lines = [heading, *curve]
        if has_time:
            lines.append(time_axis(width, self._interval_seconds))
        return lines
