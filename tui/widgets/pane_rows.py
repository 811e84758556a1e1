"""The rows of a pane: what its emulator shows, looks back at and has selected, painted when it is time to."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from time import perf_counter
from typing import ClassVar

from rich.style import Style
from textual.geometry import Region, Size
from textual.selection import Selection
from textual.strip import Strip
from textual.timer import Timer

from tui.terminal.choice import new_emulator
from tui.terminal.colours import sixteen_of
from tui.terminal.frames import FrameClock
from tui.terminal.look_back import LookBack, Mark, Stretch
from tui.terminal.painter import Painter, highlighted, selection_style, with_words
from tui.widgets.links import Links
from tui.widgets.pane_keys import pane_keys_of


class PaneRows(Links):
    """A terminal's screen or a part of its history."""

    DEFAULT_CSS = """
    PaneRows {
        height: 1fr;
        background: $background;
        color: $foreground;
        border: round $surface-lighten-2;
        border-title-color: $foreground;
        border-subtitle-color: $text-muted;
        &:focus { border: round $accent; }
        & > .shell-pane--rest { color: $text-muted; background: $surface; }
        & > .shell-pane--key { color: $accent; background: $surface; text-style: bold; }
        & > .shell-pane--found { color: $background; background: $warning; }
    }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"shell-pane--rest", "shell-pane--key", "shell-pane--found"}
    """
    | Class | Description |
    | :- | :- |
    | `shell-pane--rest` | How much is below, while looking back. |
    | `shell-pane--key` | A key that can be pressed after the leader. |
    | `shell-pane--found` | What a search has found. |
    """

    def __init__(self, *, name: str | None = None, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(name=name, id=id, classes=classes)
        self._emulator = new_emulator()
        self._painter = Painter(Style())
        self._styled = False
        self._clock = FrameClock()
        self._paint_timer: Timer | None = None
        self._led = False
        self._back: LookBack | None = None

    @property
    def flooded(self) -> bool:
        """Whether output comes faster than it is interpreted, so that frames may be fewer."""
        return False

    @property
    def is_live(self) -> bool:
        """Whether there is a process that the cursor belongs to."""
        return True

    @property
    def has_wish(self) -> bool:
        """Whether the process waits for an answer about the clipboard."""
        return False

    def output_arrived(self) -> None:
        """The emulator was fed: paint when it is time to."""
        if self._paint_timer is None:
            self._paint_when_due()

    def _paint_when_due(self) -> None:
        held = self._emulator.modes.frame_held
        wait = self._clock.wait_seconds(perf_counter(), flooded=self.flooded, held=held)
        self._paint_timer = self.set_timer(wait, self._paint_when_due) if wait else None
        if not wait:
            self._paint()

    def _paint(self) -> None:
        self._clock.painted(perf_counter())
        changed = self._emulator.take_changed_rows()
        if changed:
            self.refresh(*_regions(changed, self.size))
        self.painted()

    def painted(self) -> None:
        """Called after each frame."""

    def notify_style_update(self) -> None:
        """Look at the colours again before the next frame."""
        super().notify_style_update()
        self._styled = False

    def render_lines(self, crop: Region) -> list[Strip]:
        """All rows that are painted now; how long that takes decides when the next ones of a flood are."""
        began = perf_counter()
        strips = super().render_lines(crop)
        self._clock.cost(perf_counter() - began)
        return strips

    def render_line(self, y: int) -> Strip:
        """One row of the screen or of the history."""
        self._take_style()
        cursor = self._emulator.cursor
        shown = self.has_focus and cursor.visible and cursor.row == y and self.is_live
        strip = self._painter.strip(
            self._emulator.row(y), cursor=cursor if shown else None, reverse=self._emulator.modes.reverse_screen
        )
        span = self.text_selection.get_span(y) if self.text_selection is not None else None
        if span is not None:
            strip = highlighted(strip, span, selection_style(self.screen))
        strip = strip.crop_extend(0, self.size.width, self._painter.base)
        if self._back is not None:
            strip = self._marked(strip, self._back.stretches(y))
        if self._led and (keys := self._led_row(y)) is not None:
            return keys.apply_offsets(0, y)
        if y + 1 == self.size.height and (words := self._rest()):
            strip = with_words(strip, words, self.get_component_rich_style("shell-pane--rest"))
        return strip.apply_offsets(0, y)

    def _marked(self, strip: Strip, stretches: Iterable[Stretch]) -> Strip:
        looks = {
            Mark.FOUND: self.get_component_rich_style("shell-pane--found"),
            Mark.SELECTED: selection_style(self.screen) + Style(color=self._painter.base.color),
            Mark.CURSOR: Style(color=self._painter.base.bgcolor, bgcolor=self._painter.base.color),
        }
        for start, end, mark in stretches:
            strip = highlighted(strip, (start, end), looks[mark])
        return strip

    def _led_row(self, y: int) -> Strip | None:
        """The row of keys after the leader that lies over the lowest rows of the pane."""
        key, words = (self.get_component_rich_style(f"shell-pane--{name}") for name in ("key", "rest"))
        rows = pane_keys_of(self.app).rows(self.size.width, key, words, has_wish=self.has_wish)
        below = y - (self.size.height - len(rows))
        return rows[below] if below >= 0 else None

    def _rest(self) -> str:
        """What the lowest row says while the view isn't at the end."""
        back, below = self._back, self._emulator.view_offset
        if back is None:
            return f" {below:,} rows below " if below else ""
        if back.entry is not None:
            return str(back.entry)
        return f" {back.word or (f'{below:,} rows below' if below else 'looking back')} · q end "

    def _take_style(self) -> None:
        if self._styled:
            return
        self._styled = True
        look = self.rich_style, sixteen_of(self.app)
        if look != (self._painter.base, self._painter.sixteen):
            self._painter = Painter(*look)
            _, _, background, foreground = self.colors
            self._emulator.set_colours(foreground.rgb, background.rgb)

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """The selected text, without the blanks that pad its lines."""
        rows = ("".join(run.text for run in self._emulator.row(y)) for y in range(self._emulator.rows))
        return "\n".join(line.rstrip() for line in selection.extract("\n".join(rows)).split("\n")), "\n"


def _regions(rows: Iterable[int], size: Size) -> list[Region]:
    """Neighbouring rows as one region each."""
    runs = groupby(enumerate(sorted(rows)), key=lambda pair: pair[1] - pair[0])
    bands = ([row for _, row in run] for _, run in runs)
    return [Region(0, band[0], size.width, len(band)) for band in bands]
