"""Screens as cells with their looks: an emulator's, and tmux's as ``capture-pane -e -N`` prints it."""

from __future__ import annotations

from msgspec.structs import replace

from tui.terminal.bittty_emulator import BitttyEmulator
from tui.terminal.emulator import CellStyle, Emulator

Cells = list[list[tuple[str, CellStyle]]]
"""Rows of characters with their looks; a wide character is one of them, and blanks at a row's end are left out."""

BLANK = (" ", CellStyle())


def cells_of(emulator: Emulator) -> Cells:
    rows: Cells = []
    for y in range(emulator.rows):
        row = [_seen(character, run.style) for run in emulator.row(y) for character in run.text]
        while row and row[-1] == BLANK:
            row.pop()
        rows.append(row)
    return rows


def cells_printed(printed: str, columns: int, rows: int) -> Cells:
    """What tmux printed: a look goes on in the next line, and between SO and SI are letters that stand for lines."""
    emulator = BitttyEmulator(columns, rows)
    emulator.feed(b"\x1b)0")
    for y, line in enumerate(printed.split("\n")[:rows]):
        emulator.feed(f"\x1b[{y + 1};1H{line}".encode())
    return cells_of(emulator)


def _seen(character: str, style: CellStyle) -> tuple[str, CellStyle]:
    """Of a blank, neither the colour nor the weight of what isn't there."""
    if character != " ":
        return character, style
    foreground = style.foreground if style.reverse or style.underline or style.strike else None
    return character, replace(style, foreground=foreground, bold=False, dim=False, italic=False, conceal=False)


def unlike(mine: Cells, theirs: Cells) -> list[str]:
    """Where two screens differ, for people; tmux doesn't print what was erased to a row's end, whatever its colour."""
    return [
        f"row {y} column {x}: {own} is {other} in tmux"
        for y, (own_row, other_row) in enumerate(zip(mine, theirs, strict=True))
        for x, (own, other) in enumerate(zip(own_row + [BLANK] * len(other_row), other_row, strict=False))
        if own != other
    ]
