"""Facts with their labels, which take the same cells on every screen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tui.drawing.lines import Line, Span, Tone, fit, line

LABEL_CELLS = 12
"""For the longest label and a blank."""

Fact = tuple[str, Sequence[Line]]
"""A label, and the lines beside it; without any there is nothing to say."""


def label(text: str) -> Span:
    """A label in its column."""
    return Span(fit(text, LABEL_CELLS), Tone.MUTED)


def fact_lines(facts: Iterable[Fact]) -> list[Line]:
    """All of them below each other; a label stands beside the first of its lines."""
    return [line(label("" if place else name), *value) for name, values in facts for place, value in enumerate(values)]
