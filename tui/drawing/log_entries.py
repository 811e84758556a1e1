"""The command log in lines: when, what, how long, and what came of it."""

from __future__ import annotations

import time

from tui.command_log import Entry
from tui.drawing.lines import Line, Span, Tone, clip, line, printable


def entry_line(entry: Entry, cells: int) -> Line:
    """One entry, in that many cells."""
    clock = time.strftime("%H:%M:%S", time.localtime(entry.started_unix_ns / 1e9))
    words = Span(printable(entry.words), Tone.PLAIN) if entry.words else Span("", Tone.PLAIN)
    outcome = Span(printable(entry.error), Tone.BAD) if entry.error else Span("")
    took = Span(f"{_duration(entry):>8}  ", Tone.MUTED)
    mark = Span("▲ ", Tone.BAD) if entry.error else Span("● ", Tone.GOOD if entry.seconds is not None else Tone.WARN)
    gap = "  " if entry.words and entry.error else ""
    return clip(line(Span(f" {clock} ", Tone.MUTED), took, mark, words, gap, outcome), cells)


def _duration(entry: Entry) -> str:
    if entry.seconds is None:
        return "" if not entry.words else "…"
    return f"{entry.seconds * 1000:.0f} ms" if entry.seconds < 1 else f"{entry.seconds:.1f} s"


def detail_lines(entry: Entry) -> list[Line]:
    """All about one entry."""
    when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(entry.started_unix_ns / 1e9))
    lines = [line(Span(printable(entry.words) or "a failure", Tone.STRONG), Span(f"  {when}", Tone.MUTED))]
    return [*lines, *(line(Span(printable(each), Tone.BAD if each.startswith("cause") else Tone.PLAIN))
                      for each in entry.detail)]  # fmt: skip
