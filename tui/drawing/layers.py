"""A part of a curve in a tone of its own, such as anonymous memory below all that is used."""

from __future__ import annotations

from collections.abc import Sequence

from tui.drawing import graph
from tui.drawing.lines import Line, Span, Tone, line

_DOTS_PER_CELL = 2
_BLANK = chr(0x2800)
_NOT_DOTS = frozenset(" ╌" + _BLANK)


def layered(curve: graph.Curve, lower: Sequence[float | None], width: int, height: int) -> list[Line]:
    """A graph of all, in which cells that the lower part fills stand in the accent, and the rest is muted.

    Without a lower part it is the plain graph.
    """
    lines = graph.graph(curve, width, height)
    if curve.is_over or not any(lower) or not lines:
        return lines
    cells = width - graph.GUTTER
    top = graph.top_of(curve, cells)
    reach = _cells_filled(lower, cells, height, top)
    return [_in_tones(each, [height - y <= filled for filled in reach]) for y, each in enumerate(lines)]


def _cells_filled(values: Sequence[float | None], cells: int, height: int, top: float) -> list[int]:
    """How many cells of each column belong to the lower part: those that it fills at least half of."""
    kept = list(values[-cells * _DOTS_PER_CELL :])
    padded = [None] * (cells * _DOTS_PER_CELL - len(kept)) + kept
    pairs = zip(padded[::2], padded[1::2], strict=True)
    return [max(1, round(max(one or 0.0, two or 0.0) / top * height)) for one, two in pairs]


def _in_tones(of: Line, is_lower: list[bool]) -> Line:
    """One row with the tone of every cell chosen anew; warnings, the limit line and the axis stay as they are."""
    axis, x = [], 0
    spans: list[Span] = []
    for span in of:
        if x < graph.GUTTER:
            axis.append(span)
            x += len(span.text)
            continue
        for character in span.text:
            wanted = span.tone
            if wanted is Tone.ACCENT and character not in _NOT_DOTS and not is_lower[x - graph.GUTTER]:
                wanted = Tone.MUTED
            if spans and spans[-1].tone is wanted:
                spans[-1] = Span(spans[-1].text + character, wanted)
            else:
                spans.append(Span(character, wanted))
            x += 1
    return line(*axis, *spans)
