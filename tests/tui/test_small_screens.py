"""A terminal too small to be of use is survived, in every view, and left again."""

from __future__ import annotations

import pytest

from engine import Engine
from engine.model import ContainerRequest
from tests.tui.driving import desk

SIZES = ((1, 1), (12, 4), (300, 3))
VIEWS = ("1", "2", "3", "4", "5", "6", "t", "N", "H", "D", "L", "x", "question_mark", "ctrl+p")
OF_A_CONTAINER = ("n", "e", "E", "l", "f", "i", "X", "u", "c", "P", "R", "K", "d", "a")
TO_READ_SECONDS = 0.5  # what there is to be shown: a machine is looked at in a quarter of that
PROGRAM = ("sh", "-c", "while :; do echo a line that is longer than a small screen; sleep 0.1; done")


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("keys", [VIEWS, OF_A_CONTAINER], ids=["views", "container"])
async def test_every_view_survives(engine: Engine, size: tuple[int, int], keys: tuple[str, ...]) -> None:
    await engine.containers.run(ContainerRequest(image="base", command=PROGRAM, name="small", tty=True))
    async with desk(engine) as at:
        for key in keys:
            await at.press("1")
            await at.pilot.resize_terminal(*size)
            await at.press(key)
            await at.pilot.pause(TO_READ_SECONDS)
            await at.press("down", "right", "tab")
            await at.pilot.resize_terminal(120, 36)
            await at.press("ctrl+g", "q", "escape", "escape")
        await at.press("1")
        await at.see("small")
