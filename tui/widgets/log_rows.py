"""Rows of a log: they follow the end, keep colours, bear floods."""

from __future__ import annotations

import asyncio
import re
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from datetime import datetime
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.cache import LRUCache
from textual.color import Color
from textual.filter import LineFilter
from textual.geometry import Size
from textual.reactive import Reactive, var
from textual.scroll_view import ScrollView
from textual.selection import Selection
from textual.strip import Strip
from textual.timer import Timer

from engine.errors import BoxdeckError
from engine.model import LogLine
from tui.terminal.colours import sixteen_of
from tui.terminal.frames import FLOOD_FRAME_SECONDS
from tui.terminal.log_buffer import LogBuffer
from tui.terminal.log_text import row_starts, runs_of
from tui.terminal.painter import Painter, highlighted, selection_style, with_words
from tui.widgets.direct import Direct
from tui.widgets.links import Links

LINES_KEPT = 5_000
FRAME_SECONDS = 1 / 30
LINES_PER_FRAME = 2_000
"""How many lines may arrive between two frames; a source that is faster has to wait."""

FLOOD_LINES = 200
"""How many lines between two frames nobody can read."""

_HELD_SECONDS = 0.25
"""Lines wait at most so long for a person who presses keys."""

_LOOK_SECONDS = 0.01
_STAY_SECONDS = 0.15
"""What is shown stays so long where another log takes its time: an empty view in between would only flicker."""

_LINES_PER_TURN = 200
_GUTTER_COLUMNS = 2
_TIME_COLUMNS = 13


