"""A grid of characters to draw boxes and wires on; wires that meet grow the right junction."""

from __future__ import annotations

from collections import defaultdict
from itertools import groupby
from operator import itemgetter

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
        self._rows: defaultdict[int, dict[int, tuple[str, Tone]]] = defaultdict(dict)
        self._strokes: dict[tuple[int, int], int] = {}

    @property
    def height(self) -> int:
        """Lines down to the last that has something on it."""
        return max((y for y, row in self._rows.items() if row), default=-1) + 1

    def at(self, x: int, y: int) -> str:
        """The character there; a blank where nothing was drawn."""
        return self._rows[y].get(x, _BLANK)[0]

    def tint(self, x: int, y: int, tone: Tone) -> None:
        """Change the tone of what is drawn there."""
        row = self._rows[y]
        if x in row:
            row[x] = (row[x][0], tone)

    def text(self, x: int, y: int, text: str, tone: Tone = Tone.PLAIN) -> None:
        """Write text; it covers what is there."""
        row = self._rows[y]
        for offset, character in enumerate(text):
            row[x + offset] = (character, tone)
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
        return [_line(self._rows[y]) for y in range(self.height)]

    def _stroke(self, x: int, y: int, ends: int, tone: Tone) -> None:
        merged = self._strokes.get((x, y), 0) | ends
        self._strokes[x, y] = merged
        self._rows[y][x] = (_STROKES.get(merged, " "), tone)


_BLANK = (" ", Tone.PLAIN)


def _line(row: dict[int, tuple[str, Tone]]) -> Line:
    cells = [row.get(x, _BLANK) for x in range(max(row, default=-1) + 1)]
    runs = groupby(cells, itemgetter(1))
    return tuple([Span("".join([character for character, _ in run]), tone) for tone, run in runs])
