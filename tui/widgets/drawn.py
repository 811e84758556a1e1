"""From lines in tones to what Textual paints."""

from __future__ import annotations

from collections.abc import Iterable

from textual.content import Content
from textual.widgets import Static

from tui.drawing.lines import Line


def content_of(line: Line) -> Content:
    """One line, with the theme's colours for its tones."""
    return Content.assemble(*((span.text, span.tone.value) if span.tone.value else span.text for span in line))


def content_of_lines(lines: Iterable[Line]) -> Content:
    """Several lines, one below the other."""
    return Content("\n").join(content_of(line) for line in lines)


class Drawn(Static):
    """As high as its lines; repaints only when they differ from those before."""

    DEFAULT_CSS = """
    Drawn { height: auto; text-wrap: nowrap; text-overflow: ellipsis; }
    """

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__("", id=id, classes=classes, markup=False)
        self._lines: list[Line] = []

    def show(self, lines: list[Line]) -> None:
        """Paint these lines."""
        if lines != self._lines:
            self._lines = lines
            self.styles.height = len(lines)  # another height lays the screen out anew, the same one doesn't
            self.update(content_of_lines(lines), layout=False)
