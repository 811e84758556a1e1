"""What a machine has and lacks: a line for what is there, and below what isn't the command that mends it."""

from __future__ import annotations

from collections.abc import Iterable
from textwrap import wrap

from engine.preflight.part import Part, Verdict
from tui.drawing.lines import Line, Span, Tone, line

_MARKS = {
    Verdict.GOOD: Span("● ", Tone.GOOD),
    Verdict.LIMITED: Span("◐ ", Tone.WARN),
    Verdict.MISSING: Span("▲ ", Tone.BAD),
}
_NAME_CELLS = 17
_LEFT_CELLS = _NAME_CELLS + 2
_LEAST_CELLS = 8
_WORST_FIRST = (Verdict.MISSING, Verdict.LIMITED, Verdict.GOOD)


def preflight_lines(parts: Iterable[Part], cells: int) -> list[Line]:
    """What is missing first, in that many cells."""
    lines: list[Line] = []
    text_cells = max(_LEAST_CELLS, cells - _LEFT_CELLS)
    for part in sorted(parts, key=lambda each: _WORST_FIRST.index(each.verdict)):
        is_good = part.verdict is Verdict.GOOD
        texts = [Span(each, Tone.MUTED if is_good else Tone.PLAIN) for each in wrap(part.says, text_cells)]
        if not is_good:
            texts += [Span(each, Tone.MUTED) for each in wrap(f"{part.effect}; mend it:", text_cells)]
            texts.append(Span(part.remedy, Tone.ACCENT))  # whole, to be selected
        lines.append(line(_MARKS[part.verdict], Span(f"{part.name:<{_NAME_CELLS}}", Tone.STRONG), texts[0]))
        lines.extend(line(" " * _LEFT_CELLS, text) for text in texts[1:])
    return lines


def summary(parts: Iterable[Part]) -> str:
    """What is wrong in a few words, worst first; empty when nothing is."""
    wrong = [part for part in parts if part.verdict is not Verdict.GOOD]
    names = [part.name for part in sorted(wrong, key=lambda each: _WORST_FIRST.index(each.verdict))]
    return ", ".join(names)
