"""The table of containers: which columns fit, and what stands in a row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import islice

from msgspec import Struct, structs

from engine.model import Container, ContainerSample
from tui.drawing import braille, states, units
from tui.drawing.lines import Line, Span, Tone, fit, line
from tui.history import Series

_GAP = 2
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

_IN_ORDER = (NAME, IMAGE, CPU, HISTORY, MEMORY, NETWORK, UPTIME)
_BY_IMPORTANCE = (NAME, CPU, MEMORY, HISTORY, IMAGE, UPTIME, NETWORK)
_GROWING = (NAME, IMAGE, HISTORY)


class Row(Struct, frozen=True, kw_only=True):
    """What is known of a container when its row is drawn; `pending` says what is being done to it."""

    container: Container
    sample: ContainerSample | None
    series: Series
    now_unix_ns: int
    pending: str = ""


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


def header(columns: Sequence[Column]) -> Line:
    """The titles."""
    cells = (fit(column.title, column.cells, right=column.right) for column in columns)
    return line(Span("  " + (" " * _GAP).join(cells), Tone.MUTED))


def row(of: Row, columns: Sequence[Column], *, selected: bool) -> Line:
    """One container. One that doesn't run has its state in place of numbers."""
    pieces: list[Span] = [Span("◌", Tone.WARN) if of.pending else states.glyph(of.container), Span(" ")]
    for index, column in enumerate(columns):
        if index:
            pieces.append(Span(" " * _GAP))
        if column.title in (NAME.title, IMAGE.title):
            pieces.append(_words(of, column, selected))
        elif of.container.is_running:
            pieces.extend(_NUMBERS[column.title](of, column))
        else:
            pieces.append(_ended(of, columns[index:]))
            break
    return line(*pieces)


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


_GROWING_TITLES = frozenset(column.title for column in _GROWING)


def _words(of: Row, column: Column, selected: bool) -> Span:
    if column.title == IMAGE.title:
        return Span(fit(of.container.request.image, column.cells), Tone.MUTED)
    return Span(fit(of.container.name, column.cells), Tone.STRONG if selected else Tone.PLAIN)


def _ended(of: Row, rest: Sequence[Column]) -> Span:
    cells = sum(column.cells for column in rest) + _GAP * (len(rest) - 1)
    return Span(fit(states.phrase(of.container, of.now_unix_ns), cells), states.tone(of.container))


def _cpu(of: Row, column: Column) -> Line:
    if of.sample is None:
        return line(Span(fit("·", column.cells, right=True), Tone.FAINT))
    value, limit = of.sample.cpu_percent, of.sample.cpu_limit_percent
    return line(Span(fit(units.percent(value), column.cells, right=True), pressure(value, limit)))


def _history(of: Row, column: Column) -> Line:
    wanted = column.cells * 2
    recent = list(islice(of.series.cpu_percent, max(0, len(of.series.cpu_percent) - wanted), None))
    top = units.ceiling(max([5.0, *recent]))
    return line(Span(braille.spark(recent, column.cells, top).replace(chr(0x2800), " "), Tone.ACCENT))


def _memory(of: Row, column: Column) -> Line:
    if of.sample is None:
        return line(Span(fit("·", column.cells, right=True), Tone.FAINT))
    used, limit = of.sample.memory_bytes, of.sample.memory_limit_bytes
    value = Span(units.size(used), pressure(used, limit))
    rest = Span(f" / {units.size(limit):>4}" if limit else "", Tone.MUTED)
    return line(" " * max(0, column.cells - len(value.text) - len(rest.text)), value, rest)


def _network(of: Row, column: Column) -> Line:
    if of.sample is None or of.container.endpoint is None:
        mode = of.container.request.network
        return line(Span(fit("·" if mode == "bridge" else f"{mode}", column.cells, right=True), Tone.FAINT))
    received, sent = (
        units.rate(value).removesuffix("/s")
        for value in (of.sample.network_received_bytes_per_second, of.sample.network_sent_bytes_per_second)
    )
    return line(
        Span(f"↓{received:>4}", _moving(received)), " ", Span(f"↑{sent:>4}".rjust(column.cells - 6), _moving(sent))
    )


def _uptime(of: Row, column: Column) -> Line:
    seconds = (of.now_unix_ns - (of.container.started_unix_ns or of.now_unix_ns)) / 1e9
    return line(Span(fit(units.span(seconds), column.cells, right=True), Tone.MUTED))


def _moving(shown: str) -> Tone:
    return Tone.FAINT if shown == "0" else Tone.PLAIN


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
