"""When a screen that changed is painted: at once, but not too often."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tui.terminal.frames import FRAME_SECONDS

if TYPE_CHECKING:
    from textual.screen import Screen
    from textual.timer import Timer

_TOGETHER_SECONDS = 0.002
"""What one key changes in several widgets comes in one frame: each of them says so in a turn of its own."""


class ScreenFrames:
    """Stands in for the timer by which Textual paints.

    That one keeps to a beat, and drops one when it has slept: what changes soon after a frame waits for up to two.

    Args:
        screen: has the timers.
        paint: paints what has changed, and calls `pause`.
        now: seconds of a clock that only goes forward.
    """

    def __init__(
        self, screen: Screen[Any], paint: Callable[[], None], now: Callable[[], float] = time.monotonic
    ) -> None:
        self._screen = screen
        self._paint = paint
        self._now = now
        self._painted_at = float("-inf")
        self._waiting: Timer | None = None

    def resume(self) -> None:
        """Something has changed."""
        if self._waiting is None:
            due = self._painted_at + FRAME_SECONDS - self._now()
            self._waiting = self._screen.set_timer(max(_TOGETHER_SECONDS, due), self._paint_now)

    def pause(self) -> None:
        """A frame begins, which has all that has changed."""
        if self._waiting is not None:
            self._waiting.stop()
            self._waiting = None
        self._painted_at = self._now()

    def _paint_now(self) -> None:
        self._waiting = None
        self._paint()
