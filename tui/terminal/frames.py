"""When a screen that changed is painted: at most 60 times a second, and not in the middle of a frame."""

from __future__ import annotations

FRAME_SECONDS = 1 / 60
"""A screen is painted at most this often."""

FLOOD_FRAME_SECONDS = 1 / 20
"""Between two frames of output that nobody can read anyway."""

HELD_SECONDS = 0.15
"""How long a process may hold a frame back (mode 2026) before it is shown half done."""


class FrameClock:
    """Says how long to wait before painting; times are `time.perf_counter` seconds."""

    def __init__(self) -> None:
        self._painted_at = float("-inf")
        self._held_since: float | None = None

    def wait_seconds(self, now: float, *, flooded: bool, held: bool) -> float:
        """How long to wait before asking again; 0 when it is time to paint.

        Args:
            now: the present.
            flooded: whether output comes faster than it is interpreted.
            held: whether the process said that its frame isn't complete.
        """
        if held and self._held_since is None:
            self._held_since = now
        if held and self._held_since is not None and now - self._held_since < HELD_SECONDS:
            return FRAME_SECONDS
        return max(0.0, self._painted_at + (FLOOD_FRAME_SECONDS if flooded else FRAME_SECONDS) - now)

    def painted(self, now: float) -> None:
        """A frame was painted."""
        self._painted_at, self._held_since = now, None
