"""What has changed is painted as soon as it may be."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.tui.driving import desk
from tests.tui.fake_engine import FakeEngine, crowd
from tui.screen_frames import ScreenFrames
from tui.terminal.frames import FRAME_SECONDS


class Timers:
    """A clock, and what is to be done by it."""

    def __init__(self) -> None:
        self.seconds = 1_000.0
        self.waiting: list[Timers] = []
        self.frames: list[float] = []
        self.screen_frames = ScreenFrames(self, self.paint, lambda: self.seconds)  # type: ignore[arg-type]

    def set_timer(self, delay: float, callback: Callable[[], None]) -> Timers:
        self.due, self.call = self.seconds + delay, callback
        self.waiting.append(self)
        return self

    def stop(self) -> None:
        self.waiting.clear()

    def paint(self) -> None:
        self.screen_frames.pause()
        self.frames.append(self.seconds)

    def change_after(self, seconds: float) -> float:
        """Seconds from a change to its frame."""
        self.seconds += seconds
        changed = self.seconds
        self.screen_frames.resume()
        self.screen_frames.resume()
        assert len(self.waiting) == 1, "there is one frame for two changes"
        self.seconds = self.due
        self.waiting.clear()
        self.call()
        return self.seconds - changed


def test_a_change_waits_for_the_rest_of_a_frames_time_and_no_longer() -> None:
    timers = Timers()
    assert timers.change_after(0) < 0.005
    for after in (0.0, 0.003, 0.012):
        assert timers.change_after(after) == pytest.approx(FRAME_SECONDS - after)
    for after in (0.016, 0.02, 0.025, 0.033, 1.005):
        assert timers.change_after(after) < 0.005


def test_what_is_painted_already_needs_no_further_frame() -> None:
    timers = Timers()
    timers.screen_frames.resume()
    timers.screen_frames.pause()  # as a new layout does
    assert not timers.waiting
    assert timers.change_after(0) == pytest.approx(FRAME_SECONDS)


async def test_screens_are_painted_so() -> None:
    async with desk(FakeEngine(*crowd())) as at:
        frames = at.app.screen._update_timer
        assert isinstance(frames, ScreenFrames)
        before = frames._painted_at
        await at.press("j")
        await at.until(lambda: frames._painted_at > before)
