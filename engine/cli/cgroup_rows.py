"""The tree of control groups as lines: drawn at the left, with columns of numbers beside it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from engine.cli.formats import binary_size, decimal_size
from engine.cli.output import shortened
from engine.limits import CgroupSetting, DeviceLimit, HugetlbLimit, Limits
from engine.model import CgroupNode

Scope = Literal["containers", "all", "host"]

_UNKNOWN = "--"
_FROM_ABOVE = "↑"
_GAP = "  "
_NAME_WIDTH = 40
_WARN_SHARE, _ALARM_SHARE = 0.75, 0.9
_WARN, _ALARM, _FROZEN, _RESET = "\x1b[33m", "\x1b[31m", "\x1b[36m", "\x1b[0m"  # ECMA-48, SGR
_HEADINGS = (
    "CGROUP",
    "PROCS",
    "CPU %",
    "MEMORY",
    "LIMIT",
    "PIDS",
    "LIMIT",
    "READ",
    "WRITTEN",
    "SET HERE",
    "CONTROLLERS",
)
_SET_HERE = 9
_AT_LEFT = {0, _SET_HERE, 10}
_DISPENSABLE = (10, 7, 8, 1, _SET_HERE, 6, 5)  # columns in the order in which they give way to others
_OPTIONS = {  # those that aren't called as the limit is
    "io_weight": "blkio-weight",
    "device_weights": "blkio-weight-device",
    "device_read_bytes": "device-read-bps",
    "device_written_bytes": "device-write-bps",
    "device_reads": "device-read-iops",
    "device_writes": "device-write-iops",
    "pids": "pids-limit",
}
_LEAST_SET_HERE = 16  # characters to which its words may be cut before others give way


class _Cell(NamedTuple):
    text: str
    colour: str = ""


def tree_lines(tree: CgroupNode, scope: Scope, whole: bool = False) -> list[str]:
    """One line a cgroup, below a line of headings.

    Args:
        scope: ``containers`` leaves out what is below containers' own cgroups, whose processes count for these.
        whole: don't cut lines at the terminal's width.
    """
    room = None if whole else _NAME_WIDTH
    rows = [[_Cell(heading) for heading in _HEADINGS], *_rows(tree, "", "", scope, room)]
    is_terminal = sys.stdout.isatty()
    width = os.get_terminal_size(sys.stdout.fileno()).columns if is_terminal and not whole else None
    return _lines(rows, width, with_colours=is_terminal and not os.environ.get("NO_COLOR"))


def _rows(node: CgroupNode, stem: str, below: str, scope: Scope, room: int | None) -> Iterator[list[_Cell]]:
    is_leaf = scope == "containers" and bool(node.container_id)
    name = _name(node) if room is None else shortened(_name(node), room)
    yield _row(node, stem + name, node.all_processes if is_leaf else node.processes)
    children = () if is_leaf else node.children
    for child in children:
        is_last = child is children[-1]
        stem, deeper = ("└─ ", "   ") if is_last else ("├─ ", "│  ")
        yield from _rows(child, below + stem, below + deeper, scope, room)


def _row(node: CgroupNode, name: str, processes: int) -> list[_Cell]:
    memory_limit, pids_limit = _limits_of(node)
    memory = node.memory.working_set_bytes if node.memory else None
    pids = node.pids.current if node.pids else None
    return [
        _Cell(name, _FROZEN if node.is_frozen else ""),
        _Cell(str(processes)),
        _cpu(node),
        _Cell(_size(memory), _colour(memory, node.memory.limit_bytes if node.memory else None)),
        _Cell(memory_limit),
        _Cell(_UNKNOWN if pids is None else str(pids), _colour(pids, node.pids.limit if node.pids else None)),
        _Cell(pids_limit),
        _Cell(_UNKNOWN if node.io is None else decimal_size(node.io.read_bytes)),
        _Cell(_UNKNOWN if node.io is None else decimal_size(node.io.written_bytes)),
        _Cell(limit_words(node.limits) or "-"),
        _Cell(_controllers(node)),
    ]


def _name(node: CgroupNode) -> str:
    if not node.container_id:
        return node.path if node.name == "/" or node.path.count("/") == 1 else node.name
    return f"{node.container_name} {node.container_id[:12]}{' (frozen)' if node.is_frozen else ''}"


def _cpu(node: CgroupNode) -> _Cell:
    if node.cpu is None or node.cpu.percent is None:
        return _Cell(_UNKNOWN)
    limit = node.cpu.limit_percent
    text = f"{node.cpu.percent:.1f}" + ("" if limit is None else f" / {limit:.0f}")
    return _Cell(text, _colour(node.cpu.percent, limit))


def _limits_of(node: CgroupNode) -> tuple[str, str]:
    """The limits in force of memory and processes, with an arrow where a cgroup above sets them."""
    bound = node.in_force
    memory = node.memory.limit_bytes if node.memory else None
    pids = node.pids.limit if node.pids else None
    memory_arrow = _FROM_ABOVE if bound and bound.memory_from != node.path else ""
    pids_arrow = _FROM_ABOVE if bound and bound.pids_from != node.path else ""
    return (
        "-" if memory is None else f"{binary_size(memory)}{memory_arrow}",
        "-" if pids is None else f"{pids}{pids_arrow}",
    )


def limit_words(limits: Limits) -> str:
    """The limits that are set, by the names of their options: ``memory 64MiB, cpus 0.5, pids-limit 100``."""
    found: list[str] = []
    for name in limits.__struct_fields__:
        value = getattr(limits, name)
        if value is not None and value != ():
            found.append(_limit(name, value))
    return ", ".join(found)


def _limit(name: str, value: object) -> str:
    is_bytes = name.endswith("_bytes")
    word = _OPTIONS.get(name) or name.removesuffix("_bytes").removesuffix("_usec").replace("_", "-")
    if isinstance(value, tuple):
        items = " ".join(_item(each, is_bytes) for each in value)
        return items if name == "unified" else f"{word} {items}"
    if value is True:
        return word
    return f"{word} {binary_size(value) if is_bytes and isinstance(value, int) else value}"


def _item(limit: object, is_bytes: bool) -> str:
    """One of a list, as its option takes it."""
    match limit:
        case CgroupSetting(file, value):
            return f"{file}={value}"
        case HugetlbLimit(page_size, limit_bytes):
            return f"{page_size}:{binary_size(limit_bytes)}"
        case DeviceLimit(device, value):
            return f"{device}:{binary_size(value) if is_bytes else value}"
    raise TypeError(limit)


def _controllers(node: CgroupNode) -> str:
    """Those that are on, and on v2 after a slash those that are handed down."""
    here = " ".join(node.controllers) or "-"
    return f"{here} / {' '.join(node.handed_down)}" if node.handed_down else here


def _size(size_bytes: int | None) -> str:
    return _UNKNOWN if size_bytes is None else binary_size(size_bytes)


def _colour(used: float | None, limit: float | None) -> str:
    if used is None or not limit or used < _WARN_SHARE * limit:
        return ""
    return _ALARM if used >= _ALARM_SHARE * limit else _WARN


def _lines(rows: Sequence[Sequence[_Cell]], width: int | None, with_colours: bool) -> list[str]:
    widths = [max(len(row[place].text) for row in rows) for place in range(len(_HEADINGS))]
    places = _fitting(widths, width)
    return [_line([row[place] for place in places], places, widths, width, with_colours) for row in rows]


def _fitting(widths: Sequence[int], width: int | None) -> list[int]:
    """The columns that there is room for."""
    places = list(range(len(widths)))
    if width is None:
        return places
    for place in _DISPENSABLE:
        least = [min(widths[each], _LEAST_SET_HERE) if each == _SET_HERE else widths[each] for each in places]
        if sum(least) + len(_GAP) * (len(least) - 1) <= width:
            break
        places.remove(place)
    return places


def _line(
    cells: Sequence[_Cell], places: Sequence[int], widths: Sequence[int], width: int | None, with_colours: bool
) -> str:
    line, used = "", 0
    for place, cell in zip(places, cells, strict=True):
        room = None if width is None else width - used
        if room is not None and room <= 0:
            break
        wide = widths[place]
        if room is not None:
            later = sum(widths[each] + len(_GAP) for each in places if each > place)
            wide = min(wide, max(1, room - later) if place == _SET_HERE else room)
        text = shortened(cell.text, wide)
        text = text.ljust(wide) if place in _AT_LEFT else text.rjust(wide)
        used += len(text) + len(_GAP)
        line += (f"{cell.colour}{text}{_RESET}" if with_colours and cell.colour else text) + _GAP
    return line.rstrip()
