"""The `Emulator` that stands on the bittty library, and every workaround for it.

Why bittty: it is correct and installs everywhere. Of 17 probes it passes 17, as pyghostty 0.1.3 (libghostty) does, and
pyte 0.8.2 passes 8. It isn't fast: of coloured lines at 160x50, on a machine whose two processors others were using
(load average 8.1; tmux took 5.9 MB/s there), it interprets 1.7 MB/s and pyghostty 39; pyte was slower than bittty in
an earlier run (0.3 and 0.4). pyghostty has wheels for glibc on x86-64 and arm64 only, so it can't be the default; it is
used where it is installed (`ghostty_emulator`). `tests.benchmarks.terminal` measures whichever of them is installed.

vttest's menus 1, 2, 3, 6, 8 and 11 look as they do in tmux, with colours and attributes (`tests/tui/test_vttest.py`),
but for pages where tmux shows something else than the page asks for (autowrap with control characters, origin mode,
scrolling sideways) and these of ours: DECCOLM clears the page and leaves its width, and of the special graphics the
symbols for control characters are full blocks.

Programs look as they do in tmux (`tests/e2e/test_programs_in_tmux.py`), but for one that erases to the end of a row
that it has just filled, such as top: the last cell goes with it here, as in xterm and libghostty, and stays in tmux.

What is worked around (bittty 0.3.0), each with a test:

- a process may resize the page behind the pane's back (XTWINOPS 8, DECSLPP, DECCOLM, DECSCPP): refused by `_board`;
  of DECCOLM what else it does is kept, which is to clear the screen and reset the margins;
- clearing a tab stop (TBC) takes 1 and 2, which mean lines, for 0: `_board` leaves them out;
- an OSC, DCS or CSI sequence that never ends is buffered without a bound and searched anew for every chunk:
  `BitttyEmulator._drop_endless_sequence`;
- combining characters take a cell of their own unless mode 2027 is set: it is always set here, after a reset too;
- re-wrapping to a single column leaves rows with a wide character two cells long: `_runs` cuts them;
- title reports would type what the process put into its title: `_board` answers sizes only;
- the checksum of a rectangle (DECRQCRA) fails on combining characters; nobody needs it, so it isn't answered;
- a handler that raises would leave half a sequence in the parser: `feed` starts the parser afresh.
"""

from __future__ import annotations

import base64
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

from bittty import Board
from bittty.devices.modes import MouseProtocol
from bittty.mode_profiles import XTERM_SYNC_OUTPUT
from bittty.model import XTERM
from bittty.options import EDITING
from bittty.terminals.base import Terminal
from bittty.terminals.scrollback import MemoryScrollback
from bittty.video import WideHead

from tui.terminal import keys
from tui.terminal.bittty_skim import Skim
from tui.terminal.emulator import (
    CLIPBOARD_LIMIT_BYTES,
    PLAIN,
    CellStyle,
    Colour,
    Cursor,
    CursorShape,
    Modes,
    MouseReport,
    MouseTracking,
    Row,
    Run,
)
from tui.terminal.links import followable
from tui.terminal.widths import fitted

logger = logging.getLogger(__name__)

HISTORY_CELLS = 600_000
"""Cells of scroll-back, about 10,000 lines of a shell's output in 10 MB."""

SEQUENCE_LIMIT = 65_536
"""Characters that one control sequence may have before the rest of it is dropped."""

# What the process is told and offered: xterm without its printer, locator and downloadable keys,
# but with re-wrapping and with frames that are held until complete (mode 2026).
_MODEL = replace(
    XTERM,
    name="xterm-256color",
    da1_response="\x1b[?62;22c",
    options=frozenset(),
    control_capabilities=EDITING,
    mode_capabilities=XTERM.mode_capabilities | {XTERM_SYNC_OUTPUT},
    reflows=True,
)

