"""The table of containers: which columns fit, and what stands in a row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Literal

from msgspec import Struct, structs

from engine.model import Container, ContainerSample
from tui.drawing import braille, states, units
from tui.drawing.lines import Line, Span, Tone, fit, line
from tui.history import Series
from tui.sorting import Order

_GAP = 2
_GLYPH_CELLS = 2  # the state's glyph and a blank, before the first column
_LEAST_TOP = 5.0
"""Sparks of containers that do next to nothing stay low: percent of one processor."""

_NAME_CELLS = 17


class Column(Struct, frozen=True, kw_only=True):
    """A column: its title, its width in cells, how far it may grow, and on which side its text stands."""

    title: str
    cells: int
    most: int = 0
    right: bool = False


NAME = Column(title="NAME", cells=14, most=26)
IMAGE = Column(title="IMAGE", cells=8, most=24)
CPU = Column(title="CPU %", cells=5, right=True)
HISTORY = Column(title="", cells=6, most=24)
MEMORY = Column(title="MEMORY", cells=11, right=True)
NETWORK = Column(title="NET/s", cells=12, right=True)
UPTIME = Column(title="UP", cells=4, right=True)

_ORDERED_BY = {
    Order.NAME: NAME.title,
    Order.CPU: CPU.title,
    Order.MEMORY: MEMORY.title,
    Order.NETWORK: NETWORK.title,
}

_ORDERS = {
    NAME.title: Order.NAME,
    CPU.title: Order.CPU,
    HISTORY.title: Order.CPU,
    MEMORY.title: Order.MEMORY,
    NETWORK.title: Order.NETWORK,
    UPTIME.title: Order.AGE,
}
_IN_ORDER = (NAME, IMAGE, CPU, HISTORY, MEMORY, NETWORK, UPTIME)
_BY_IMPORTANCE = (NAME, CPU, MEMORY, HISTORY, IMAGE, UPTIME, NETWORK)
_GROWING = (NAME, IMAGE, HISTORY)


class Row(Struct, frozen=True, kw_only=True):
    """What is known of a container when its row is drawn.

    Attributes:
        pending: what is being done to it.
        alarm: what happened that nobody has looked at yet.
    """

    container: Container
    sample: ContainerSample | None
    series: Series
    now_unix_ns: int
    pending: str = ""
    alarm: Literal["oom", "limit"] | None = None


@lru_cache
def fitting(width: int) -> tuple[Column, ...]:
    """The columns that fit, in their order, the flexible ones grown to fill the width."""
    room = width  # the state's glyph and a blank take what the first column's gap would
    chosen: list[Column] = []
    for column in _BY_IMPORTANCE:
        if column.cells + _GAP <= room or column is NAME:
            chosen.append(column)
            room -= column.cells + _GAP
    ordered = [column for column in _IN_ORDER if column in chosen]
    return tuple(_grown(ordered, max(0, room)))


def header(columns: Sequence[Column], order: Order = Order.AGE) -> Line:
    """The titles; the one that rows are ordered by is marked."""
    pieces: list[str | Span] = [Span(" " * _GLYPH_CELLS)]
    for index, column in enumerate(columns):
        is_first = column.title == _ORDERED_BY.get(order)
        title = f"{column.title.removesuffix(' %')} ▾" if is_first else column.title
        pieces.append(" " * _GAP if index else "")
        pieces.append(Span(fit(title, column.cells, right=column.right), Tone.LIT if is_first else Tone.MUTED))
    return line(*pieces)


def order_at(columns: Sequence[Column], x: int) -> Order | None:
    """By what a click on a cell of the header is to order; None where that is nothing."""
    start = _GLYPH_CELLS
    for column in columns:
        if start <= x < start + column.cells:
            return _ORDERS.get(column.title)
        start += column.cells + _GAP
    return None


def row(of: Row, columns: Sequence[Column], *, selected: bool) -> Line:
    """One container. One that doesn't run has its state in place of numbers."""
    pieces: list[Span] = [_glyph(of), _BLANK]
    is_running = of.container.is_running
    for index, column in enumerate(columns):
        if index:
            pieces.append(_BETWEEN)
        if column.title in _WORDS:
            pieces.append(_words(of, column, selected))
        elif is_running:
            pieces.extend(_NUMBERS[column.title](of, column))
        else:
            pieces.append(_ended(of, columns[index:]))
            break
    return tuple(pieces)


def _grown(columns: list[Column], room: int) -> list[Column]:
    """Give spare cells out: first for names as they are made up, then one by one, so that all grow alike."""
    wanted = max(0, min(room, _NAME_CELLS - columns[0].cells))
    grown = dict(enumerate([structs.replace(columns[0], cells=columns[0].cells + wanted), *columns[1:]]))
    room -= wanted
    while room > 0:
        able = [i for i, column in grown.items() if column.title in _GROWING_TITLES and column.cells < column.most]
        if not able:
            break
        for index in able[:room]:
            grown[index] = structs.replace(grown[index], cells=grown[index].cells + 1)
        room -= len(able[:room])
    return list(grown.values())


