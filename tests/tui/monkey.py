"""Somebody who presses keys at random, while others do anything to the same containers.

``python -m tests.tui.monkey ROOT RUNROOT SEED SECONDS`` says in a line of JSON what was pressed and what went wrong; it
may write files where it is started.
"""

from __future__ import annotations

import asyncio
import json
import random
import string
import sys
import time
import traceback
from typing import NamedTuple

from textual.geometry import Offset

from engine import Engine
from engine.model import ContainerRequest
from tests.tui.driving import Desk, desk

_NAMED = (
    *("up", "down", "left", "right", "home", "end", "pageup", "pagedown", "tab", "shift+tab", "space", "backspace"),
    *("enter", "enter", "escape", "escape", "delete", "ctrl+g", "ctrl+e", "ctrl+p", "ctrl+u", "ctrl+d", "f1", "f10"),
)
_PLAIN = tuple(string.ascii_letters + string.digits + "?:/-.,+*[](){}<>=!")
_SIZES = ((80, 24), (120, 36), (200, 60), (40, 10), (20, 5), (300, 90))
_PROGRAM = ("sh", "-c", "trap 'exit 0' TERM; while :; do echo up $((n=n+1)); sleep 0.05; done")


class Outcome(NamedTuple):
    """What was pressed, the latest last, how long the slowest key took, and what went wrong; empty if nothing."""

    keys: list[str]
    slowest_seconds: float
    wrong: str


async def play(root: str, runroot: str, seed: int, seconds: float) -> Outcome:
    """Press keys for so long, and see that the app can be used afterwards."""
    chance, keys = random.Random(seed), list[str]()
    slowest, deadline = 0.0, time.monotonic() + seconds
    try:
        async with Engine.open(root, runroot) as engine, desk(engine, size=chance.choice(_SIZES[:3])) as at:
            at.app.exit = lambda *_, **__: None  # type: ignore[method-assign]
            while time.monotonic() < deadline and at.app.is_running:
                began = time.monotonic()
                keys.append(await _do_anything(engine, at, chance))
                slowest = max(slowest, time.monotonic() - began)
            await _see_that_it_can_be_used(at)
    except BaseException:
        return Outcome(keys, slowest, traceback.format_exc())
    return Outcome(keys, slowest, "")


async def _do_anything(engine: Engine, at: Desk, chance: random.Random) -> str:
    """One thing that a person, or time, may do; what it was."""
    match chance.random():
        case luck if luck < 0.02:
            size = chance.choice(_SIZES)
            await at.pilot.resize_terminal(*size)
            return f"size {size}"
        case luck if luck < 0.06:
            width, height = at.app.size
            place = chance.randrange(max(width, 1)), chance.randrange(max(height, 1))
            await at.pilot.click(offset=Offset(*place), times=chance.choice((1, 1, 2)))
            return f"click {place}"
        case luck if luck < 0.08:
            await asyncio.sleep(chance.random())
            return "rest"
        case luck if luck < 0.10 and len(await engine.containers.list(all_states=True)) < 6:
            await engine.containers.run(ContainerRequest(image="base", command=_PROGRAM, network="none"))
            return "another container"
        case luck if luck < 0.55:
            key = chance.choice(_NAMED)
        case _:
            key = chance.choice(_PLAIN)
    await at.pilot.press(key)
    return key


async def _see_that_it_can_be_used(at: Desk) -> None:
    """Out of whatever it is in, and then all containers are on the screen."""
    await at.pilot.resize_terminal(120, 36)
    for _ in range(12):
        await at.press("ctrl+g", "q", "escape")  # out of a shell, and out of anything else
    await at.press("1")
    await at.see("containers")


def main(root: str, runroot: str, seed: str, seconds: str) -> None:
    """See the module."""
    outcome = asyncio.run(play(root, runroot, int(seed), float(seconds)))
    sys.stdout.write(json.dumps(outcome._asdict()))


if __name__ == "__main__":
    main(*sys.argv[1:])