_SIZE_REPORTS = frozenset({14, 15, 16, 18, 19})
_TITLE_STACK = frozenset({22, 23})
_TRACKING = {
    MouseProtocol.X10: MouseTracking.BUTTONS,
    MouseProtocol.NORMAL: MouseTracking.BUTTONS,
    MouseProtocol.BUTTON: MouseTracking.DRAG,
    MouseProtocol.ANY: MouseTracking.MOTION,
}


class _Replies:
    """The host end of the board's cable: collects what the board wants to tell the process."""

    closed = False

    def __init__(self) -> None:
        self._data = bytearray()

    def write(self, data: str) -> int:
        self._data += data.encode("utf-8", "replace")
        return len(data)

    def write_bytes(self, data: bytes) -> int:
        self._data += data
        return len(data)

    def take(self) -> bytes:
        data = bytes(self._data)
        self._data.clear()
        return data

    async def read_bytes_async(self, size: int) -> bytes:
        raise EOFError(f"{size} bytes of output were wanted here, but they come through feed")

    def flush(self) -> None:
        """Nothing is buffered further on."""

    def configure_line(self, line: object) -> None:
        """A pseudo-terminal has no modem."""

    def resize(self, rows: int, cols: int) -> None:
        """The pane tells the session itself."""

    def close(self) -> None:
        """Nothing is held open."""


def _board(columns: int, rows: int, offer_clipboard: Callable[[Any], None]) -> Board:
    """A board whose size is the pane's business alone."""
    board = Board(width=columns, height=rows, model=_MODEL)
    window_operation = board.registry["XTWINOPS"]

    def answer_window_operation(operation: Any) -> None:
        parameters = operation.args[0]
        if parameters and parameters[0] in _SIZE_REPORTS | _TITLE_STACK:
            window_operation(operation)

    board.registry["XTWINOPS"] = answer_window_operation
    clear_tab_stops = board.registry["TBC"]

    def clear_columns_stops(operation: Any) -> None:
        if operation.args[0] in (0, 3):  # ECMA-48, 8.3.154: the others are about line tabulation
            clear_tab_stops(operation)

    board.registry["TBC"] = clear_columns_stops
    board.blitter.set_column_mode = lambda columns: _begin_page(board)
    del board.registry["DECSCPP"]  # the page is as wide as the pane
    del board.registry["DECRQCRA"]
    board.registry["OSC_CLIPBOARD"] = offer_clipboard
    power_on = board.registry["RIS"]

    def reset(operation: Any) -> None:
        power_on(operation)
        board.blitter.set_grapheme_clustering(True)

    board.registry["RIS"] = reset
    # VT100 and later: combining characters join the character before them.
    board.blitter.set_grapheme_clustering(True)
    return board


def _ignored(operation: object) -> None:
    """For what nobody is to hear of."""


def _display(board: Board) -> Terminal:
    """What shows a board's page, with history above it."""
    display = Terminal(board, MemoryScrollback(HISTORY_CELLS))
    display.attach()
    return display


def _begin_page(board: Board) -> None:
    """What DECCOLM does besides changing the width (VT510, 5.5): only after mode 40, as in xterm."""
    blitter = board.blitter
    blitter.set_scroll_region(0, board.height - 1)
    blitter.reset_left_right_margins()
    if not board.modes.no_clear_column_mode:
        blitter.clear_screen(2)
    board.cursor.set_position(0, 0)


