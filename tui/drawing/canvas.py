"""A grid of characters to draw boxes and wires on; wires that meet grow the right junction."""

from __future__ import annotations

from tui.drawing.lines import Line, Span, Tone

_UP, _RIGHT, _DOWN, _LEFT = 1, 2, 4, 8

_STROKES = {
    _UP: "╵", _RIGHT: "╶", _DOWN: "╷", _LEFT: "╴",
    _UP | _DOWN: "│", _LEFT | _RIGHT: "─",
    _DOWN | _RIGHT: "╭", _DOWN | _LEFT: "╮", _UP | _RIGHT: "╰", _UP | _LEFT: "╯",
    _UP | _DOWN | _RIGHT: "├", _UP | _DOWN | _LEFT: "┤",
    _LEFT | _RIGHT | _DOWN: "┬", _LEFT | _RIGHT | _UP: "┴",
    _UP | _RIGHT | _DOWN | _LEFT: "┼",
}  # fmt: skip


class Canvas:
    """Characters with tones; it grows to the right and downwards as it is drawn on."""

    def __init__(self) -> None:
        self._cells: dict[tuple[int, int], tuple[str, Tone]] = {}
        self._strokes: dict[tuple[int, int], int] = {}

    @property
    def height(self) -> int:
        """Lines that have something on them."""
        return max((y for _, y in self._cells), default=-1) + 1

    def at(self, x: int, y: int) -> str:
        """The character there; a blank where nothing was drawn."""
        return self._cells.get((x, y), (" ", Tone.PLAIN))[0]

    def tint(self, x: int, y: int, tone: Tone) -> None:
        """Change the tone of what is drawn there."""
        if (x, y) in self._cells:
            self._cells[x, y] = (self._cells[x, y][0], tone)

    def text(self, x: int, y: int, text: str, tone: Tone = Tone.PLAIN) -> None:
        """Write text; it covers what is there."""
        for offset, character in enumerate(text):
            self._cells[x + offset, y] = (character, tone)
            self._strokes.pop((x + offset, y), None)

    def horizontal(self, x: int, y: int, length: int, tone: Tone = Tone.FAINT) -> None:
        """A wire to the right."""
        for offset in range(length):
            ends = (_LEFT if offset else 0) | (_RIGHT if offset < length - 1 else 0)
            self._stroke(x + offset, y, ends, tone)

    def vertical(self, x: int, y: int, length: int, tone: Tone = Tone.FAINT) -> None:
        """A wire downwards."""
        for offset in range(length):
            ends = (_UP if offset else 0) | (_DOWN if offset < length - 1 else 0)
            self._stroke(x, y + offset, ends, tone)

    def box(self, x: int, y: int, width: int, height: int, tone: Tone = Tone.FAINT) -> None:
        """A box with round corners."""
        self.horizontal(x, y, width, tone)
        self.horizontal(x, y + height - 1, width, tone)
        self.vertical(x, y, height, tone)
        self.vertical(x + width - 1, y, height, tone)

    def lines(self) -> list[Line]:
        """The picture, neighbours of one tone in one span, without blanks at the right."""
        return [self._line(y) for y in range(self.height)]

    def _stroke(self, x: int, y: int, ends: int, tone: Tone) -> None:
        merged = self._strokes.get((x, y), 0) | ends
        self._strokes[x, y] = merged
        self._cells[x, y] = (_STROKES.get(merged, " "), tone)

    def _line(self, y: int) -> Line:
        right = max((x for x, row in self._cells if row == y), default=-1)
        spans: list[Span] = []
        for x in range(right + 1):
            character, tone = self._cells.get((x, y), (" ", Tone.PLAIN))
            if spans and spans[-1].tone is tone:
                spans[-1] = Span(spans[-1].text + character, tone)
            else:
                spans.append(Span(character, tone))
        return tuple(spans)