class LogRows(ScrollView, Direct, Links, can_focus=True):
    """The last lines of a log.

    It follows the end until it is scrolled up, and again once it is scrolled to the end. Lines from
    standard error carry a mark at their left. Text can be selected and copied.

    Attributes:
        is_awaited: tells whether somebody waits for what a key leads to; lines come after that.
    """

    DEFAULT_CSS = """
    LogRows {
        background: $background;
        color: $foreground;
        scrollbar-size: 0 1;
        scrollbar-gutter: stable;
        & > .log-view--time { color: $text-muted; }
        & > .log-view--stderr { color: $warning; }
        & > .log-view--empty { color: $text-muted; }
        & > .log-view--rest { color: $text-muted; background: $surface; }
        & > .log-view--found { color: $background; background: $warning; }
    }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "log-view--time",
        "log-view--stderr",
        "log-view--empty",
        "log-view--rest",
        "log-view--found",
    }
    """
    | Class | Description |
    | :- | :- |
    | `log-view--time` | When a line was written. |
    | `log-view--stderr` | The mark beside a line from standard error. |
    | `log-view--empty` | What stands in place of lines while there are none. |
    | `log-view--rest` | How much is below, while the end isn't followed. |
    | `log-view--found` | What is searched for. |
    """
    ALLOW_SELECT = True

    virtual_size: Reactive[Size] = Reactive(Size(0, 0))
    """As Textual's own, which lays out the whole screen for every line that comes."""

    show_times: var[bool] = var(False)
    """Whether each line starts with the time it was written at."""

    wrap_lines: var[bool] = var(True)
    """Whether lines that are too long go on in the next row."""

    following: var[bool] = var(True)
    """Whether new lines scroll into sight; False while scrolled up."""

    def __init__(
        self, *, name: str | None = None, id: str | None = None, classes: str | None = None, limit: int = LINES_KEPT
    ) -> None:
        super().__init__(name=name, id=id, classes=classes)
        self.is_awaited: Callable[[], bool] = lambda: False
        self._buffer = LogBuffer(limit)
        self._lines: deque[LogLine] = deque(maxlen=limit)
        self._sought: re.Pattern[str] | None = None
        self._held = False
        self._arrived: list[LogLine] = []
        self._taken = asyncio.Event()
        self._frame: Timer | None = None
        self._is_flooded = False
        self._taken_at = float("-inf")
        self._stays_until: float | None = None
        self._painter = Painter(Style())
        self._styled = False
        self._styled_by: tuple[object, ...] = ()
        self._filters: Sequence[LineFilter] = ()
        self._background = Color(0, 0, 0)
        self._strips: LRUCache[int, Strip] = LRUCache(512)

    # --- what is shown ---

    def show(self, lines: AsyncIterator[LogLine]) -> None:
        """Follow another source, from an empty view on.

        Args:
            lines: closed once it is replaced or the view removed. When it fails with a `BoxdeckError`,
                that is shown as its last line.
        """
        self._begin_anew()
        self._taken_at = time.monotonic()
        self._stays_until = self._taken_at + _STAY_SECONDS
        self._expect_frame()
        self.run_worker(self._follow(lines), name="log", group="log", exclusive=True, exit_on_error=False)

    def clear(self) -> None:
        """Forget all lines; a source that is followed goes on."""
        self._begin_anew()
        self._forget_lines()
        self._lay_out()

    def _forget_lines(self) -> None:
        self._stays_until = None
        self._lines.clear()
        self._buffer.clear()
        self._strips.clear()

    def _begin_anew(self) -> None:
        self._arrived.clear()
        self._held = False
        self._taken.set()
        self.following = True

    def shaped(self, lines: Iterable[LogLine]) -> list[LogLine]:
        """Those of further lines that are shown, as they are shown."""
        return list(lines)

    def reshape(self) -> None:
        """Show other lines of those that are held, or show them otherwise."""
        self._buffer.clear()
        self._buffer.extend(self.shaped(self._lines))
        self._lay_out_anew()

    def hold_source(self) -> None:
        """Take no more than can be held until its end is in sight, so that what is looked for isn't pushed out."""
        self._held = True

    @property
    def _room(self) -> int:
        """How many lines may be taken now."""
        if not self._held or self.is_vertical_scroll_end:
            return len(self._arrived)
        return (self._lines.maxlen or 0) - len(self._lines)

    async def _follow(self, lines: AsyncIterator[LogLine]) -> None:
        try:
            await self._let_keys_pass()
            async for line in lines:
                self._arrived.append(line)
                await self._let_others_run()
        except BoxdeckError as error:
            self._arrived.append(LogLine(at_unix_ns=_now(), stream="stderr", data=str(error).encode()))
            self._expect_frame()
        finally:
            close = getattr(lines, "aclose", None)
            if close is not None:
                await close()

    async def _let_others_run(self) -> None:
        self._expect_frame()
        if len(self._arrived) >= LINES_PER_FRAME:
            self._taken.clear()
            await self._taken.wait()
        elif len(self._arrived) % _LINES_PER_TURN == 0:
            await asyncio.sleep(0)
            await self._let_keys_pass()

    async def _let_keys_pass(self) -> None:
        while self._has_to_wait:
            await asyncio.sleep(_LOOK_SECONDS)

    @property
    def _has_to_wait(self) -> bool:
        """Whether a key comes first."""
        return self.is_awaited() and time.monotonic() - self._taken_at < _HELD_SECONDS

    def _expect_frame(self) -> None:
        if self._frame is None:
            seconds = FLOOD_FRAME_SECONDS if self._is_flooded else FRAME_SECONDS
            self._frame = self.set_timer(seconds, self._take_arrived)

    def _take_arrived(self) -> None:
        self._frame = None
        if self._has_to_wait:
            self._expect_frame()
            return
        self._taken_at = time.monotonic()
        self._is_flooded = len(self._arrived) >= FLOOD_LINES
        if self._stays_until is not None and not self._arrived and time.monotonic() < self._stays_until:
            self._expect_frame()
            return
        if self._stays_until is not None:
            self._forget_lines()
        room = self._room
        if not room and self._arrived:
            return
        arrived, self._arrived = self._arrived[:room], self._arrived[room:]
        self._taken.set()
        self._lines.extend(arrived)
        dropped = self._buffer.extend(self.shaped(arrived))
        self._lay_out()
        if not self.following and dropped:
            self.scroll_to(y=max(0, self.scroll_offset.y - dropped), animate=False, immediate=True, force=True)

    # --- layout ---

    @property
    def _prefix_columns(self) -> int:
        return _GUTTER_COLUMNS + (_TIME_COLUMNS if self.show_times else 0)

    def _lay_out(self) -> None:
        columns = self.scrollable_content_region.width - self._prefix_columns
        self._buffer.wrap(max(1, columns) if self.wrap_lines else None)
        width = 0 if self.wrap_lines else self._buffer.widest + self._prefix_columns
        self.virtual_size = Size(width, self._buffer.rows)
        if self.following:
            self.scroll_end(animate=False, immediate=True, force=True, x_axis=False)  # before the scrollbar shows, too
        self.refresh()

    def _lay_out_anew(self) -> None:
        self._strips.clear()
        self._lay_out()

    def on_resize(self) -> None:
        """Wrap lines to the new width."""
        self._lay_out_anew()

    def watch_virtual_size(self, size: Size) -> None:
        """The scrollbar alone has to follow."""
        self._refresh_scrollbars()
        if self.show_vertical_scrollbar:
            self.vertical_scrollbar.window_virtual_size = size.height
        if self.show_horizontal_scrollbar:
            self.horizontal_scrollbar.window_virtual_size = size.width

    def watch_show_times(self) -> None:
        """Make room for times."""
        self._lay_out_anew()

    def watch_wrap_lines(self) -> None:
        """Lay all lines out anew."""
        self.scroll_to(x=0, animate=False)
        self._lay_out_anew()

    def watch_scroll_x(self, old_value: float, new_value: float) -> None:
        """Cut lines elsewhere."""
        super().watch_scroll_x(old_value, new_value)
        self._strips.clear()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Stop following once scrolled up, go on at the end."""
        super().watch_scroll_y(old_value, new_value)
        if new_value < old_value or not self.following:
            self.following = self.is_vertical_scroll_end
        if self._arrived:
            self._expect_frame()

    def notify_style_update(self) -> None:
        """Look at the colours again before the next frame; Textual calls this at every layout, too."""
        super().notify_style_update()
        self._styled = False

    # --- painting ---

    def strips(self, rows: Sequence[int]) -> list[Strip]:
        """Some rows of the view, also below the scrollbar that lies over their last cell."""
        self._take_style()
        width = self.scrollable_content_region.width
        return [self._strip(y, width).adjust_cell_length(self.size.width, self._painter.base) for y in rows]

    def _strip(self, y: int, width: int) -> Strip:
        row = self._buffer.first_row + self.scroll_offset.y + y
        if row >= self._buffer.end_row:
            return self._with_rest(self._empty(y, width), y, 0)
        return self._with_rest(self._row(row, width), y, self._buffer.end_row - row - 1)

    def _with_rest(self, strip: Strip, y: int, below: int) -> Strip:
        words = self.rest(below) if y + 1 == self.size.height else ""
        if not words:
            return strip
        style = self._painter.base + self.get_component_rich_style("log-view--rest")
        return self._filtered(with_words(strip, words, style))

    def _filtered(self, strip: Strip) -> Strip:
        """In colours that the terminal has."""
        for each in self._filters:
            strip = strip.apply_filter(each, self._background)
        return strip

    def rest(self, below: int) -> str:
        """What the lowest row says over its right end."""
        return "" if self.following else f" {below:,} rows below · G end "

    def _take_style(self) -> None:
        if not self._styled:
            self._styled = True
            looks = tuple(self.get_component_rich_style(name) for name in sorted(self.COMPONENT_CLASSES))
            filters, background = tuple(self.get_line_filters()), self.background_colors[1]
            of = self.rich_style, sixteen_of(self.app), looks, filters, background
            if of != self._styled_by:
                self._styled_by, self._painter = of, Painter(of[0], of[1])
                self._filters, self._background = filters, background
                self._strips.clear()

    def _row(self, row: int, width: int) -> Strip:
        # The same object for the same row: Textual keeps what it made of a strip with the strip.
        span = self.text_selection.get_span(row) if self.text_selection is not None else None
        strip = self._strips.get(row) if span is None else None
        if strip is None:
            line, part = self._buffer.at(row)
            text = self._text(line, part, span).apply_offsets(self.scroll_offset.x, row)
            strip = Strip.join([self._prefix(line, part), text]).crop_extend(0, width, self._painter.base)
            strip = self._filtered(strip)
            if span is None:
                self._strips[row] = strip
        return strip

    def _empty(self, y: int, width: int) -> Strip:
        words = self.emptiness if y == 0 and not len(self._buffer) else ""
        style = self.get_component_rich_style("log-view--empty")
        blank = Strip([Segment(" " * _GUTTER_COLUMNS + words, style)]).crop_extend(0, width, self._painter.base)
        return self._filtered(blank)

    @property
    def emptiness(self) -> str:
        """What stands in place of lines."""
        return "nothing written yet"

    def _prefix(self, line: LogLine, part: int) -> Strip:
        base = self._painter.base
        mark = "▎ " if line.stream == "stderr" else "  "
        segments = [Segment(mark, base + self.get_component_rich_style("log-view--stderr"))]
        if self.show_times:
            time = "" if part else _clock(line.at_unix_ns)
            style = base + self.get_component_rich_style("log-view--time")
            segments.append(Segment(time.ljust(_TIME_COLUMNS), style))
        return Strip(segments, self._prefix_columns)

    def _text(self, line: LogLine, part: int, span: tuple[int, int] | None) -> Strip:
        strip = self._piece(line, part)
        if self._sought is not None:
            look = self.get_component_rich_style("log-view--found")
            for found in self._sought.finditer(strip.text):
                strip = highlighted(strip, found.span(), look)
        if span is not None:
            strip = highlighted(strip, span, selection_style(self.screen))
        columns = self.scrollable_content_region.width - self._prefix_columns
        return strip if self.wrap_lines else strip.crop(self.scroll_offset.x, self.scroll_offset.x + columns)

    def _piece(self, line: LogLine, part: int) -> Strip:
        runs = runs_of(line.data)
        strip = self._painter.strip(runs)
        columns = self._buffer.wrap_columns
        if columns is None or strip.cell_length <= columns:
            return strip
        starts = (*row_starts(runs, columns), strip.cell_length)
        return strip.crop(starts[part], starts[part + 1])

    # --- selection ---

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """The selected text without marks and times; wrapped lines are one line again."""
        parts = []
        for row in range(self._buffer.first_row, self._buffer.end_row):
            span = selection.get_span(row)
            if span is not None:
                text = self._piece(*self._buffer.at(row)).text
                end = len(text) if span[1] == -1 else span[1]
                parts.append(text[span[0] : end] + ("\n" if self._buffer.is_last_row_of_line(row) else ""))
        return "".join(parts).removesuffix("\n"), "\n"


def _clock(at_unix_ns: int) -> str:
    moment = datetime.fromtimestamp(at_unix_ns / 1e9)
    return f"{moment:%H:%M:%S}.{moment.microsecond // 1000:03}"


def _now() -> int:
    return int(datetime.now().timestamp() * 1e9)
