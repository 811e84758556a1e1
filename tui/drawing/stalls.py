"""Pressure: how much of the time somebody waited for a resource (accounting/psi.rst), as a small table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from engine.model import Pressure, Stall
from tui.drawing import braille, units
from tui.drawing.lines import Line, Span, Tone, clip, line

_NAME_CELLS = 12
_SPARK_CELLS, _SPARKS_FROM = 11, 54
_UNTOLD = "this kernel doesn't tell it"
_WORTH_A_LOOK, _BAD = 10.0, 40.0

Named = tuple[str, Pressure | None, Sequence[float | None]]
"""A resource, its pressure, and the last values of `some` over ten seconds."""


def stall_lines(resources: Iterable[Named], cells: int) -> list[Line]:
    """Titles and a line for each of `some` and `full`; one sentence where the kernel tells nothing."""
    known = [(name, pressure, recent) for name, pressure, recent in resources if pressure is not None]
    if not known:
        return [line(Span(_UNTOLD, Tone.MUTED))]
    sparks = _SPARK_CELLS if cells >= _SPARKS_FROM else 0
    head = f"{'waiting for':<{_NAME_CELLS}}{'10 s':>6}{'':{sparks}}{'1 min':>7}{'5 min':>7}    in all"
    lines = [line(Span(head, Tone.MUTED))]
    for name, pressure, recent in known:
        lines.append(_stall(name, "some", pressure.some, _spark(recent, sparks)))
        if pressure.full is not None:
            lines.append(_stall("", "full", pressure.full, " " * sparks))
    return [clip(each, cells) for each in lines]


def past_stall_lines(resources: Iterable[tuple[str, Sequence[float | None]]], cells: int) -> list[Line]:
    """A curve and its peak for each resource of something that has ended; nothing where nothing was told."""
    lines: list[Line] = []
    for name, values in resources:
        known = [value for value in values if value is not None]
        if known:
            peak = Span(f"  at most {units.percent(max(known))} %", Tone.MUTED)
            spark = _spark(values, max(_SPARK_CELLS, cells - _NAME_CELLS - len(peak.text)))
            lines.append(clip(line(Span(f"{name:<{_NAME_CELLS}}", Tone.MUTED), Span(spark, Tone.FAINT), peak), cells))
    return lines


def brief_stalls(resources: Iterable[Named]) -> Line:
    """The last ten seconds of each resource in one line."""
    known = [(name, pressure) for name, pressure, _ in resources if pressure is not None]
    if not known:
        return line(Span(_UNTOLD, Tone.MUTED))
    spans: list[Span] = []
    for name, pressure in known:
        spans += [Span(f"{name} ", Tone.MUTED), _percent(pressure.some.avg10_percent, 0), Span(" %  ", Tone.MUTED)]
    return line(*spans, Span("of the last 10 s", Tone.MUTED))


def _stall(name: str, who: str, stall: Stall, spark: str) -> Line:
    return line(
        Span(f"{name:<{_NAME_CELLS - 5}}{who:<5}", Tone.MUTED),
        _percent(stall.avg10_percent, 6),
        Span(spark, Tone.ACCENT),
        _percent(stall.avg60_percent, 7),
        _percent(stall.avg300_percent, 7),
        Span(f" %  {units.duration(stall.total_usec / 1e6)}", Tone.MUTED),
    )


def _spark(recent: Sequence[float | None], cells: int) -> str:
    top = units.ceiling(max(_WORTH_A_LOOK, *(value or 0.0 for value in recent[-2 * cells :]), 0.0))
    return f" {braille.spark(recent, cells - 1, top).replace(chr(0x2800), ' ')}" if cells else ""


def _percent(value: float, cells: int) -> Span:
    tone = Tone.BAD if value >= _BAD else Tone.WARN if value >= _WORTH_A_LOOK else Tone.PLAIN
    return Span(units.percent(value).rjust(cells), tone if value >= 0.05 else Tone.FAINT)
