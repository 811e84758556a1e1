"""An X-ray in lines: a call a row with its place in time, and what one call is for."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Sequence
from typing import get_args

from engine.cli.xray_lines import counted
from engine.model.xray import CallKind, KernelCall, Xray
from tui.drawing.lines import Line, Span, Tone, clip, fit, justify, line, printable

ALL = "all"
KINDS: tuple[str, ...] = (ALL, *get_args(CallKind))

_AT_CELLS, _TOOK_CELLS, _PROCESS_CELLS = 8, 8, 8
_INSIDE = ("init", "exec")  # which are in the container's pid namespace
_STRIP_CELLS = 24  # of the strip that shows when a call was
_CELLS_FOR_STRIP = 118
_LONG_NUMBER = re.compile(r"\b([0-9a-f]{12})[0-9a-f]{52}\b")  # ids and digests
_SHORTENED = r"\1…"
_SHARE = "▏▎▍▌▋▊▉█"


def titles(cells: int) -> Line:
    """What stands in the columns."""
    strip = f"{'WHEN':<{_STRIP_CELLS}}  " if cells >= _CELLS_FOR_STRIP else ""
    head = f" {'AT µs':>{_AT_CELLS}} {'TOOK µs':>{_TOOK_CELLS}}  {strip}{'PROCESS':<{_PROCESS_CELLS}}  CALL"
    return clip(line(Span(head, Tone.MUTED)), cells)


def row(call: KernelCall, span: tuple[float, float], cells: int) -> Line:
    """One call.

    Args:
        span: of all that are shown, in microseconds, for the strip.
    """
    took = "" if call.duration_usec is None else f"{call.duration_usec:.1f}"
    strip: Line = ()
    if cells >= _CELLS_FOR_STRIP:
        strip = line(Span(_strip(call, span), Tone.BAD if call.failed else Tone.ACCENT), "  ")
    return clip(
        line(
            Span(f" {call.at_usec:>{_AT_CELLS}.0f}", Tone.MUTED),
            Span(f" {took:>{_TOOK_CELLS}}  ", Tone.STRONG if (call.duration_usec or 0) >= 1000 else Tone.MUTED),
            *strip,
            Span(fit(_short(call.process), _PROCESS_CELLS) + "  ", Tone.MUTED),
            Span(call.name, Tone.BAD if call.failed else Tone.ACCENT),
            Span(f"({_LONG_NUMBER.sub(_SHORTENED, printable(call.arguments))})"),
            Span(f" = {call.result}", Tone.BAD if call.failed else Tone.MUTED),
        ),
        cells,
    )


def _short(process: str) -> str:
    return "stone" if process == "stepping stone" else process


def _strip(call: KernelCall, span: tuple[float, float]) -> str:
    """Where in the time of all calls this one was: at least an eighth of a cell wide."""
    first, last = span
    scale = _STRIP_CELLS / max(1.0, last - first)
    begin = int(max(0.0, min(_STRIP_CELLS - 1, (call.at_usec - first) * scale)))
    eighths = int((call.duration_usec or 0.0) * scale * 8)
    full, rest = divmod(max(1, eighths), 8)
    drawn = (_SHARE[-1] * full + (_SHARE[rest - 1] if rest else ""))[: _STRIP_CELLS - begin]
    return (" " * begin + drawn).ljust(_STRIP_CELLS)


def span_of(calls: Sequence[KernelCall]) -> tuple[float, float]:
    """From the first begin since the action's own to the last end; what was done in advance would dwarf the rest."""
    ends = [call.at_usec + (call.duration_usec or 0.0) for call in calls]
    begins = [call.at_usec for call in calls if call.at_usec >= 0]
    return (min(begins, default=0.0), max(ends, default=0.0))


def kind_line(xray: Xray, kind: str, cells: int) -> Line:
    """The kinds of calls there are, with how many; the one that is shown is lit."""
    counts = Counter[str](call.kind for call in xray.calls)
    counts[ALL] = len(xray.calls)
    names = [each for each in KINDS if counts[each]]
    with_counts = sum(len(f"{name} {counts[name]}  ") for name in names) + 1 <= cells
    spans: list[Span] = [Span(" ")]
    for name in names:
        spans.append(Span(name, Tone.LIT if name == kind else Tone.MUTED))
        spans.append(Span(f" {counts[name]}  " if with_counts else " ", Tone.FAINT))
    return clip(line(*spans), cells)


def heading(xray: Xray, actions: Sequence[str], shown: int, cells: int) -> Line:
    """The recordings that there are, the one that is shown lit; and how long it took."""
    spans: list[Span] = [Span(" ")]
    for index, action in enumerate(actions):
        spans.append(Span(action, Tone.LIT if index == shown else Tone.MUTED))
        spans.append(Span("  "))
    clock = time.strftime("%H:%M:%S", time.localtime(xray.began_unix_ns / 1e9)) if xray.began_unix_ns else ""
    right = line(
        Span(f"{xray.duration_usec / 1000:.1f} ms", Tone.STRONG),
        Span(f" · {counted(len(xray.calls))} · {clock} ", Tone.MUTED),
    )
    return justify(line(*spans), right, cells)


def detail_lines(call: KernelCall | None, xray: Xray, cells: int) -> list[Line]:
    """What a call is for, who made it and how; the call itself in full."""
    failure = [line(Span(each, Tone.BAD)) for each in _wrapped(f"failed: {xray.error}", cells)] if xray.error else []
    if call is None:
        return failure
    took = "it never returns" if call.duration_usec is None else f"{call.duration_usec:.1f} µs"
    where = " in its own namespace" if call.process in _INSIDE else ""
    who = line(
        Span(call.process, Tone.ACCENT),
        Span(f" · pid {call.pid}{where} · {call.kind} · {took}", Tone.MUTED),
    )
    told = [line(Span(each, Tone.STRONG)) for each in _wrapped(call.explanation, cells)[:3]]
    text = [line(Span(each)) for each in _wrapped(printable(call.text), cells)[:3]]
    return [clip(each, cells) for each in (*told, who, *text, *failure)]


def _wrapped(text: str, cells: int) -> list[str]:
    import textwrap

    return textwrap.wrap(text, max(20, cells), break_on_hyphens=False)
