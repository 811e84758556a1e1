"""The `Emulator` that stands on libghostty, where ``pip install boxdeck[fast]`` could bring it (pyghostty 0.1.3).

Why it is there: it is correct, as bittty is (17 of 17 probes), and interprets coloured lines about 20 times as fast
(39 MB/s where bittty takes 1.7), in a thread that leaves Python's lock to others. Why it isn't the default: its wheels
are for glibc on x86-64 and arm64 only. Figures of both in one run are in the README.

vttest's menus 1, 2, 3, 6, 8 and 11 look as they do in `bittty_emulator`, but that REP repeats what was written before
the cursor moved, which ECMA-48 leaves open.

What is worked around, each with a test:

- DECCOLM would make the page 80 or 132 columns wide: after it the page is at once as wide as the pane again;
- control characters that stand in cells never reach the terminal that the app runs in (`ghostty_cells`);
- pictures are switched off, since they might be read from files of the host.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import partial
from threading import RLock
from typing import Any

from rich.cells import cell_len

from tui.terminal import keys, links
from tui.terminal.emulator import (
    CLIPBOARD_LIMIT_BYTES,
    Cursor,
    CursorShape,
    Modes,
    MouseReport,
    MouseTracking,
    Row,
    Run,
)
from tui.terminal.ghostty_calls import CELL_PIXELS, connect
from tui.terminal.ghostty_library import ffi, lib, owned, place, scroll, sized
from tui.terminal.ghostty_mouse import MouseEncoder
from tui.terminal.ghostty_screen import GhosttyScreen
from tui.terminal.kitty_keys import encode_kitty_key

HISTORY_ROWS, HISTORY_BYTES = 10_000, 16 << 20
"""What is kept of rows that scrolled off; the library leaves off at what is reached first."""

_LINE_BYTES = 65_536  # of a line's text

# DECCOLM makes the library's page 80 or 132 columns wide once mode 40 is set, and a pane's is as wide as the pane.
_COLUMN_MODE = re.compile(rb"\x1b\[\?(?:[0-9;]*;)?0*3(?:;[0-9;]*)?[hl]")

_TRACKING = ((1003, MouseTracking.MOTION), (1002, MouseTracking.DRAG), (1000, MouseTracking.BUTTONS))
_SHAPES = (CursorShape.BAR, CursorShape.BLOCK, CursorShape.UNDERLINE, CursorShape.BLOCK)


class GhosttyEmulator:
    """An `Emulator`; see there. The columns and rows it starts with are at least 1.

    `feed` may run in another thread while the others are called: the library is left by one before another enters.
    """

    feeds_aside = True

    def __init__(self, columns: int = 80, rows: int = 24) -> None:
        self._lock = RLock()
        self._columns, self._rows = max(1, columns), max(1, rows)
        self._terminal = owned(
            "GhosttyTerminal", lib.ghostty_terminal_new, lib.ghostty_terminal_free, self._columns, self._rows
        )
        self._replies = bytearray()
        self._clipboard: list[str] = []
        self._callbacks = connect(self._terminal, self._replies, self._clipboard)
        self._screen = GhosttyScreen()
        self._line = ffi.new("uint8_t[]", _LINE_BYTES)
        self._link = ffi.new("uint8_t[]", links.LONGEST)
        self._mouse = MouseEncoder()
        self._stale = True
        self._seen_cursor = Cursor(0, 0)
        self.resize(columns, rows)
        for option, kind, value in (
            (lib.GHOSTTY_TERMINAL_OPT_SCROLLBACK_MAX_LINES, "size_t", HISTORY_ROWS),
            (lib.GHOSTTY_TERMINAL_OPT_SCROLLBACK_MAX_BYTES, "size_t", HISTORY_BYTES),
            (lib.GHOSTTY_TERMINAL_OPT_CLIPBOARD_WRITE_MAX_BYTES, "size_t", CLIPBOARD_LIMIT_BYTES),
            (lib.GHOSTTY_TERMINAL_OPT_KITTY_IMAGE_STORAGE_LIMIT, "uint64_t", 0),  # no pictures, nor files of the host
            (lib.GHOSTTY_TERMINAL_OPT_TITLE_REPORT, "bool", False),  # a title is what the process put there
        ):
            self._set(option, ffi.new(f"{kind}*", value))
        # Combining characters and emoji of several parts take the cells of one, as Unicode has it.
        self._set_mode(lib.GHOSTTY_TERMINAL_OPT_MODE_DEFAULT, 2027, True)
        self._set_mode(lib.GHOSTTY_TERMINAL_OPT_MODE, 2027, True)

    @property
    def columns(self) -> int:
        """See `Emulator`."""
        return self._columns

    @property
    def rows(self) -> int:
        """See `Emulator`."""
        return self._rows

    @property
    def title(self) -> str:
        """See `Emulator`."""
        with self._lock:
            title = self._get(lib.GHOSTTY_TERMINAL_DATA_TITLE, "GhosttyString")
            text = bytes(ffi.buffer(title.ptr, title.len)) if title.len else b""
        return "".join(filter(str.isprintable, text.decode("utf-8", "replace")))

    @property
    def modes(self) -> Modes:
        """See `Emulator`."""
        with self._lock:
            screen = self._get(lib.GHOSTTY_TERMINAL_DATA_ACTIVE_SCREEN, "GhosttyTerminalScreen")
            return Modes(
                alternate_screen=screen == lib.GHOSTTY_TERMINAL_SCREEN_ALTERNATE,
                application_cursor=self._mode(1),
                bracketed_paste=self._mode(2004),
                focus_reports=self._mode(1004),
                reverse_screen=self._mode(5),
                frame_held=self._mode(2026),
                mouse=self._tracking(),
                kitty_keyboard=self._get(lib.GHOSTTY_TERMINAL_DATA_KITTY_KEYBOARD_FLAGS, "uint8_t"),
            )

    @property
    def cursor(self) -> Cursor:
        """See `Emulator`."""
        with self._lock:
            self._refresh()
            column = self._get(lib.GHOSTTY_TERMINAL_DATA_CURSOR_X, "uint16_t")
            row = self._get(lib.GHOSTTY_TERMINAL_DATA_CURSOR_Y, "uint16_t")
            visible = self._mode(25) and not self._offset()
        style = self._screen.cursor
        if style.wide_tail:
            column -= 1
        width = self._screen.width_at(column, row) if visible else 1
        return Cursor(column, row, width, visible, _SHAPES[style.visual_style])

    @property
    def history_rows(self) -> int:
        """See `Emulator`."""
        with self._lock:
            rows: int = self._get(lib.GHOSTTY_TERMINAL_DATA_SCROLLBACK_ROWS, "size_t")
        return rows

    @property
    def view_offset(self) -> int:
        """See `Emulator`."""
        with self._lock:
            return self._offset()

    def skim(self, data: bytes) -> bool:
        """See `Emulator`: interpreting all of it is quick enough."""
        return False

    def catch_up(self) -> bool:
        """See `Emulator`: nothing is ever skimmed."""
        return False

    def feed(self, data: bytes) -> None:
        """See `Emulator`."""
        with self._lock:
            for part in _at_column_modes(data):
                lib.ghostty_terminal_vt_write(self._terminal, part, len(part))
                if self._get(lib.GHOSTTY_TERMINAL_DATA_COLS, "uint16_t") != self._columns:
                    self.resize(self._columns, self._rows)
            self._stale = True

    def resize(self, columns: int, rows: int) -> None:
        """See `Emulator`."""
        with self._lock:
            self._columns, self._rows = max(1, columns), max(1, rows)
            lib.ghostty_terminal_resize(self._terminal, self._columns, self._rows, *CELL_PIXELS)
            self._stale = True

    def set_colours(self, foreground: tuple[int, int, int], background: tuple[int, int, int]) -> None:
        """See `Emulator`."""
        with self._lock:
            for option, colour in (
                (lib.GHOSTTY_TERMINAL_OPT_COLOR_FOREGROUND, foreground),
                (lib.GHOSTTY_TERMINAL_OPT_COLOR_BACKGROUND, background),
                (lib.GHOSTTY_TERMINAL_OPT_COLOR_CURSOR, foreground),
            ):
                self._set(option, ffi.new("GhosttyColorRgb*", colour))

    def scroll_view(self, rows: int) -> None:
        """See `Emulator`."""
        with self._lock:
            self._scroll(lib.GHOSTTY_SCROLL_VIEWPORT_DELTA, rows)

    def show_end(self) -> None:
        """See `Emulator`."""
        with self._lock:
            self._scroll(lib.GHOSTTY_SCROLL_VIEWPORT_BOTTOM, 0)

    def row(self, y: int) -> Row:
        """See `Emulator`."""
        if not 0 <= y < self._rows:
            return (Run(" " * self._columns, self._columns),)
        with self._lock:
            self._refresh()
            line = self._get(lib.GHOSTTY_TERMINAL_DATA_SCROLLBACK_ROWS, "size_t") - self._offset() + y
            return self._screen.row(y, partial(self._link_at, line))

    def line_text(self, line: int, columns: int | None = None) -> str:
        """See `Emulator`."""
        columns = self._columns if columns is None else min(columns, self._columns)
        if columns <= 0:
            return ""
        with self._lock:
            text = self._text_of(line, columns)
        return text + " " * max(0, columns - cell_len(text))

    def take_changed_rows(self) -> Sequence[int]:
        """See `Emulator`."""
        with self._lock:
            self._refresh()
            changed = self._screen.take_changed_rows()
        if len(changed) == self._rows:
            self._seen_cursor = self.cursor
            return range(self._rows)
        before, self._seen_cursor = self._seen_cursor, self.cursor
        return sorted({*changed, *((before.row, self.cursor.row) if before != self._seen_cursor else ())})

    def take_replies(self) -> bytes:
        """See `Emulator`."""
        with self._lock:
            replies = bytes(self._replies)
            self._replies.clear()
        return replies

    def take_clipboard(self) -> str | None:
        """See `Emulator`."""
        with self._lock:
            return self._clipboard.pop() if self._clipboard else None

    def encode_key(self, key: str, character: str | None) -> bytes:
        """See `Emulator`."""
        modes = self.modes
        if modes.kitty_keyboard:
            return encode_kitty_key(key, character, modes.kitty_keyboard)
        return keys.encode_key(key, character, application_cursor=modes.application_cursor)

    def encode_paste(self, text: str) -> bytes:
        """See `Emulator`."""
        return keys.encode_paste(text, bracketed=self.modes.bracketed_paste)

    def encode_mouse(self, report: MouseReport) -> bytes:
        """See `Emulator`."""
        with self._lock:
            return self._mouse.encode(self._terminal, report, self._columns, self._rows)

    def encode_focus(self, focused: bool) -> bytes:
        """See `Emulator`."""
        return keys.encode_focus(focused) if self.modes.focus_reports else b""

    # --- the library; whoever calls these has the lock ---

    def _get(self, what: int, kind: str) -> Any:
        lib.ghostty_terminal_get(self._terminal, what, found := ffi.new(f"{kind}*"))
        return found[0]

    def _set(self, option: int, value: Any) -> None:
        lib.ghostty_terminal_set(self._terminal, option, value)

    def _mode(self, number: int) -> bool:
        mode = ffi.new("GhosttyTerminalModeConfig*", (number, False))
        lib.ghostty_terminal_get(self._terminal, lib.GHOSTTY_TERMINAL_DATA_MODE, mode)
        return bool(mode.value)

    def _set_mode(self, option: int, number: int, value: bool) -> None:
        self._set(option, ffi.new("GhosttyTerminalModeConfig*", (number, value)))

    def _tracking(self) -> MouseTracking:
        if not self._get(lib.GHOSTTY_TERMINAL_DATA_MOUSE_TRACKING, "bool"):
            return MouseTracking.OFF
        return next((tracking for mode, tracking in _TRACKING if self._mode(mode)), MouseTracking.BUTTONS)

    def _scroll(self, how: int, rows: int) -> None:
        scroll(self._terminal, how, rows)
        self._stale = True

    def _offset(self) -> int:
        bar = self._get(lib.GHOSTTY_TERMINAL_DATA_SCROLLBAR, "GhosttyTerminalScrollbar")
        offset: int = bar.total - bar.len - bar.offset
        return offset

    def _refresh(self) -> None:
        if self._stale:
            self._stale = False
            self._screen.update(self._terminal, self._rows)

    def _link_at(self, line: int, x: int) -> str:
        where, length = place(self._terminal, x, line), ffi.new("size_t*")
        if where is None:
            return ""
        lib.ghostty_grid_ref_hyperlink_uri(ffi.new("GhosttyGridRef*", where), self._link, links.LONGEST, length)
        address = bytes(ffi.buffer(self._link, min(length[0], links.LONGEST)))
        return links.followable(address.decode("utf-8", "replace"))

    def _text_of(self, line: int, columns: int) -> str:
        start, end = place(self._terminal, 0, line), place(self._terminal, columns - 1, line)
        if start is None or end is None:
            return ""
        selection, options = sized("GhosttySelection"), sized("GhosttyTerminalSelectionFormatOptions")
        selection.start, selection.end = start, end
        options.emit, options.selection = lib.GHOSTTY_FORMATTER_FORMAT_PLAIN, selection
        length = ffi.new("size_t*")
        lib.ghostty_terminal_selection_format_buf(
            self._terminal, options[0], self._line, ffi.sizeof(self._line), length
        )
        return bytes(ffi.buffer(self._line, length[0])).decode("utf-8", "replace")


def _at_column_modes(data: bytes) -> Iterator[bytes]:
    """Output in parts that end where the page might have become wider."""
    start = 0
    for found in _COLUMN_MODE.finditer(data):
        yield data[start : found.end()]
        start = found.end()
    yield data[start:]
