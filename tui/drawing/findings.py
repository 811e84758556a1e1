"""What a check has found: where and what, and below what a repair does or has done."""

from __future__ import annotations

import re
from collections.abc import Sequence

from engine.model import Finding
from tui.drawing.lines import Line, Span, Tone, line

_LONG_ID = re.compile(r"([0-9a-f]{12})[0-9a-f]{52}")


def finding_lines(findings: Sequence[Finding]) -> list[Line]:
    """Two lines for each."""
    if not findings:
        return [line(Span("everything is in order", Tone.GOOD))]
    return [each for finding in findings for each in _lines(finding)]


def _lines(finding: Finding) -> tuple[Line, Line]:
    place, problem = _LONG_ID.sub(r"\1…", finding.place), _LONG_ID.sub(r"\1…", finding.problem)
    found = line(Span(f"{finding.kind} ", Tone.MUTED), Span(place, Tone.STRONG), Span(f" {problem}", Tone.PLAIN))
    if finding.is_mended:
        return found, line(Span(f"  ✓ {finding.remedy}", Tone.GOOD))
    if finding.failure:
        return found, line(Span(f"  ✗ {finding.failure}", Tone.BAD))
    if finding.is_mendable:
        return found, line(Span(f"  repair {finding.remedy}", Tone.ACCENT))
    return found, line(Span(f"  {finding.remedy}", Tone.WARN))
