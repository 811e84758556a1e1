"""A pull as lines: the whole, and a bar for every layer."""

from __future__ import annotations

from collections.abc import Sequence

from engine.model import Progress
from tui.drawing import meter, units
from tui.drawing.lines import Line, Span, Tone, clip, fit, line

_PART_CELLS, _WHAT_CELLS, _AMOUNT_CELLS = 12, 12, 14
_MOST_BAR_CELLS, _LEAST_BAR_CELLS = 48, 6
MOST_CELLS = _PART_CELLS + 2 + _WHAT_CELLS + _MOST_BAR_CELLS + 2 + _AMOUNT_CELLS
"""Lines are never longer."""

READY = "Ready"


def layer_lines(parts: Sequence[Progress], cells: int, most: int) -> list[Line]:
    """A line for each layer, those that are at work first where there is no room for all.

    Args:
        parts: the latest of each, in the order in which they began.
        most: lines to make, at least 1.
    """
    busy_first = sorted(parts, key=lambda part: part.what == READY)
    chosen = busy_first if len(parts) <= most else busy_first[: most - 1]
    lines = [_layer_line(part, cells) for part in parts if part in chosen]
    if len(chosen) < len(parts):
        lines.append(line(Span(f"and {len(parts) - len(chosen)} more layers", Tone.MUTED)))
    return lines


def share(parts: Sequence[Progress]) -> float:
    """How much of all layers that are known is done, from 0 to 1; a layer counts for downloading and unpacking."""
    if not parts:
        return 0.0
    return sum(_done(part) for part in parts) / len(parts)


def _done(part: Progress) -> float:
    if part.what == READY:
        return 1.0
    within = min(1.0, part.done / part.total) if part.total else 0.0
    return within / 2 if part.what == "Downloading" else 0.5 + within / 2


def _layer_line(part: Progress, cells: int) -> Line:
    is_ready = part.what == READY
    amount = f"{units.size(part.done)} / {units.size(part.total)}" if part.total else ""
    room = cells - _PART_CELLS - _WHAT_CELLS - _AMOUNT_CELLS - 5
    bar: Line = ()
    if room >= _LEAST_BAR_CELLS:
        tone = Tone.GOOD if is_ready else Tone.ACCENT
        done = 1.0 if is_ready else part.done / part.total if part.total else 0.0
        bar = meter.meter([meter.Part("", done, "", "━", tone)], 1.0, min(room, _MOST_BAR_CELLS))
    return clip(
        line(
            Span(fit(part.part, _PART_CELLS), Tone.MUTED),
            "  ",
            Span(fit(part.what.lower(), _WHAT_CELLS), Tone.GOOD if is_ready else Tone.PLAIN),
            *bar,
            Span(f"  {amount:>{_AMOUNT_CELLS}}", Tone.MUTED),
        ),
        cells,
    )