_BLANK, _BETWEEN = Span(" "), Span(" " * _GAP)
_WORDS = frozenset((NAME.title, IMAGE.title))
_GROWING_TITLES = frozenset(column.title for column in _GROWING)


def _glyph(of: Row) -> Span:
    if of.pending:
        return Span("◌", Tone.WARN)
    return Span("▲", Tone.BAD if of.alarm == "oom" else Tone.WARN) if of.alarm else states.glyph(of.container)


def _words(of: Row, column: Column, selected: bool) -> Span:
    if column.title == IMAGE.title:
        return _cell(of.container.request.image, column.cells, Tone.MUTED)
    return _cell(of.container.name, column.cells, Tone.STRONG if selected else Tone.PLAIN)


@lru_cache(1024)
def _cell(text: str, cells: int, tone: Tone, right: bool = False) -> Span:
    """Text in as many cells; most rows look as they did a second ago, so what was fitted then is kept."""
    return Span(fit(text, cells, right=right), tone)


def _ended(of: Row, rest: Sequence[Column]) -> Span:
    cells = sum(column.cells for column in rest) + _GAP * (len(rest) - 1)
    return Span(fit(states.phrase(of.container, of.now_unix_ns), cells), states.tone(of.container))


def _cpu(of: Row, column: Column) -> Line:
    cpu = of.sample.cpu if of.sample else None
    if of.alarm == "oom":
        return (_cell("OOM", column.cells, Tone.BAD, right=True),)
    if cpu is None or cpu.percent is None:
        return _unknown(column)
    tone = pressure(cpu.percent, cpu.limit_percent)
    return (_cell(units.percent(cpu.percent), column.cells, tone, right=True),)


def _history(of: Row, column: Column) -> Line:
    values = of.series.cpu_percent
    recent = [values[at] for at in range(-min(column.cells * 2, len(values)), 0)]  # a deque is quick at its ends
    peak = max([value for value in recent if value is not None], default=0.0)
    top = units.ceiling(peak) if peak > _LEAST_TOP else _LEAST_TOP
    return (Span(braille.spark(recent, column.cells, top).replace(braille.BLANK, " "), Tone.ACCENT),)


def _memory(of: Row, column: Column) -> Line:
    memory = of.sample.memory if of.sample else None
    if memory is None:
        return _unknown(column)
    used, limit = memory.working_set_bytes, memory.limit_bytes
    return _of_limit(units.size(used), units.size(limit) if limit else "", column.cells, pressure(used, limit))


@lru_cache(1024)
def _of_limit(used: str, limit: str, cells: int, tone: Tone) -> Line:
    rest = f" / {limit:>4}" if limit else ""
    return line(" " * max(0, cells - len(used) - len(rest)), Span(used, tone), Span(rest, Tone.MUTED))


def _network(of: Row, column: Column) -> Line:
    network = of.sample.network if of.sample else None
    if network is None:
        mode = of.container.request.network
        return _unknown(column, units.UNKNOWN if of.container.endpoints else mode.partition(":")[0])
    received, sent = (
        units.known(value, units.rate).removesuffix("/s")
        for value in (network.received_bytes_per_second, network.sent_bytes_per_second)
    )
    return _both_ways(received, sent, column.cells)


@lru_cache(1024)
def _both_ways(received: str, sent: str, cells: int) -> Line:
    return line(Span(f"↓{received:>4}", _moving(received)), " ", Span(f"↑{sent:>4}".rjust(cells - 6), _moving(sent)))


def _uptime(of: Row, column: Column) -> Line:
    seconds = (of.now_unix_ns - (of.container.started_unix_ns or of.now_unix_ns)) / 1e9
    return (_cell(units.span(seconds), column.cells, Tone.MUTED, right=True),)


def _unknown(column: Column, word: str = units.UNKNOWN) -> Line:
    return (_cell(word, column.cells, Tone.FAINT, right=True),)


def _moving(shown: str) -> Tone:
    return Tone.FAINT if shown in ("0", units.UNKNOWN) else Tone.PLAIN


def pressure(value: float, limit: float | None) -> Tone:
    """How near a value is to its limit."""
    if not limit:
        return Tone.PLAIN
    if value >= 0.95 * limit:
        return Tone.BAD
    return Tone.WARN if value >= 0.8 * limit else Tone.PLAIN


_NUMBERS: dict[str, Callable[[Row, Column], Line]] = {
    CPU.title: _cpu,
    HISTORY.title: _history,
    MEMORY.title: _memory,
    NETWORK.title: _network,
    UPTIME.title: _uptime,
}