class BitttyEmulator:
    """An `Emulator`; see there. The columns and rows it starts with are at least 1."""

    feeds_aside = False

    def __init__(self, columns: int = 80, rows: int = 24) -> None:
        self._board = _board(columns, rows, self._offer_clipboard)
        self._clipboard: str | None = None
        self._replies = _Replies()
        self._board.pty = self._replies
        self._display = _display(self._board)
        self._skim = Skim(self._display, lambda columns, rows: _display(_board(columns, rows, _ignored)))
        self._seen_cursor = Cursor(0, 0)
        self._seen_reversed = False

    @property
    def columns(self) -> int:
        """See `Emulator`."""
        columns: int = self._board.width
        return columns

    @property
    def rows(self) -> int:
        """See `Emulator`."""
        rows: int = self._board.height
        return rows

    @property
    def title(self) -> str:
        """See `Emulator`."""
        title = self._board.title.title
        # "Terminal" is what bittty calls a window that nobody has named.
        return "" if title == "Terminal" else "".join(filter(str.isprintable, title))

    @property
    def modes(self) -> Modes:
        """See `Emulator`."""
        modes = self._board.modes
        return Modes(
            alternate_screen=self._board.blitter.in_alt_screen,
            application_cursor=modes.cursor_application_mode,
            bracketed_paste=modes.bracketed_paste,
            focus_reports=modes.focus_reporting,
            reverse_screen=modes.reverse_screen,
            frame_held=modes.synchronized_output,
            mouse=_TRACKING.get(self._board.mouse.protocol, MouseTracking.OFF),
        )

    @property
    def cursor(self) -> Cursor:
        """See `Emulator`."""
        cursor, page = self._board.cursor, self._board.display.page
        visible = self._board.display.cursor is not None and self._display.view_top is None
        column = page.owner_x(cursor.display_x, cursor.y)
        width = 2 if isinstance(page.get_cell(column, cursor.y)[1], WideHead) else 1
        return Cursor(column, cursor.y, width, visible, CursorShape(cursor.shape))

    @property
    def history_rows(self) -> int:
        """See `Emulator`."""
        return len(self._history.width(self.columns))

    @property
    def _history(self) -> Any:
        return self._display.scrollback

    @property
    def view_offset(self) -> int:
        """See `Emulator`."""
        offset: int = self._display.view_offset()
        return offset

    def skim(self, data: bytes) -> bool:
        """See `Emulator`."""
        return self._skim.take(data)

    def catch_up(self) -> bool:
        """See `Emulator`."""
        return self._skim.catch_up()

    def feed(self, data: bytes) -> None:
        """See `Emulator`."""
        self._skim.interrupted()
        try:
            self._board.feed_host_data(data)
        except Exception:  # the process chooses the bytes: none of them may end the app
            logger.exception("terminal output could not be interpreted")
            self._board.parser.reset()
        self._drop_endless_sequence()

    def resize(self, columns: int, rows: int) -> None:
        """See `Emulator`."""
        self._board.resize_from_frontend(max(1, columns), max(1, rows))

    def set_colours(self, foreground: tuple[int, int, int], background: tuple[int, int, int]) -> None:
        """See `Emulator`."""
        palette = self._board.palette
        palette.foreground, palette.background, palette.cursor = foreground, background, foreground

    def scroll_view(self, rows: int) -> None:
        """See `Emulator`."""
        if not self._board.blitter.in_alt_screen:
            self._display.scroll_view(rows)

    def show_end(self) -> None:
        """See `Emulator`."""
        self._display.scroll_to_bottom()

    def row(self, y: int) -> Row:
        """See `Emulator`."""
        offset = self.view_offset
        if y < offset:
            history = self._history.width(self.columns)
            return _runs(history[len(history) - offset + y], self.columns)
        page = self._board.display.page
        if not 0 <= y - offset < page.height:
            return (Run(" " * self.columns, self.columns),)
        return _runs(page.grid[y - offset], self.columns)

    def line_text(self, line: int, columns: int | None = None) -> str:
        """See `Emulator`."""
        history = self._history.width(self.columns)
        grid = self._board.display.page.grid
        if line < len(history):
            cells = history[line]
        elif line - len(history) < len(grid):
            cells = grid[line - len(history)]
        else:
            return ""
        return "".join([character for _, character in cells[: self.columns if columns is None else columns]])

    def take_changed_rows(self) -> Sequence[int]:
        """See `Emulator`."""
        changed = self._display.damaged_rows()
        if self._screen_reversed():
            return range(self.rows)
        if self._display.view_top is not None and changed:
            return range(self.rows)  # the live part of a scrolled view moves as history grows
        return self._with_cursor(changed)

    def take_replies(self) -> bytes:
        """See `Emulator`."""
        return self._replies.take()

    def take_clipboard(self) -> str | None:
        """See `Emulator`."""
        text, self._clipboard = self._clipboard, None
        return text

    def encode_key(self, key: str, character: str | None) -> bytes:
        """See `Emulator`."""
        return keys.encode_key(key, character, application_cursor=self._board.modes.cursor_application_mode)

    def encode_paste(self, text: str) -> bytes:
        """See `Emulator`."""
        return keys.encode_paste(text, bracketed=self._board.modes.bracketed_paste)

    def encode_mouse(self, report: MouseReport) -> bytes:
        """See `Emulator`."""
        held = self._replies.take()  # the board sends its input and its replies down the same cable
        modifiers = {name for name in ("shift", "meta", "ctrl") if getattr(report, name)}
        self._board.input_mouse(report.column + 1, report.row + 1, report.button, report.action.value, modifiers)
        encoded = self._replies.take()
        self._replies.write_bytes(held)
        return encoded

    def encode_focus(self, focused: bool) -> bytes:
        """See `Emulator`."""
        return keys.encode_focus(focused) if self._board.modes.focus_reporting else b""

    def _offer_clipboard(self, operation: Any) -> None:
        """OSC 52: what is asked for is remembered, what is in the clipboard never told."""
        _, payload = operation.args
        try:
            data = base64.b64decode(payload, validate=True)
        except ValueError:  # a question, or nonsense
            return
        if 0 < len(data) <= CLIPBOARD_LIMIT_BYTES:
            self._clipboard = data.decode("utf-8", "replace")

    def _drop_endless_sequence(self) -> None:
        parser = self._board.parser
        if parser.mode is None or len(parser.buffer) <= SEQUENCE_LIMIT:
            return
        # An APC string means nothing to the board, so the rest is swallowed up to its end.
        parser.reset()
        parser.feed("\x1b_")

    def _screen_reversed(self) -> bool:
        before, self._seen_reversed = self._seen_reversed, bool(self._board.modes.reverse_screen)
        return before != self._seen_reversed

    def _with_cursor(self, changed: Sequence[int]) -> Sequence[int]:
        before, self._seen_cursor = self._seen_cursor, self.cursor
        if before == self._seen_cursor:
            return changed
        return sorted({*changed, before.row, self._seen_cursor.row})


