"""A flood of plain lines on bittty: its end is on the screen at once, and the lines before it become history later.

Interpreting is what takes time, and of a flood only the screen is seen while it goes on. So its last lines alone are
interpreted, as often as there are frames; when it pauses, another board makes history of the lines that are kept.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import chain
from typing import Any

from bittty import Board
from bittty.terminals.base import Terminal
from bittty.terminals.scrollback import MemoryScrollback

from tui.terminal.flood import LINE_END, last_lines

HISTORY_LINES = 10_000
"""What is kept of a flood at least, if its lines aren't longer than usual."""

_PART_OF_LOOK = re.compile(r"(?:\x1b(?:\[[0-9;:]*)?)?")
_HELD_BYTES = 4 * 1024 * 1024
_BITE_BYTES = 1024


class Skim:
    """What of a flood isn't history yet.

    Args:
        display: the terminal that shows it.
        make: makes another one like it, with no output and a history of its own, of a width and height.
    """

    def __init__(self, display: Terminal, make: Callable[[int, int], Terminal]) -> None:
        self._display, self._make = display, make
        self._held = b""
        self._goes_on = False
        self._style: Any = None
        self._size = 0, 0
        self._forgotten, self._made = 0, 0
        self._aside: Terminal | None = None
        self._read = 0

    @property
    def _board(self) -> Board:
        return self._display.board

    def interrupted(self) -> None:
        """Something else was fed: what comes next doesn't follow what is held."""
        self._goes_on = False

    def take(self, data: bytes) -> bool:
        """See `Emulator.skim`."""
        rows = self._board.height
        goes_on = self._goes_on and self._size == (self._board.width, rows)
        if not _is_usual(self._display) or data.count(LINE_END) <= (rows if goes_on else HISTORY_LINES + rows + 1):
            return False
        style = self._style if goes_on else self._board.style.current
        held = (self._held if goes_on else self._board.parser.buffer.encode()) + data
        if not goes_on or len(held) > _HELD_BYTES:
            held = last_lines(held, HISTORY_LINES + rows + 1)
        ending = last_lines(held, 2 * rows)
        if not held or not ending:
            return False
        self._show(ending)
        self._held, self._goes_on, self._style = held, True, style
        self._size, self._aside, self._read = (self._board.width, rows), None, 0
        self._forgotten, self._made = self._history.first, self._complete
        return True

    def _show(self, ending: bytes) -> None:
        """Write the last lines; what they push out isn't what came before them, so history begins with them."""
        rows = self._board.height
        seam = 0
        for _ in range(rows + 1):
            seam = ending.index(LINE_END, seam) + len(LINE_END)
        self._board.feed_host_data(b"\x1b[%d;1H" % rows + ending[:seam])
        self._history.clear()
        self._board.feed_host_data(ending[seam:])

    def catch_up(self) -> bool:
        """See `Emulator.catch_up`."""
        if not self._held:
            return False
        if self._aside is None:
            self._held = last_lines(self._held, HISTORY_LINES + self._size[1] + 1) or self._held
            self._aside = self._make(*self._size)
            self._aside.board.feed_host_data(b"\x1b[%d;1H" % self._size[1])
            self._aside.board.style.current = self._style
            self._aside.board.cursor.tab_stops = set(self._board.cursor.tab_stops)
        self._aside.board.feed_host_data(self._held[self._read : self._read + _BITE_BYTES])
        self._read += _BITE_BYTES
        if self._read < len(self._held):
            return True
        self._put_before(self._aside.scrollback)
        self._held, self._aside = b"", None
        return False

    def _put_before(self, older: Any) -> None:
        """Exchange what was shown of the flood for all of it; lines keep their numbers, by which the view stands."""
        newer = self._history
        if newer.first != self._forgotten:  # history was cleared meanwhile, or is full of what came later
            return
        joined = MemoryScrollback(newer.max_cells)
        # Above the first line the other board was empty, and that line alone wasn't scrolled in with a colour.
        first = max(older.first, self._size[1])
        lines = (older.line(number) for number in range(first, older.first + len(older._lines)))
        for line in chain(lines, (newer.line(number) for number in range(self._made, self._complete))):
            joined.append(line)
        for part in newer._open:
            joined.append(part, wrapped=True)
        moved = newer.end - joined.end
        joined.first += moved
        joined._base += moved
        self._display.scrollback = joined

    @property
    def _history(self) -> Any:
        return self._display.scrollback

    @property
    def _complete(self) -> int:
        """The number of the first line that isn't complete."""
        number: int = self._history.first + len(self._history._lines)
        return number


def _is_usual(display: Terminal) -> bool:
    """Whether lines that are written are simply those of a history that nobody looks at, as on a new terminal."""
    board = display.board
    blitter, modes, parser = board.blitter, board.modes, board.parser
    region = blitter.scroll_top, blitter.scroll_bottom, blitter.left_margin, blitter.right_margin
    return (
        display.view_top is None
        and _PART_OF_LOOK.fullmatch(parser.buffer) is not None
        and region == (0, board.height - 1, 0, board.width - 1)
        and not (blitter.in_alt_screen or blitter.right_to_left or blitter.status_active or parser.vt52)
        and not (modes.insert_mode or modes.origin_mode or modes.linefeed_newline_mode or not modes.auto_wrap)
        and board.charset.save() == (0, 2, ("B", "B", "B", "B"))
    )
