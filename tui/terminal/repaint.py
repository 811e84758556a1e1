"""What paints a screen as it is now on another terminal, for recordings that begin amid a session."""

from __future__ import annotations

from collections.abc import Iterator

from tui.terminal.emulator import CellStyle, Colour, Emulator


def repaint(emulator: Emulator) -> bytes:
    """Sequences that draw the view of an emulator and put the cursor where it is (ECMA-48)."""
    parts = ["\x1b[H\x1b[2J"]
    if emulator.modes.alternate_screen:
        parts.insert(0, "\x1b[?1049h")
    for y in range(emulator.rows):
        parts.append(f"\x1b[{y + 1};1H")
        parts += [f"{_sgr(run.style)}{run.text}" for run in emulator.row(y)]
    cursor = emulator.cursor
    parts.append(f"\x1b[0m\x1b[{cursor.row + 1};{cursor.column + 1}H")
    return "".join(parts).encode()


def _sgr(style: CellStyle) -> str:
    return f"\x1b[{';'.join(_codes(style))}m"


def _codes(style: CellStyle) -> Iterator[str]:
    yield "0"
    flags = (
        (style.bold, "1"),
        (style.dim, "2"),
        (style.italic, "3"),
        (style.underline, "4"),
        (style.reverse, "7"),
        (style.conceal, "8"),
        (style.strike, "9"),
    )
    yield from (code for is_on, code in flags if is_on)
    yield from _colour("38", style.foreground)
    yield from _colour("48", style.background)


def _colour(kind: str, colour: Colour) -> Iterator[str]:
    if isinstance(colour, int):
        yield f"{kind};5;{colour}"
    elif colour is not None:
        yield f"{kind};2;{';'.join(map(str, colour))}"
