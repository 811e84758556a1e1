"""Rows of an emulator as Textual strips: the first 16 colours are the theme's, the others are exact."""

from __future__ import annotations

from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual.screen import Screen
from textual.strip import Strip

from tui.terminal.colours import NATIVE, Sixteen
from tui.terminal.emulator import CellStyle, Colour, Cursor, Row

LINK = "container-link"
"""What a style's `meta` calls the address of a link."""

_KEPT_STYLES = 4096


class Painter:
    """Turns rows into strips on one background.

    Args:
        base: the pane's own style, with colours that stand for the terminal's default ones.
        sixteen: what the first 16 colours are.
    """

    def __init__(self, base: Style, sixteen: Sixteen = NATIVE) -> None:
        self.base = base
        self.sixteen = sixteen
        self._styles: dict[CellStyle, Style] = {}

    def strip(self, row: Row, *, cursor: Cursor | None = None, reverse: bool = False) -> Strip:
        """One row, with the cursor as a reversed cell where one is given.

        Args:
            row: what the emulator shows.
            cursor: given for the row that it is on.
            reverse: whether the whole screen is reversed (DECSCNM).
        """
        strip = Strip([Segment(run.text, self.style(run.style)) for run in row], sum(run.width for run in row))
        if reverse:
            strip = _reversed(strip)
        return strip if cursor is None else _with_cursor(strip, cursor)

    def style(self, cell: CellStyle) -> Style:
        """The cell's style on the pane's background."""
        style = self._styles.get(cell)
        if style is None:
            if len(self._styles) >= _KEPT_STYLES:  # true-colour pictures
                self._styles.clear()
            style = self._styles[cell] = self.base + _rich_style(cell, self.sixteen)
        return style


def _rich_style(cell: CellStyle, sixteen: Sixteen) -> Style:
    return Style(
        color=_rich_colour(cell.foreground, sixteen),
        bgcolor=_rich_colour(cell.background, sixteen),
        bold=cell.bold or None,
        dim=cell.dim or None,
        italic=cell.italic or None,
        underline=cell.underline or bool(cell.link) or None,
        reverse=cell.reverse or None,
        conceal=cell.conceal or None,
        strike=cell.strike or None,
        meta={LINK: cell.link} if cell.link else None,
    )


def highlighted(strip: Strip, span: tuple[int, int], style: Style) -> Strip:
    """A strip with a stretch of it in another style.

    Args:
        strip: the row.
        span: indexes of its characters, the end excluded; an end of -1 is the end of the row.
        style: laid over the stretch.
    """
    start = strip.index_to_cell_position(span[0])
    end = strip.cell_length if span[1] == -1 else strip.index_to_cell_position(span[1])
    before, middle, after = _cut(strip, start, min(end, strip.cell_length))
    segments = [Segment(text, style if own is None else own + style) for text, own, _ in middle]
    return Strip.join([before, Strip(segments, middle.cell_length), after])


def selection_style(screen: Screen[object]) -> Style:
    """What is selected: its background alone, since the theme's text colour for it is the background's own."""
    return Style(bgcolor=screen.get_component_rich_style("screen--selection").bgcolor)


def with_words(strip: Strip, words: str, style: Style) -> Strip:
    """A strip with a few words over its right end."""
    return Strip.join([strip.crop(0, max(0, strip.cell_length - len(words))), Strip([Segment(words, style)])]).crop(
        0, strip.cell_length
    )


def _with_cursor(strip: Strip, cursor: Cursor) -> Strip:
    before, middle, after = _cut(strip, cursor.column, cursor.column + cursor.width)
    return Strip.join([before, _reversed(middle), after])


def _cut(strip: Strip, start: int, end: int) -> tuple[Strip, Strip, Strip]:
    return strip.crop(0, start), strip.crop(start, end), strip.crop(end)


def _reversed(strip: Strip) -> Strip:
    # What is reversed already is reversed back, so that it still stands out.
    segments = [Segment(text, (own or Style()) + Style(reverse=not (own and own.reverse))) for text, own, _ in strip]
    return Strip(segments, strip.cell_length)


def _rich_colour(colour: Colour, sixteen: Sixteen) -> Color | None:
    if colour is None:
        return None
    if isinstance(colour, int):
        return sixteen[colour] if colour < len(sixteen) else Color.from_ansi(colour)
    return Color.from_rgb(*colour)
