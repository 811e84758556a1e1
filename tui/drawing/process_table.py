"""Processes of a container as a tree, with both pids, threads, memory and processor time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Struct

from engine.model import ProcessInfo
from tui.drawing import units
from tui.drawing.columns import Column, fitting, table_lines
from tui.drawing.lines import Line, Span, Tone, line

_STATES = {"running": Tone.GOOD, "disk-sleep": Tone.WARN, "stopped": Tone.WARN, "zombie": Tone.BAD}


class _Row(Struct, frozen=True):
    """A process below its parent; `stem` is the branch that leads to it."""

    info: ProcessInfo
    stem: str


def process_table(processes: Sequence[ProcessInfo], cells: int) -> list[Line]:
    """Titles, and a line for each process; one whose parent isn't among them stands at the left."""
    columns = fitting(_COLUMNS, cells, least_last=26)
    return table_lines(_rows(processes), columns, cells)


def _rows(processes: Sequence[ProcessInfo]) -> Iterator[_Row]:
    known = {each.pid for each in processes}
    children: dict[int, list[ProcessInfo]] = {}
    for each in processes:
        children.setdefault(each.parent_pid if each.parent_pid in known else 0, []).append(each)
    yield from _nested(children, 0, "")


def _nested(children: dict[int, list[ProcessInfo]], parent: int, indent: str) -> Iterator[_Row]:
    level = children.get(parent, [])
    for index, each in enumerate(level):
        is_last = index == len(level) - 1
        yield _Row(each, (indent + ("╰ " if is_last else "├ ")) if parent else "")
        yield from _nested(children, each.pid, (indent + ("  " if is_last else "│ ")) if parent else "")


def _cpu(row: _Row) -> Line:
    value = row.info.cpu_percent
    return line(Span(units.known(value, units.percent), Tone.PLAIN if value else Tone.FAINT))


def _time(row: _Row) -> Line:
    seconds = row.info.cpu_usec / 1e6
    return line(Span(f"{seconds:.1f}s" if seconds < 60 else units.duration(seconds), Tone.MUTED))


def _state(row: _Row) -> Line:
    return line(Span(row.info.state, _STATES.get(row.info.state, Tone.MUTED)))


def _command(row: _Row) -> Line:
    return line(Span(row.stem, Tone.FAINT), row.info.command)


_COLUMNS: tuple[Column[_Row], ...] = (
    Column("PID", 5, lambda row: line(Span(str(row.info.pid_inside), Tone.ACCENT)), True),
    Column("ON HOST", 7, lambda row: line(Span(str(row.info.pid), Tone.MUTED)), True),
    Column("CPU %", 5, _cpu, True),
    Column("MEMORY", 6, lambda row: line(units.size(row.info.memory_bytes)), True),
    Column("THR", 3, lambda row: line(str(row.info.threads)), True, 1),
    Column("TIME", 7, _time, True, 2),
    Column("USER", 9, lambda row: line(Span(row.info.user, Tone.MUTED)), False, 3),
    Column("STATE", 10, _state, False, 4),
    Column("COMMAND", 0, _command),
)
