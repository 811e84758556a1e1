"""Lines of a log as styled runs: colours are kept, everything else that a terminal would obey is left out."""

from __future__ import annotations

import re
from itertools import accumulate

from msgspec import Struct
from rich.cells import cell_len, chop_cells

from tui.terminal.emulator import PLAIN, CellStyle, Row, Run

TAB_COLUMNS = 8

# ECMA-48: CSI with its final byte, the strings (OSC, DCS, SOS, PM, APC) up to their end, other escapes.
_SEQUENCE = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[ -/]*[0-~]?|\x9b[0-?]*[ -/]*[@-~]"
)
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f]")
_LOOK = re.compile(rb"\x1b\[[0-9;:]*m")  # SGR: it changes colours and takes no room
_SPECIAL = re.compile(rb"[^\x20-\x7e]")


class Extent(Struct, frozen=True):
    """How many columns a line takes, and whether all its characters take one each."""

    columns: int
    is_even: bool = True


def extent_of(data: bytes) -> Extent:
    """How wide a line is, found quickly for the usual line."""
    bare = _LOOK.sub(b"", data) if b"\x1b" in data else data
    if _SPECIAL.search(bare) is None:
        return Extent(len(bare))
    runs = runs_of(data)
    columns = sum(run.width for run in runs)
    return Extent(columns, columns == sum(len(run.text) for run in runs))


def row_starts(runs: Row, columns: int) -> tuple[int, ...]:
    """The columns at which a line that is cut into rows goes on; wide characters stay whole.

    Args:
        runs: the line.
        columns: of a row, at least 1.
    """
    rows = chop_cells("".join(run.text for run in runs), columns)
    return tuple(accumulate((cell_len(row) for row in rows[:-1]), initial=0))


def runs_of(data: bytes) -> Row:
    """A line as runs; what a carriage return wrote over isn't shown.

    Args:
        data: the line as it was written, in UTF-8 where it is text.
    """
    text = data.decode("utf-8", "replace").rstrip("\r\n")
    # A progress bar rewrites its line: what stays on a terminal is, nearly always, the last part.
    text = text.rpartition("\r")[2]
    runs: list[Run] = []
    if "\x1b" not in text and "\x9b" not in text:
        _add(runs, text, PLAIN, 0)
        return tuple(runs)
    from tui.terminal.log_looks import Looks  # at the first colour: it costs start-up time

    looks, column, position = Looks(), 0, 0
    for match in _SEQUENCE.finditer(text):
        column = _add(runs, text[position : match.start()], looks.cell, column)
        looks.obey(match.group())
        position = match.end()
    _add(runs, text[position:], looks.cell, column)
    return tuple(runs)


def _add(runs: list[Run], text: str, style: CellStyle, column: int) -> int:
    clean = _CONTROL.sub("", _untabbed(text, column) if "\t" in text else text)
    if clean:
        width = cell_len(clean)
        runs.append(Run(clean, width, style))
        column += width
    return column


def _untabbed(text: str, column: int) -> str:
    parts = text.split("\t")
    spread = parts[0]
    for part in parts[1:]:
        spread += " " * (TAB_COLUMNS - (column + cell_len(spread)) % TAB_COLUMNS) + part
    return spread
