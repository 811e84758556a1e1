"""Every namespace of the machine by kind: what the kind is, which call makes one, and those that there are."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from engine.model import NamespaceEntry, NamespaceKind
from engine.namespaces.explained import EXPLAINED
from engine.namespaces.nesting import Nested, nested
from tui.drawing.lines import Line, Span, Tone, clip, justify, line, printable, width
from tui.drawing.namespaces import maps

_INDENT = "  "
_LONGEST_TEXT = 110  # cells: longer lines are hard to read


def type_lines(entries: Sequence[NamespaceEntry], selected: str | None, cells: int) -> list[Line]:
    """A heading, two sentences and a tree for each kind.

    Args:
        selected: a container's name, whose namespaces are lit.
    """
    lines: list[Line] = []
    for kind in EXPLAINED:
        own = [entry for entry in entries if entry.kind == kind]
        if not own:
            continue
        lines.extend(_heading(kind, len(own), min(cells, _LONGEST_TEXT)))
        lines.extend(clip(line(_INDENT, *_entry(each, selected)), cells) for each in nested(own))
        lines.append(())
    return lines[:-1]


def _heading(kind: NamespaceKind, count: int, cells: int) -> list[Line]:
    """The kind, the call that makes one, and two sentences."""
    explanation = EXPLAINED[kind]
    title = line(Span(kind, Tone.LIT), Span(f"  {explanation.title} · {count}", Tone.STRONG))
    call = line(Span(explanation.call, Tone.ACCENT))
    fits = width(title) + width(call) < cells
    heading = [justify(title, call, cells)] if fits else [title, clip(line(_INDENT, *call), cells)]
    sentences = textwrap.wrap(explanation.sentences, max(8, cells - len(_INDENT)))
    return [*heading, *(line(Span(_INDENT + text, Tone.MUTED)) for text in sentences)]


def _entry(each: Nested, selected: str | None) -> Line:
    entry = each.entry
    tone = Tone.FAINT if entry.is_host else Tone.PLAIN
    return line(
        Span(_stem(each), Tone.FAINT),
        Span(f"{entry.inode}  ", tone),
        _owner(entry, selected),
        Span(f"{_ids(entry)}{_pids(entry)}", Tone.MUTED),
        Span(_life(entry), Tone.FAINT if entry.is_host or not entry.processes else Tone.MUTED),
    )


def _stem(each: Nested) -> str:
    if not each.depth:
        return ""
    above = "".join("   " if is_last else "│  " for is_last in each.is_last[1:-1])
    return above + ("╰─ " if each.is_last[-1] else "├─ ")


def _owner(entry: NamespaceEntry, selected: str | None) -> Span:
    if entry.is_host:
        return Span("the host's  ", Tone.MUTED)
    if not entry.containers:
        return Span("")
    tone = Tone.LIT if selected in entry.containers else Tone.WARN if len(entry.containers) > 1 else Tone.STRONG
    return Span(f"{', '.join(entry.containers)}  ", tone)


def _ids(entry: NamespaceEntry) -> str:
    return f"{maps(entry.uid_map, entry.gid_map)}  " if entry.uid_map or entry.gid_map else ""


def _pids(entry: NamespaceEntry) -> str:
    """What the first process is called from the innermost namespace outwards."""
    return f"pid {' → '.join(map(str, reversed(entry.pids)))}  " if len(entry.pids) > 1 else ""


def _life(entry: NamespaceEntry) -> str:
    if not entry.processes:
        return f"kept by {', '.join(entry.held_by)}"
    count = f"{entry.processes} {'process' if entry.processes == 1 else 'processes'}"
    return count if entry.is_host else f"{count}  {printable(entry.command)}"
