"""Curves of several containers over each other: lines in tones of their own, with names at their ends."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import Struct

from tui.drawing.braille import DOTS_PER_CELL
from tui.drawing.graph import GUTTER, axis_label
from tui.drawing.lines import Line, Span, Tone, fit, line
from tui.drawing.units import ceiling

_DOTS = ((0x40, 0x04, 0x02, 0x01), (0x80, 0x20, 0x10, 0x08))
"""Bits of a cell's dots, by column and from the bottom up (Unicode 15, chapter 21.1, "Braille Patterns")."""

_EMPTY = 0x2800
TONES = (Tone.ACCENT, Tone.WARN, Tone.GOOD, Tone.BAD, Tone.STRONG, Tone.MUTED)
"""Of the first curve, the second and so on; more curves than tones aren't drawn."""

_NAME_CELLS = 12
_LEAST_CELLS = 8


class Named(Struct, frozen=True):
    """One curve: a container's name, and values, oldest first; None is a gap."""

    name: str
    values: Sequence[float | None]


def names_cells(curves: Sequence[Named]) -> int:
    """Cells that names take at the right."""
    return min(_NAME_CELLS, max((len(curve.name) for curve in curves[: len(TONES)]), default=0))


def overlay(
    curves: Sequence[Named],
    width: int,
    height: int,
    label: Callable[[float], str],
    *,
    least_top: float = 1.0,
    binary: bool = False,
) -> list[Line]:
    """All curves on one scale, the newest values at the right, with the name of each where it ends.

    Returns:
        `height` lines of `width` cells; none when there's no room.
    """
    drawn = curves[: len(TONES)]
    names = names_cells(drawn)
    cells = width - GUTTER - names - 1
    if cells < _LEAST_CELLS or height < 2 or not drawn:
        return []
    peak = max((value for each in drawn for value in each.values[-cells * 2 :] if value is not None), default=0.0)
    top = ceiling(max(peak * 1.02, least_top), binary=binary)
    bits, tones = _plotted(drawn, cells, height, top)
    labels = _labels(drawn, height, top)
    return [
        line(
            *axis_label(label, top, row, height),
            *_spans(bits[row], tones[row]),
            " ",
            *_name(labels.get(row), names),
        )
        for row in range(height)
    ]


def _plotted(curves: Sequence[Named], cells: int, height: int, top: float) -> tuple[list[list[int]], list[list[Tone]]]:
    """Dots and tones of all cells; where curves meet, the first has the cell."""
    bits = [[0] * cells for _ in range(height)]
    tones = [[Tone.PLAIN] * cells for _ in range(height)]
    for curve, tone in reversed(list(zip(curves, TONES, strict=False))):
        dots = _heights(curve.values, cells, height, top)
        before: int | None = None
        for x, dot in enumerate(dots):
            if dot is not None:
                low, high = (dot, dot) if before is None else sorted((before, dot))
                for y in range(low, high + 1):
                    row, cell = height - 1 - y // DOTS_PER_CELL, x // 2
                    bits[row][cell] |= _DOTS[x % 2][y % DOTS_PER_CELL]
                    tones[row][cell] = tone
            before = dot
    return bits, tones


def _heights(values: Sequence[float | None], cells: int, height: int, top: float) -> list[int | None]:
    """The dot of each value from the bottom up, at the right edge."""
    dots = height * DOTS_PER_CELL - 1
    kept = list(values[-cells * 2 :])
    padded = [None] * (cells * 2 - len(kept)) + kept
    return [None if value is None else min(dots, round(value / top * dots)) for value in padded]


def _labels(curves: Sequence[Named], height: int, top: float) -> dict[int, tuple[str, Tone]]:
    """Names by row: each as near to the end of its curve as others leave it."""
    placed: dict[int, tuple[str, Tone]] = {}
    for curve, tone in zip(curves, TONES, strict=False):
        newest = next((value for value in reversed(curve.values) if value is not None), 0.0)
        wanted = height - 1 - min(height - 1, int(newest / top * height))
        free = [row for row in range(height) if row not in placed]
        if free:
            placed[min(free, key=lambda row, near=wanted: abs(row - near))] = curve.name, tone  # type: ignore[misc]
    return placed


def _name(of: tuple[str, Tone] | None, cells: int) -> Line:
    return (Span(" " * cells),) if of is None else (Span(fit(of[0], cells), of[1]),)


def _spans(bits: Sequence[int], tones: Sequence[Tone]) -> Line:
    spans: list[Span] = []
    for mask, tone in zip(bits, tones, strict=True):
        character, wanted = (chr(_EMPTY | mask), tone) if mask else (" ", Tone.PLAIN)
        if spans and spans[-1].tone is wanted:
            spans[-1] = Span(spans[-1].text + character, wanted)
        else:
            spans.append(Span(character, wanted))
    return tuple(spans)
