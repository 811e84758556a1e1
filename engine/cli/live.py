"""A screen that is drawn again and again in place."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from types import FrameType, TracebackType
from typing import NoReturn, Self

from engine.cli.output import shortened

# ECMA-48 and xterm's control sequences. A frame overwrites the one before and is shown as a whole: nothing flickers.
_BEGIN = "\x1b[?2026h\x1b[H"
_END = "\x1b[J\x1b[?2026l"
_LINE_END = "\x1b[K"
_HIDE_CURSOR_AND_CLEAR = "\x1b[?25l\x1b[H\x1b[2J"
_SHOW_CURSOR = "\n\x1b[?25h"


class LiveScreen:
    """The terminal on standard output while a command redraws it; the cursor comes back however that ends."""

    def __init__(self) -> None:
        self._lines: Callable[[int], Sequence[str]] = lambda width: ()

    def __enter__(self) -> Self:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGWINCH})  # waited for, not handled
        signal.signal(signal.SIGTERM, _leave)
        signal.signal(signal.SIGHUP, _leave)
        _write(_HIDE_CURSOR_AND_CLEAR)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _write(_SHOW_CURSOR)

    def draw(self, lines: Callable[[int], Sequence[str]]) -> None:
        """Show these lines, as many and as much of them as the terminal has room for.

        Args:
            lines: what there is to show in so many columns.
        """
        self._lines = lines
        size = os.get_terminal_size(sys.stdout.fileno())
        shown = fitted(lines(size.columns), size.columns, size.lines)
        frame = "\n".join([line + _LINE_END for line in shown])
        _write(f"{_BEGIN}{frame}{_END}")

    def wait(self, seconds: float) -> None:
        """Sleep, and redraw at once when the terminal's size changes."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if signal.sigtimedwait({signal.SIGWINCH}, left) is not None:
                self.draw(self._lines)


def fitted(lines: Sequence[str], columns: int, rows: int) -> list[str]:
    """What fits; where lines are left out, the last row says how many."""
    if len(lines) > rows > 1:
        lines = [*lines[: rows - 1], f"… and {len(lines) - rows + 1} more"]
    return [shortened(line, columns) for line in lines[: max(rows, 1)]]


def _leave(number: int, frame: FrameType | None) -> NoReturn:
    del frame
    sys.exit(128 + number)


def _write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()
