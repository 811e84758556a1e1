"""Every namespace of the machine, one line each: which, whose, and who is in it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import Struct

from engine.model import NamespaceEntry
from tui.drawing.lines import Line, Span, Tone, clip, fit, line

_GAP = "  "
_LEAST_COMMAND_CELLS = 12


class Column(Struct, frozen=True):
    """A column: its title, its width in cells, and what stands in it."""

    title: str
    cells: int
    text: Callable[[NamespaceEntry], str]
    tone: Tone = Tone.PLAIN
    right: bool = False


def _number(value: int | None) -> str:
    return "·" if value is None else str(value)


def _owner(entry: NamespaceEntry) -> str:
    if entry.is_host:
        return "the host's"
    return ", ".join(entry.containers) or "·"


def _life(entry: NamespaceEntry) -> str:
    """Its first process, or what keeps it without one."""
    return entry.command if entry.processes else ", ".join(entry.held_by)


_IN_ORDER = (
    Column("KIND", 6, lambda entry: entry.kind, Tone.MUTED),
    Column("NUMBER", 10, lambda entry: str(entry.inode)),
    Column("CONTAINER", 17, _owner),
    Column("PROCESSES", 9, lambda entry: str(entry.processes), right=True),
    Column("PID", 7, lambda entry: _number(entry.pid), Tone.MUTED, right=True),
    Column("OWNER", 10, lambda entry: _number(entry.owner_inode), Tone.MUTED),
    Column("UID", 6, lambda entry: _number(entry.owner_uid), Tone.MUTED, right=True),
    Column("PARENT", 10, lambda entry: _number(entry.parent_inode), Tone.MUTED),
)
_OPTIONAL = ("UID", "PARENT", "OWNER", "PID", "PROCESSES")  # in the order in which they give way


def table_lines(entries: Sequence[NamespaceEntry], selected: str | None, cells: int) -> list[Line]:
    """Titles, then namespaces in the order in which they came.

    Args:
        selected: a container's name, whose namespaces are lit.
    """
    columns = _fitting(cells)
    titles = _GAP.join(fit(column.title, column.cells, right=column.right) for column in columns)
    lines = [line(Span(f"{titles}{_GAP}COMMAND", Tone.MUTED))]
    lines.extend(_row(entry, columns, selected) for entry in entries)
    return [clip(each, cells) for each in lines]


def _fitting(cells: int) -> list[Column]:
    columns = list(_IN_ORDER)
    for title in _OPTIONAL:
        if sum(column.cells + len(_GAP) for column in columns) + _LEAST_COMMAND_CELLS <= cells:
            break
        columns = [column for column in columns if column.title != title]
    return columns


def _row(entry: NamespaceEntry, columns: Sequence[Column], selected: str | None) -> Line:
    spans: list[Span] = []
    for column in columns:
        tone = column.tone
        if entry.is_host:
            tone = Tone.FAINT
        elif column.title == "CONTAINER" and selected in entry.containers:
            tone = Tone.LIT
        spans.extend([Span(fit(column.text(entry), column.cells, right=column.right), tone), Span(_GAP)])
    return line(*spans, Span(_life(entry), Tone.FAINT if entry.is_host or not entry.processes else Tone.PLAIN))
