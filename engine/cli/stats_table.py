"""The table of ``stats``, as narrow as a terminal is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from engine.cli.documents import StatsRow
from engine.cli.output import Column, aligned, list_lines, shortened
from engine.cli.templates import Format
from engine.printable import printable

_COLUMNS = (
    Column("CONTAINER ID", "id"),
    Column("NAME", "name"),
    Column("CPU %", "cpu_percent"),
    Column("MEM USAGE / LIMIT", "memory_usage"),
    Column("MEM %", "memory_percent"),
    Column("NET I/O", "network_io"),
    Column("BLOCK I/O", "block_io"),
    Column("PIDS", "pids"),
)
_NAMED = tuple(column for column in _COLUMNS if column.field != "id")
_LEAST = tuple(column for column in _NAMED if column.field != "memory_percent")
_LEAST_NAME_CELLS = 8
_USUAL = StatsRow(  # as wide as figures become, so that columns don't come and go with them
    id="0" * 12,
    container="0" * 12,
    name="",
    cpu_percent="100.00%",
    memory_usage="1023.9MiB / 23.54GiB",
    memory_percent="100.00%",
    network_io="999.9kB / 999.9kB",
    block_io="999.9MB / 999.9MB",
    pids="1000",
)


class _Form(NamedTuple):
    """How wide the table is made: which columns, how far apart, and what stands between two figures in one of them."""

    columns: Sequence[Column]
    gap: str
    between: str = " / "


_FORMS = (  # each narrower than the one before
    _Form(_COLUMNS, "   "),
    _Form(_COLUMNS, "  "),
    _Form(_NAMED, "  "),
    _Form(_LEAST, "  "),
    _Form(_LEAST, " "),
    _Form(_LEAST, " ", "/"),
)


def stats_lines(rows: Sequence[StatsRow], wanted: Format, width: int | None = None) -> list[str]:
    """The table, or lines as a template has them.

    Args:
        width: cells of the terminal. Where they don't suffice, ids stay away, then the shares of memory, then blanks,
            and names are shortened at last; figures never are. None, or none, leaves everything as it is.
    """
    if wanted.name == "template" or not width:
        return list_lines(rows, _COLUMNS, wanted)
    usual = (form for form in _FORMS if _width(_table([_USUAL, *rows], form)) <= width)
    form = next(usual, _FORMS[-1])
    lines = _table(rows, form)
    excess = _width(lines) - width
    if excess <= 0:
        return lines
    longest = max([len(row.name) for row in rows], default=0)
    return _table(rows, form, max(longest - excess, _LEAST_NAME_CELLS))


def _width(lines: Sequence[str]) -> int:
    return max(map(len, lines))


def _table(rows: Sequence[StatsRow], form: _Form, name_cells: int | None = None) -> list[str]:
    cells = [[column.heading.replace(" / ", form.between) for column in form.columns]]
    for row in rows:
        words = {column.field: printable(getattr(row, column.field)) for column in form.columns}
        name = words.pop("name")
        found = {field: word.replace(" / ", form.between) for field, word in words.items()}
        found["name"] = name if name_cells is None else shortened(name, name_cells)
        cells.append([found[column.field] for column in form.columns])
    return aligned(cells, (), form.gap)
