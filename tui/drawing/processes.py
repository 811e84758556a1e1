"""Processes of a container, nested below their parents, each with its pid inside and outside."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from engine.model import ProcessInfo
from tui.drawing import units
from tui.drawing.lines import Line, Span, Tone, clip, line

_LEAST_COMMAND_CELLS = 8


def process_lines(processes: Sequence[ProcessInfo], cells: int) -> list[Line]:
    """One line a process, as a tree; one whose parent isn't among them stands at the left."""
    known = {each.pid for each in processes}
    children: dict[int, list[ProcessInfo]] = {}
    for each in processes:
        children.setdefault(each.parent_pid if each.parent_pid in known else 0, []).append(each)
    return list(_nested(children, 0, "", cells))


def _nested(children: dict[int, list[ProcessInfo]], parent: int, indent: str, cells: int) -> Iterator[Line]:
    level = children.get(parent, [])
    for index, each in enumerate(level):
        is_last = index == len(level) - 1
        yield _process(each, indent + ("╰ " if is_last else "├ "), cells)
        yield from _nested(children, each.pid, indent + ("  " if is_last else "│ "), cells)


def _process(info: ProcessInfo, stem: str, cells: int) -> Line:
    """One process; a long command gives way to its pid on the host."""
    inside = f"{info.pid_inside} "
    threads = f"  {info.threads} threads" if info.threads > 1 else ""
    memory = f"  {units.size(info.memory_bytes)}" if info.memory_bytes else ""
    outside = f"  host {info.pid}{memory}{threads}"
    room = max(_LEAST_COMMAND_CELLS, cells - len(stem) - len(inside) - len(outside))
    command = clip(line(info.command), room)
    return line(Span(stem, Tone.FAINT), Span(inside, Tone.ACCENT), *command, Span(outside, Tone.MUTED))