def _runs(cells: Sequence[tuple[Any, str]], columns: int) -> Row:
    """Cells of a bittty row as runs of one style, padded to `columns`."""
    runs: list[Run] = []
    width = 0
    style: Any = None
    text: list[str] = []
    for own_style, character in cells[:columns]:
        if own_style is not style and text:
            runs.append(_run(text, style))
            width += runs[-1].width
            text = []
        style = own_style
        text.append(character)
    if text:
        runs.append(_run(text, style))
        width += runs[-1].width
    if width < columns:
        runs.append(Run(" " * (columns - width), columns - width))
    return tuple(runs)


def _run(characters: list[str], style: Any) -> Run:
    text = "".join(characters)
    if not text.isascii():
        text = "".join(map(fitted, characters, [*characters[1:], " "]))
    return Run(text, len(characters), cell_style(style))


@lru_cache(maxsize=4096)
def cell_style(style: Any) -> CellStyle:
    """A bittty style in our words."""
    converted = CellStyle(
        foreground=_colour(style.fg),
        background=_colour(style.bg),
        bold=bool(style.bold),
        dim=bool(style.dim),
        italic=bool(style.italic),
        underline=bool(style.underline),
        reverse=bool(style.reverse),
        conceal=bool(style.conceal),
        strike=bool(style.strike),
        link=followable(style.hyperlink),
    )
    return PLAIN if converted == PLAIN else converted


def _colour(colour: Any) -> Colour:
    if colour is None or colour.mode == "default":
        return None
    value: Colour = colour.value
    return value
