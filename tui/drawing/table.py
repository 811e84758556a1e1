"""The table of containers: which columns fit, and what stands in a row."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from msgspec import Struct, structs

from tui.drawing import table_cells
from tui.drawing.lines import Line, Span, Tone, clip, fit, line
from tui.drawing.table_cells import Draw, Row, pressure
from tui.grouping import Heading
from tui.sorting import Order

__all__ = ("COLUMNS", "Column", "Row", "fitting", "header", "heading", "order_at", "pressure", "row")

_GAP = 2
_GLYPH_CELLS = 2  # the state's glyph and a blank, before the first column
_NAME_CELLS = 17
_COMFORT = 10
"""Cells that columns of words are to get before columns that matter less have a place."""


class Column(Struct, frozen=True, kw_only=True):
    """A column.

    Attributes:
        key: its name in the file that keeps what a person chose.
        title: stands above it; empty above the curve.
        cells: its width.
        most: how far it may grow.
        right: on which side its text stands.
        order: by what a click on its title orders.
        draw: a running container's cell; None for the name.
        is_word: whether one that doesn't run has it too.
    """

    key: str
    title: str
    cells: int
    order: Order | None
    draw: Draw | None = None
    most: int = 0
    right: bool = False
    is_word: bool = False


NAME = Column(key="name", title="NAME", cells=14, most=26, order=Order.NAME, is_word=True)
STATE = Column(key="state", title="STATE", cells=10, order=Order.STATE, draw=table_cells.state)
IMAGE = Column(
    key="image", title="IMAGE", cells=8, most=24, order=Order.IMAGE, draw=table_cells.image, is_word=True
)  # fmt: skip
CPU = Column(key="cpu", title="CPU %", cells=5, right=True, order=Order.CPU, draw=table_cells.cpu)
HISTORY = Column(key="history", title="", cells=6, most=24, order=Order.CPU, draw=table_cells.history)
MEMORY = Column(key="memory", title="MEMORY", cells=11, right=True, order=Order.MEMORY, draw=table_cells.memory)
SHARE = Column(key="share", title="MEM %", cells=5, right=True, order=Order.SHARE, draw=table_cells.share)
NETWORK = Column(key="network", title="NET/s", cells=12, right=True, order=Order.NETWORK, draw=table_cells.network)
DISK = Column(key="disk", title="DISK/s", cells=12, right=True, order=Order.DISK, draw=table_cells.disk)
PIDS = Column(key="pids", title="PIDS", cells=5, right=True, order=Order.PIDS, draw=table_cells.pids)
PORTS = Column(key="ports", title="PORTS", cells=11, most=24, order=Order.PORTS, draw=table_cells.ports)
UPTIME = Column(key="uptime", title="UP", cells=4, right=True, order=Order.UPTIME, draw=table_cells.uptime)
RESTARTS = Column(
    key="restarts", title="RESTART", cells=7, right=True, order=Order.RESTARTS, draw=table_cells.restarts
)  # fmt: skip

COLUMNS = {
    each.key: each
    for each in (NAME, STATE, IMAGE, CPU, HISTORY, MEMORY, SHARE, NETWORK, DISK, PIDS, PORTS, UPTIME, RESTARTS)
}
"""All of them by key, in the order that they have as long as nobody wants another."""

_FIRST = (NAME, CPU, MEMORY, HISTORY, IMAGE, UPTIME, NETWORK)
_THEN = (PORTS, DISK, PIDS, SHARE, STATE, RESTARTS)
"""Columns by importance: what gives way first where there is little room comes last."""


@lru_cache
def fitting(width: int, chosen: tuple[str, ...] | None = None) -> tuple[Column, ...]:
    """The columns that fit, in their order, the flexible ones grown to fill the width.

    Args:
        chosen: keys of those that are wanted, in their order; the name is always there. None: all.
    """
    wanted = tuple(COLUMNS) if chosen is None else chosen
    keys = [key for key in (wanted if "name" in wanted else ("name", *wanted)) if key in COLUMNS]
    room = width  # the state's glyph and a blank take what the first column's gap would
    kept: set[str] = set()
    for column in (*_FIRST, *_THEN):
        comfort = _COMFORT if chosen is None and column in _THEN else 0
        if column.key in keys and (column.cells + _GAP + comfort <= room or column is NAME):
            kept.add(column.key)
            room -= column.cells + _GAP
    return tuple(_grown([COLUMNS[key] for key in keys if key in kept], max(0, room)))


def header(columns: Sequence[Column], order: Order = Order.AGE, is_reversed: bool = False) -> Line:
    """The titles; the one that rows are ordered by is marked."""
    pieces: list[str | Span] = [Span(" " * _GLYPH_CELLS)]
    arrow = "▴" if is_reversed else "▾"
    for index, column in enumerate(columns):
        is_first = bool(order.value) and column.order is order and bool(column.title)
        title = fit(column.title.removesuffix(" %"), min(len(column.title), column.cells - 2)).rstrip()
        words = f"{title} {arrow}" if is_first else column.title
        pieces.append(" " * _GAP if index else "")
        pieces.append(Span(fit(words, column.cells, right=column.right), Tone.LIT if is_first else Tone.MUTED))
    return line(*pieces)


def order_at(columns: Sequence[Column], x: int) -> Order | None:
    """By what a click on a cell of the header is to order; None where that is nothing."""
    start = _GLYPH_CELLS
    for column in columns:
        if start <= x < start + column.cells:
            return column.order
        start += column.cells + _GAP
    return None


def heading(of: Heading, cells: int, *, selected: bool) -> Line:
    """The row above a group."""
    name = Span(of.group or "in none", Tone.STRONG if selected else Tone.PLAIN if of.group else Tone.MUTED)
    return clip(
        line(
            Span("▸ " if of.is_folded else "▾ ", Tone.ACCENT),
            name,
            Span(f"  {of.size}, {of.running} running", Tone.MUTED),
        ),
        cells,
    )


def row(of: Row, columns: Sequence[Column], *, selected: bool) -> Line:
    """One container. One that doesn't run has its state in place of numbers."""
    pieces: list[Span] = [table_cells.glyph(of), _MARK if of.is_marked else _BLANK]
    is_running = of.container.is_running
    for index, column in enumerate(columns):
        if index:
            pieces.append(_BETWEEN)
        if column.draw is None:
            pieces.extend(table_cells.name(of, column.cells, selected))
        elif column.is_word or is_running:
            pieces.extend(column.draw(of, column.cells))
        else:
            rest = sum(each.cells + _GAP for each in columns[index:]) - _GAP
            pieces.extend(table_cells.ended(of, rest))
            break
    return tuple(pieces)


def _grown(columns: list[Column], room: int) -> list[Column]:
    """Give spare cells out: first for names as they are made up, then one by one, so that all grow alike."""
    grown = dict(enumerate(columns))
    name = next(index for index, column in grown.items() if column.draw is None)
    wanted = max(0, min(room, _NAME_CELLS - grown[name].cells))
    grown[name] = structs.replace(grown[name], cells=grown[name].cells + wanted)
    room -= wanted
    while room > 0:
        able = [index for index, column in grown.items() if column.cells < column.most]
        if not able:
            break
        for index in able[:room]:
            grown[index] = structs.replace(grown[index], cells=grown[index].cells + 1)
        room -= len(able[:room])
    return list(grown.values())


_BLANK, _BETWEEN, _MARK = Span(" "), Span(" " * _GAP), Span("✓", Tone.LIT)
