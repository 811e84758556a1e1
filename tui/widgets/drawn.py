"""A drawing as high as its lines."""

from __future__ import annotations

from collections.abc import Iterable

from textual.content import Content

from tui.drawing.lines import Line
from tui.widgets.painted import Painted


def content_of(line: Line) -> Content:
    """One line for Textual's own widgets, with the theme's colours for its tones."""
    return Content.assemble(*((span.text, span.tone.value) if span.tone.value else span.text for span in line))


def content_of_lines(lines: Iterable[Line]) -> Content:
    """Several lines, one below the other."""
    return Content("\n").join(content_of(line) for line in lines)


class Drawn(Painted):
    """Lines that take as much height as they need."""

    DEFAULT_CSS = """
    Drawn { height: 0; }
    """

    def show(self, lines: list[Line]) -> None:
        """Paint these lines."""
        if len(lines) != len(self.lines):
            self.styles.height = len(lines)  # another height lays the screen out anew
        self.paint(lines)
