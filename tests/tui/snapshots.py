"""Screens as files, to compare with: ``cat tests/tui/snapshots/….ansi`` shows one in its colours.

With BOXDECK_SNAPSHOTS=write they are written anew, to be looked at before they are committed. What differs is put
into build/snapshots.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from rich.console import Console
from textual.widgets import Input

from tests.tui.driving import Desk

FOLDER = Path(__file__).parent / "snapshots"
_DIFFERENT = Path(__file__).parents[2] / "build" / "snapshots"
_CONSOLE = Console(force_terminal=True, color_system="truecolor")  # whatever the tests' own terminal is
_STYLE = re.compile(r"\x1b\[[0-9;]*m")
_STEADY_LOOKS = 3
_PATIENCE_SECONDS = 15


async def steady(at: Desk) -> str:
    """The screen with its colours, once it has stopped changing."""
    for field in at.app.screen.query(Input):
        field.cursor_blink = False
    at.app.clear_notifications()  # they go by the clock
    seen: list[str] = []
    for _ in range(_PATIENCE_SECONDS * 10):
        at.app.paint()  # as each tick does: an engine that stands still has none
        await at.pilot.pause(0.1)
        seen.append(drawn(at))
        if len(set(seen[-_STEADY_LOOKS:])) == 1 and len(seen) >= _STEADY_LOOKS:
            return seen[-1]
    raise AssertionError(f"the screen doesn't come to rest:\n{at.text}")


def drawn(at: Desk) -> str:
    """All rows of the screen with escape codes for their colours."""
    strips = at.app.screen._compositor.render_strips()
    return "".join(f"{strip.render(_CONSOLE)}\n" for strip in strips)


def compare(name: str, screen: str) -> str:
    """What is different from the file of that name, in a sentence; empty for nothing."""
    path = FOLDER / f"{name}.ansi"
    if os.environ.get("BOXDECK_SNAPSHOTS") == "write":
        FOLDER.mkdir(exist_ok=True)
        path.write_text(screen)
        return ""
    wanted = path.read_text() if path.exists() else ""
    if screen == wanted:
        return ""
    _DIFFERENT.mkdir(parents=True, exist_ok=True)
    (_DIFFERENT / path.name).write_text(screen)
    return f"{name}: {_difference(wanted, screen)}; see build/snapshots/{path.name}"


def _difference(wanted: str, screen: str) -> str:
    if not wanted:
        return "there is no such snapshot"
    pairs = zip(wanted.split("\n"), screen.split("\n"), strict=False)
    row, (old, new) = next(((row, pair) for row, pair in enumerate(pairs) if pair[0] != pair[1]), (0, ("", "")))
    before, now = _STYLE.sub("", old).rstrip(), _STYLE.sub("", new).rstrip()
    return f"row {row} is\n  {now}\nand was\n  {before}" if before != now else f"row {row} has other colours:\n  {now}"
