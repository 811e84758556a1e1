"""``boxdeck stats --history``: the last hour or day of containers as small curves, or as numbers for programs."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Literal, NamedTuple

from msgspec import field

from engine.cli.documents import Document
from engine.cli.formats import binary_size, decimal_size
from engine.cli.output import aligned, write_json, write_lines
from engine.cli.templates import Format

if TYPE_CHECKING:
    from engine.glance import Glance
    from engine.model import Container, History, Series

Span = Literal["hour", "day"]
Column = tuple[float | None, ...]

_BLOCKS = "▁▂▃▄▅▆▇█"
_UNKNOWN = "--"
_BESIDE_THE_CURVE = 46  # cells that names and numbers take
_NARROWEST = 10
_NUMBERS = (2, 3, 4)  # columns that stand at the right


class HistoryDocument(Document, frozen=True, kw_only=True):
    """One container's past: as many values in every column, the last of the step that began at `until`."""

    id: str = field(name="ID")
    name: str
    step_seconds: int
    until_unix_seconds: int
    cpu_percent: Column
    system_percent: Column
    memory_working_set_bytes: Column
    anonymous_bytes: Column
    file_bytes: Column
    kernel_bytes: Column
    swap_bytes: Column
    read_bytes_per_second: Column
    written_bytes_per_second: Column
    received_bytes_per_second: Column
    sent_bytes_per_second: Column
    cpu_stalled_percent: Column
    memory_stalled_percent: Column
    io_stalled_percent: Column
    pids: Column


class _Row(NamedTuple):
    """A figure: what it is called, its values and how one of them is written.

    Attributes:
        is_seldom: whether only some kernels tell it: it has no row where nothing is known of it.
    """

    heading: str
    values: Column
    text: Callable[[float], str]
    is_seldom: bool = False

    @property
    def is_shown(self) -> bool:
        """Whether there is anything to say."""
        return not self.is_seldom or any(value is not None for value in self.values)


def show_history(glance: Glance, containers: Sequence[Container], span: Span, wanted: Format) -> None:
    """Print the past of containers.

    Raises:
        InvalidRequest: the template has a field that there isn't.
    """
    pasts = [(container, glance.history(container)) for container in containers]
    if not wanted.is_plain:
        blocks = [_block(container, _series(history, span), span) for container, history in pasts]
        write_lines([line for number, block in enumerate(blocks) for line in ([""] if number else []) + block])
        return
    documents = [_document(container, _series(history, span)) for container, history in pasts]
    if wanted.name == "json":
        write_json(documents)
    else:
        write_lines([wanted.line(document) for document in documents])


def curve(values: Column, cells: int) -> str:
    """Values as a row of blocks, averaged into at most so many cells; a space is a time of which nothing is known."""
    means = [_mean(values[start:end]) for start, end in _bins(len(values), cells)]
    top = max((mean for mean in means if mean is not None), default=0.0)
    return "".join([" " if mean is None else _BLOCKS[_height(mean, top)] for mean in means])


def _height(value: float, top: float) -> int:
    return min(int(value / top * len(_BLOCKS)), len(_BLOCKS) - 1) if top > 0 else 0


def _bins(count: int, cells: int) -> Iterator[tuple[int, int]]:
    """Where each cell's values begin and end."""
    cells = min(cells, count)
    return ((count * cell // cells, count * (cell + 1) // cells) for cell in range(cells))


def _block(container: Container, series: Series, span: Span) -> list[str]:
    if not series.until_unix_seconds:
        return [f"{container.name}: nothing is known of the last {span}"]
    cells = max(shutil.get_terminal_size().columns - _BESIDE_THE_CURVE, _NARROWEST)
    rows = [_line(row, cells) for row in _rows(series) if row.is_shown]
    head = ("", _axis(series, cells), "LAST", "MEAN", "PEAK")
    return [f"{container.name}: the last {span}", *aligned([head, *rows], _NUMBERS)]


def _line(row: _Row, cells: int) -> tuple[str, ...]:
    known = [value for value in row.values if value is not None]
    mean, peak = _mean(row.values), max(known, default=None)
    return (row.heading, curve(row.values, cells), *[_text(row, value) for value in (row.values[-1], mean, peak)])


def _text(row: _Row, value: float | None) -> str:
    return _UNKNOWN if value is None else row.text(value)


def _rows(series: Series) -> tuple[_Row, ...]:
    return (
        _Row("CPU %", series.cpu_percent, _percent),
        _Row("SYSTEM %", series.system_percent, _percent),
        _Row("CPU WAIT", series.cpu_stalled_percent, _percent, is_seldom=True),
        _Row("MEMORY", series.memory_working_set_bytes, binary_size),
        _Row("ANON", series.anonymous_bytes, binary_size),
        _Row("FILES", series.file_bytes, binary_size),
        _Row("KERNEL", series.kernel_bytes, binary_size, is_seldom=True),
        _Row("SWAP", series.swap_bytes, binary_size, is_seldom=True),
        _Row("MEM WAIT", series.memory_stalled_percent, _percent, is_seldom=True),
        _Row("READ", series.read_bytes_per_second, _rate),
        _Row("WRITTEN", series.written_bytes_per_second, _rate),
        _Row("I/O WAIT", series.io_stalled_percent, _percent, is_seldom=True),
        _Row("RECEIVED", series.received_bytes_per_second, _rate),
        _Row("SENT", series.sent_bytes_per_second, _rate),
        _Row("PIDS", series.pids, lambda value: f"{value:.0f}"),
    )


def _axis(series: Series, cells: int) -> str:
    """The time of the first step at the left, and of the last at the right where there's room."""
    count = len(series.pids)
    first, last = [
        f"{datetime.fromtimestamp(series.until_unix_seconds - steps * series.step_seconds):%H:%M:%S}"
        for steps in (count - 1, 0)
    ]
    width = min(cells, count)
    return first + last.rjust(width - len(first)) if width > len(first) + len(last) else first


def _document(container: Container, series: Series) -> HistoryDocument:
    return HistoryDocument(
        id=container.id,
        name=container.name,
        step_seconds=series.step_seconds,
        until_unix_seconds=series.until_unix_seconds,
        cpu_percent=_rounded(series.cpu_percent, 2),
        system_percent=_rounded(series.system_percent, 2),
        memory_working_set_bytes=_rounded(series.memory_working_set_bytes),
        anonymous_bytes=_rounded(series.anonymous_bytes),
        file_bytes=_rounded(series.file_bytes),
        kernel_bytes=_rounded(series.kernel_bytes),
        swap_bytes=_rounded(series.swap_bytes),
        read_bytes_per_second=_rounded(series.read_bytes_per_second),
        written_bytes_per_second=_rounded(series.written_bytes_per_second),
        received_bytes_per_second=_rounded(series.received_bytes_per_second),
        sent_bytes_per_second=_rounded(series.sent_bytes_per_second),
        cpu_stalled_percent=_rounded(series.cpu_stalled_percent, 2),
        memory_stalled_percent=_rounded(series.memory_stalled_percent, 2),
        io_stalled_percent=_rounded(series.io_stalled_percent, 2),
        pids=_rounded(series.pids),
    )


def _rounded(values: Column, digits: int | None = None) -> Column:
    """Without digits that the record doesn't have."""
    return tuple([None if value is None else round(value, digits) for value in values])


def _mean(values: Column) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _percent(value: float) -> str:
    return f"{value:.1f}%"


def _rate(value: float) -> str:
    return f"{decimal_size(value)}/s"


def _series(history: History, span: Span) -> Series:
    return history.hour if span == "hour" else history.day
