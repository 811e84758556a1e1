"""When a pane is painted."""

from __future__ import annotations

import pytest

from tui.terminal.frames import FLOOD_FRAME_SECONDS, FRAME_SECONDS, HELD_SECONDS, FrameClock


def test_the_first_change_after_a_pause_is_painted_at_once() -> None:
    clock = FrameClock()
    clock.painted(1.0)
    assert clock.wait_seconds(2.0, flooded=False, held=False) == 0


@pytest.mark.parametrize(("flooded", "frame"), [(False, FRAME_SECONDS), (True, FLOOD_FRAME_SECONDS)])
def test_the_next_change_waits_for_the_next_frame(flooded: bool, frame: float) -> None:
    clock = FrameClock()
    clock.painted(1.0)
    assert clock.wait_seconds(1.001, flooded=flooded, held=False) == pytest.approx(frame - 0.001)
    assert clock.wait_seconds(1.001 + frame, flooded=flooded, held=False) == 0


def test_a_frame_that_is_held_back_waits_until_it_is_complete_but_not_for_ever() -> None:
    clock = FrameClock()
    assert clock.wait_seconds(5.0, flooded=False, held=True) > 0
    assert clock.wait_seconds(5.1, flooded=False, held=True) > 0
    assert clock.wait_seconds(5.11, flooded=False, held=False) == 0
    assert clock.wait_seconds(5.01 + HELD_SECONDS, flooded=False, held=True) == 0
    clock.painted(5.2)
    assert clock.wait_seconds(6.0, flooded=False, held=True) > 0


def test_a_flood_that_is_dear_to_paint_is_painted_less_often_but_never_less_than_five_times_a_second() -> None:
    clock = FrameClock()
    clock.painted(10.0)
    clock.cost(0.025)
    assert clock.wait_seconds(10.0, flooded=True, held=False) == pytest.approx(0.1)
    assert clock.wait_seconds(10.0, flooded=False, held=False) == pytest.approx(FRAME_SECONDS)
    clock.cost(3)
    assert clock.wait_seconds(10.0, flooded=True, held=False) == pytest.approx(0.2)
