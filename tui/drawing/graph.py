"""A graph with an axis, units and a limit line, as lines of text."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import Struct

from tui.drawing import braille, units
from tui.drawing.lines import Line, Span, Tone, line

GUTTER = 7
"""Cells that labels and the axis take at the left."""

_LIMIT_IN_SIGHT = 4
"""A limit up to this many times the highest value is drawn; one further away would flatten the curve."""

_LITTLE_OVER = 1.25
"""Up to this share of the limit a value above it doesn't change the axis much: it was measured a little late."""

_NEAR, _VERY_NEAR = 0.75, 0.9
_BLANK = chr(0x2800)


class Curve(Struct, frozen=True, kw_only=True):
    """What a graph shows.

    Attributes:
        values: oldest first, one a tick; None is a gap.
        limit: drawn as a line when it is in sight.
        label: writes a value beside the axis, in at most `GUTTER` - 1 cells.
        least_top: the axis never ends below this, so that noise stays small.
        is_over: nothing new comes; drawn without colour.
        binary: round the axis to powers of two instead of ten.
    """

    values: Sequence[float | None]
    label: Callable[[float], str]
    limit: float | None = None
    least_top: float = 1.0
    binary: bool = False
    is_over: bool = False


def top_of(curve: Curve, cells: int) -> float:
    """The value at which the axis ends, given what is in view."""
    in_view = curve.values[-cells * 2 :] if cells > 0 else ()
    peak = max((value for value in in_view if value is not None), default=0.0)
    if curve.limit is not None and curve.limit <= peak * _LIMIT_IN_SIGHT:
        is_near = peak <= curve.limit * _LITTLE_OVER
        return max(curve.limit, peak) if is_near else units.ceiling(peak, binary=curve.binary)
    return units.ceiling(max(peak * 1.02, curve.least_top), binary=curve.binary)


def graph(curve: Curve, width: int, height: int) -> list[Line]:
    """The curve in that many cells, the newest value at the right.

    Returns:
        `height` lines of `width` cells; none when there's no room for a curve.
    """
    cells = width - GUTTER
    if cells < 2 or height < 1:
        return []
    top = top_of(curve, cells)
    rows = braille.area(list(curve.values), cells, height, top)
    limit_row = _row_of(curve.limit, top, height)
    return [
        line(*axis_label(curve.label, top, row, height), *_row(text, _tone(curve, top, row, height), row == limit_row))
        for row, text in enumerate(rows)
    ]


def mirrored(upper: Curve, lower: Curve, width: int, height: int) -> list[Line]:
    """Two curves on one scale, one growing up from the middle and one growing down.

    Returns:
        `height` lines of `width` cells; none when there's no room.
    """
    cells = width - GUTTER
    if cells < 2 or height < 2:
        return []
    above = (height + 1) // 2
    below = height - above
    top = max(top_of(upper, cells), top_of(lower, cells))
    up = braille.area(list(upper.values), cells, above, top)
    down = braille.area(list(lower.values), cells, below, top, down=True)
    labels = [""] * height
    labels[0] = f"↓{upper.label(top)}"
    labels[-1] = f"↑{lower.label(top)}"
    tones = [Tone.FAINT if upper.is_over else Tone.ACCENT] * above
    tones += [Tone.FAINT if lower.is_over else Tone.MUTED] * below
    return [
        line(*_axis(label), *_row(text, tone, False))
        for label, text, tone in zip(labels, [*up, *down], tones, strict=True)
    ]


def time_axis(width: int, interval_seconds: float) -> Line:
    """The line under a graph: how far back its left edge is."""
    cells = max(0, width - GUTTER)
    left, right = f"{units.duration(cells * 2 * interval_seconds)} ago", "now"
    if cells < len(left) + len(right) + 2:
        return line(" " * width)
    return line(" " * GUTTER, Span(left + " " * (cells - len(left) - len(right)) + right, Tone.FAINT))


def marked(of: Line, x: int) -> Line:
    """A row with a line through one cell, where nothing is drawn: the moment that is pointed at."""
    spans: list[Span] = []
    start = 0
    for text, tone in of:
        place = x - start
        if 0 <= place < len(text) and text[place] in f" ╌{_BLANK}":
            spans += [Span(text[:place], tone), Span("┊", Tone.LIT), Span(text[place + 1 :], tone)]
        elif 0 <= place < len(text):
            spans += [Span(text[:place], tone), Span(text[place], Tone.LIT), Span(text[place + 1 :], tone)]
        else:
            spans.append(Span(text, tone))
        start += len(text)
    return line(*spans)


def axis_label(label: Callable[[float], str], top: float, row: int, height: int) -> Line:
    """What stands left of a row of a graph from 0 to `top`."""
    return _axis(_label(label, top, row, height))


def _axis(label: str) -> Line:
    return line(Span(f"{label:>{GUTTER - 1}}", Tone.MUTED), Span("┤" if label else "│", Tone.FAINT))


def _label(write: Callable[[float], str], top: float, row: int, height: int) -> str:
    if row == 0:
        return write(top)
    if row == height - 1:
        return write(0)
    return write(top / 2) if height >= 5 and height % 2 and row == height // 2 else ""


def _row(text: str, tone: Tone, has_limit: bool) -> Line:
    """One row of dots; where none are, the limit line shows."""
    blank = "╌" if has_limit else " "
    filled = text.lstrip(_BLANK) if has_limit else text
    if not has_limit:
        return line(Span(text.replace(_BLANK, " "), tone))
    empty = len(text) - len(filled)
    return line(Span(blank * empty, Tone.MUTED), *_mixed(filled, tone))


def _mixed(text: str, tone: Tone) -> Line:
    spans: list[Span] = []
    for character in text:
        is_blank = character == _BLANK
        piece, color = ("╌", Tone.MUTED) if is_blank else (character, tone)
        if spans and spans[-1].tone is color:
            spans[-1] = Span(spans[-1].text + piece, color)
        else:
            spans.append(Span(piece, color))
    return tuple(spans)


def _row_of(limit: float | None, top: float, height: int) -> int | None:
    """The row that a limit falls in; None when it is out of sight."""
    if limit is None or limit > top or top <= 0:
        return None
    return max(0, min(height - 1, height - 1 - int((limit / top) * height - 1e-9)))


def _tone(curve: Curve, top: float, row: int, height: int) -> Tone:
    """Rows that only values near the limit reach are coloured as warnings."""
    if curve.is_over or not curve.limit:
        return Tone.FAINT if curve.is_over else Tone.ACCENT
    reached = top * (height - 1 - row) / height / curve.limit
    if reached >= _VERY_NEAR:
        return Tone.BAD
    return Tone.WARN if reached >= _NEAR else Tone.ACCENT
