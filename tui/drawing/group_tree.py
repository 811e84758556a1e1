"""The tree of control groups, a line each, with what is used and what is allowed."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from engine.model import CgroupNode
from tui.drawing import units
from tui.drawing.columns import Column, fitting
from tui.drawing.lines import Line, Span, Tone, clip, fit, line, width
from tui.drawing.table import pressure

_LEAST_NAME_CELLS, _MOST_NAME_CELLS = 22, 48
_GAP = "  "
_INHERITED = "↑"


class Branch(Struct, frozen=True):
    """A control group in the tree, and the stem that leads to it."""

    node: CgroupNode
    stem: str


def branches(tree: CgroupNode) -> list[Branch]:
    """All groups, parents before children, and children by the names that people know."""
    return [Branch(tree, ""), *_below(tree, "")]


def header(cells: int) -> Line:
    """The titles."""
    columns, name_cells = _layout(cells)
    texts = (fit(column.title, column.cells, right=column.right) for column in columns)
    return line(Span(_GAP.join((fit("CONTROL GROUP", name_cells), *texts)), Tone.MUTED))


def branch_line(branch: Branch, cells: int, *, is_selected: bool) -> Line:
    """One group."""
    columns, name_cells = _layout(cells)
    spans = [*_padded(clip(_name(branch, is_selected), name_cells), name_cells, right=False)]
    for column in columns:
        spans += [Span(_GAP), *_padded(clip(column.cell(branch.node), column.cells), column.cells, right=column.right)]
    return tuple(spans)


def footnote(branches: list[Branch]) -> Line:
    """What the arrow means, where there is one."""
    if not any(
        _inherits_memory(each.node) or _inherits_cpu(each.node) or _inherits_pids(each.node) for each in branches
    ):
        return ()
    return line(Span(_INHERITED, Tone.WARN), Span(" the tighter limit of a group above", Tone.MUTED))


def _below(node: CgroupNode, indent: str) -> Iterator[Branch]:
    for index, child in enumerate(sorted(node.children, key=lambda each: each.container_name or each.name)):
        is_last = index == len(node.children) - 1
        yield Branch(child, indent + ("╰ " if is_last else "├ "))
        yield from _below(child, indent + ("  " if is_last else "│ "))


def _layout(cells: int) -> tuple[list[Column[CgroupNode]], int]:
    columns = fitting(_COLUMNS, cells - _LEAST_NAME_CELLS - len(_GAP))
    room = cells - sum(column.cells + len(_GAP) for column in columns)
    return columns, max(1, min(room, _MOST_NAME_CELLS))


def _padded(of: Line, cells: int, *, right: bool) -> Line:
    blank = " " * (cells - width(of))
    return line(blank, *of) if right else line(*of, blank)


def _name(branch: Branch, is_selected: bool) -> Line:
    """A container by its name; other groups by their path's last part, the first by its whole path."""
    node = branch.node
    tone = Tone.STRONG if is_selected else Tone.PLAIN
    pause = Span(" ◐ paused", Tone.WARN) if node.is_frozen else Span("")
    if node.container_name:
        short = Span(f"  {node.container_id[:12]}", Tone.FAINT)
        return line(Span(branch.stem, Tone.FAINT), Span(node.container_name, tone), pause, short)
    return line(Span(branch.stem, Tone.FAINT), Span(node.name if branch.stem else node.path, Tone.MUTED), pause)


def _cpu(node: CgroupNode) -> Line:
    if node.cpu is None:
        return _off()
    now, limit = node.cpu.percent, node.cpu.limit_percent
    used = Span(units.known(now, units.percent), pressure(now or 0, limit))
    return line(used, *_limit(f"{limit:.0f}" if limit else "", _inherits_cpu(node)), Span(" %", Tone.MUTED))


def _memory(node: CgroupNode) -> Line:
    if node.memory is None:
        return _off()
    used, limit = node.memory.working_set_bytes, node.memory.limit_bytes
    value = Span(units.size(used), pressure(used, limit))
    return line(value, *_limit(units.size(limit) if limit else "", _inherits_memory(node)))


def _pids(node: CgroupNode) -> Line:
    if node.pids is None:
        return line(str(node.all_processes))
    limit = node.pids.limit
    value = Span(str(node.pids.current), pressure(node.pids.current, limit))
    return line(value, *_limit(str(limit or ""), _inherits_pids(node)))


def _disks(node: CgroupNode) -> Line:
    if node.io is None:
        return _off()
    return line(Span(f"{units.size(node.io.read_bytes):>5} {units.size(node.io.written_bytes):>5}", Tone.MUTED))


def _weight(node: CgroupNode) -> Line:
    """Its share of busy processors, as the kernel counts it: cpu.shares of v1, cpu.weight of v2."""
    if node.limits.cpu_idle:
        return line(Span("idle", Tone.WARN))
    raw = (each.value for each in node.limits.unified if each.file == "cpu.weight")
    weight = str(node.limits.cpu_shares or next(raw, ""))
    return line(Span(weight or units.UNKNOWN, Tone.MUTED if weight else Tone.FAINT))


def _cpuset(node: CgroupNode) -> Line:
    return line(Span(node.limits.cpuset_cpus or units.UNKNOWN, Tone.MUTED if node.limits.cpuset_cpus else Tone.FAINT))


def _off() -> Line:
    return line(Span("off", Tone.FAINT))


def _limit(text: str, is_inherited: bool) -> Line:
    mark = Span(_INHERITED, Tone.WARN) if is_inherited else Span("")
    return line(Span(f" / {text}", Tone.MUTED), mark) if text else ()


def _inherits_memory(node: CgroupNode) -> bool:
    limit, own = node.memory.limit_bytes if node.memory else None, node.limits.memory_bytes
    return limit is not None and (own is None or own < 0 or own > limit)


def _inherits_pids(node: CgroupNode) -> bool:
    limit, own = node.pids.limit if node.pids else None, node.limits.pids
    return limit is not None and (own is None or own < 0 or own > limit)


def _inherits_cpu(node: CgroupNode) -> bool:
    limit = node.cpu.limit_percent if node.cpu else None
    return limit is not None and node.limits.cpus is None and not node.limits.cpu_quota_usec


_COLUMNS: tuple[Column[CgroupNode], ...] = (
    Column("CPU", 13, _cpu, True),
    Column("MEMORY", 12, _memory, True),
    Column("PIDS", 11, _pids, True),
    Column("WEIGHT", 6, _weight, True, 3),
    Column("CPUSET", 7, _cpuset, True, 4),
    Column("READ  WRIT.", 11, _disks, True, 2),
)
