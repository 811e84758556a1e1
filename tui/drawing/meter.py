"""Bars of one line: shares of a whole, each with a character and a tone of its own."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from tui.drawing.lines import Line, Span, Tone, joined, line

_EMPTY = "╌"


class Part(Struct, frozen=True):
    """A share: its name, how much it is, how that is written, and what it is drawn with."""

    name: str
    value: float
    text: str
    mark: str = "█"
    tone: Tone = Tone.ACCENT


def meter(parts: Sequence[Part], whole: float, cells: int) -> Line:
    """Parts beside each other, in `cells` cells; a part that is there at all has one, and what is left is dashes."""
    spans: list[Span] = []
    room = max(0, cells)
    for part in parts:
        wanted = round(cells * min(1.0, part.value / whole)) if whole > 0 else 0
        taken = min(room, max(1, wanted) if part.value > 0 else 0)
        spans.append(Span(part.mark * taken, part.tone))
        room -= taken
    return line(*spans, Span(_EMPTY * room, Tone.FAINT))


def legend(parts: Sequence[Part]) -> Line:
    """What each part is."""
    return joined(
        (line(Span(part.mark, part.tone), Span(f" {part.name} ", Tone.MUTED), part.text) for part in parts), _GAP
    )


_GAP = Span("  ")
