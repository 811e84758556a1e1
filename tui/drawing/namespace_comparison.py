"""Namespaces of several side by side: which are the same, and what is to be seen in those that aren't."""

from __future__ import annotations

from collections.abc import Sequence

from engine.model import NamespaceAspect, NamespacePortrait
from tui.drawing.lines import Line, Span, Tone, fit, line

_KIND_CELLS = 8
_GAP = "  "


def comparison_lines(
    portraits: Sequence[NamespacePortrait], cells: int, hidden: NamespacePortrait | None = None
) -> list[Line]:
    """Names, then two lines a kind: its number, and what is in it. One that was named before is the same as there.

    Args:
        hidden: has no column; what is shared with it is said all the same.
    """
    room = max(12, (cells - _KIND_CELLS) // max(1, len(portraits)) - len(_GAP))
    names = [Span(fit(portrait.name, room) + _GAP, Tone.STRONG) for portrait in portraits]
    lines = [line(Span("".ljust(_KIND_CELLS)), *names)]
    for kind in dict.fromkeys(aspect.kind for portrait in portraits for aspect in portrait.aspects):
        numbers: list[Span] = [Span(kind.ljust(_KIND_CELLS), Tone.ACCENT)]
        contents: list[Span] = [Span("".ljust(_KIND_CELLS))]
        seen = {} if hidden is None else {each.inode: hidden.name for each in hidden.aspects if each.kind == kind}
        for portrait in portraits:
            own = next((aspect for aspect in portrait.aspects if aspect.kind == kind), None)
            numbers.append(_number(own, seen, room))
            is_shared = own is not None and own.inode in seen
            contents.append(Span(fit("" if own is None or is_shared else own.contents, room) + _GAP, Tone.MUTED))
            if own is not None:
                seen.setdefault(own.inode, portrait.name)
        lines.extend([line(*numbers), line(*contents)])
    return lines


def _number(own: NamespaceAspect | None, seen: dict[int, str], room: int) -> Span:
    if own is None:
        return Span(fit("", room) + _GAP)
    if own.inode in seen:
        return Span(fit(f"= shared with {seen[own.inode]}", room) + _GAP, Tone.WARN)
    return Span(fit(str(own.inode), room) + _GAP)
