"""When a screen that changed is painted: at most 60 times a second, and not in the middle of a frame."""

from __future__ import annotations

FRAME_SECONDS = 1 / 60
"""A screen is painted at most this often."""

FLOOD_FRAME_SECONDS = 1 / 20
"""Between two frames of output that nobody can read anyway."""

FLOOD_FRAME_MOST_SECONDS = 1 / 5
"""The same where painting takes long, as on a large screen or a busy machine."""

_REST_OF_PAINTING = 3  # of a flood's time, painting gets a quarter

HELD_SECONDS = 0.15
"""How long a process may hold a frame back (mode 2026) before it is shown half done."""


class FrameClock:
    """Says how long to wait before painting; times are `time.perf_counter` seconds."""

    def __init__(self) -> None:
        self._painted_at = float("-inf")
        self._held_since: float | None = None
        self._cost_seconds = 0.0

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
        return max(0.0, self._painted_at + (self._flood_frame_seconds if flooded else FRAME_SECONDS) - now)

    @property
    def _flood_frame_seconds(self) -> float:
        wanted = self._cost_seconds * (1 + _REST_OF_PAINTING)
        return min(max(FLOOD_FRAME_SECONDS, wanted), FLOOD_FRAME_MOST_SECONDS)

    def cost(self, seconds: float) -> None:
        """What it took to render what had changed."""
        self._cost_seconds = seconds

    def painted(self, now: float) -> None:
        """A frame was painted."""
        self._painted_at, self._held_since = now, None
