"""An X-ray as lines of text: when, how long, who, and the call as strace(1) would write it."""

from __future__ import annotations

import time
from collections.abc import Iterable

from engine.cli.output import aligned
from engine.model.xray import KernelCall, Xray

_GAP = "  "


def xray_lines(xray: Xray, calls: Iterable[KernelCall], explains: bool = False) -> list[str]:
    """A heading, and a line for each call; with `explains` each is followed by what it is for."""
    shown = list(calls)
    rows = [("AT µs", "TOOK µs", "PROCESS", "CALL")]
    rows += [(f"{call.at_usec:.0f}", took(call), call.process, call.text) for call in shown]
    lines = aligned(rows, (0, 1), _GAP)
    if explains:
        indent = " " * lines[0].index("CALL")
        told = [[line, f"{indent}{call.explanation}"] for line, call in zip(lines[1:], shown, strict=True)]
        lines = [lines[0], *(line for pair in told for line in pair if line.strip())]
    return [heading(xray, len(shown)), *lines]


def heading(xray: Xray, shown: int) -> str:
    """What it is of, how long it took, and how many calls of how many are shown."""
    count = counted(shown) if shown == len(xray.calls) else f"{shown} of {len(xray.calls)} calls"
    parts = [f"{xray.action} {xray.name}", f"{xray.duration_usec / 1000:.1f} ms", count]
    if xray.began_unix_ns:
        parts.append(time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(xray.began_unix_ns / 1e9)))
    return " · ".join(parts) + (f" · failed: {xray.error}" if xray.error else "")


def counted(calls: int) -> str:
    """So many calls, in words."""
    return "1 call" if calls == 1 else f"{calls} calls"


def took(call: KernelCall) -> str:
    """How long it took in microseconds; a hyphen for a call that doesn't return."""
    return "-" if call.duration_usec is None else f"{call.duration_usec:.1f}"
