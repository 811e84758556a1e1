"""Every screen looks as it did when it was last looked at: three sizes, dark and light, a state that stands still."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tui import snapshots
from tests.tui.driving import desk
from tests.tui.still_engine import StillEngine, stopped_clock
from tui import machine_actions

SIZES = ((80, 24), (120, 36), (200, 60))
THEMES = ("boxdeck-dark", "boxdeck-light")
SCREENS: dict[str, tuple[str, ...]] = {
    "containers": (),
    "graphs": ("right",),
    "graphs-of-a-day": ("right", "z", "z"),
    "graphs-over-each-other": ("space", "space", "space", "right"),
    "processes": ("right", "right"),
    "a-containers-namespaces": ("right", "right", "right"),
    "its-place-in-the-network": ("right", "right", "right", "right"),
    "files": ("f",),
    "x-ray": ("X",),
    "namespaces-side-by-side": ("5", "equals_sign", "down", "enter"),
    "doctor": ("D",),
    "images": ("2",),
    "a-file-of-an-image": ("2", "enter", "down", "enter", "end"),
    "a-pull-that-failed": ("2", "p", *"nowhere", "enter"),
    "facts-of-a-link": ("t", "enter"),
    "facts-of-a-port": ("t", "up", "up", "enter"),
    "networks": ("3",),
    "topology": ("t",),
    "volumes": ("4",),
    "namespaces": ("5",),
    "namespaces-by-kind": ("5", "v"),
    "every-namespace": ("5", "a"),
    "host": ("6",),
    "check": ("6", "c"),
    "document": ("i",),
    "logs": ("l",),
    "run-form": ("n",),
    "run-form-names": ("n", "ctrl+u", "e"),
    "run-form-limits": ("n", *["pagedown"] * 4),
    "limits-form": ("u",),
    "ports-form": ("P",),
    "remove": ("d",),
    "actions": ("x",),
    "columns": ("C",),
    "groups": ("b",),
    "copy-form": ("c",),
    "rename-form": ("R",),
    "network-form": ("3", "n"),
    "connect-form": ("3", "c"),
    "volume-form": ("4", "n"),
    "pull-form": ("2", "p"),
    "tag-form": ("2", "a"),
    "facts-of-an-image": ("2", "i"),
    "command-log": ("L",),
    "help": ("question_mark",),
    "commands": ("colon",),
}


@pytest.fixture(autouse=True)
def still(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TEXTUAL_ANIMATIONS", "none")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLORTERM", "truecolor")
    monkeypatch.setattr(machine_actions, "_CALM_SECONDS", 1000)  # the doctor comes when it is called
    with stopped_clock():
        yield


@pytest.mark.parametrize("screen", SCREENS)
async def test_a_screen_looks_as_it_did(screen: str, tmp_path: Path) -> None:
    different = []
    async with desk(StillEngine(tmp_path), size=SIZES[0]) as at:
        for size in SIZES:
            await at.pilot.resize_terminal(*size)
            for theme in THEMES:
                at.app.theming.wear(theme)
                if (size, theme) == (SIZES[0], THEMES[0]):
                    await at.press(*SCREENS[screen])
                name = f"{screen}-{size[0]}x{size[1]}-{theme.removeprefix('boxdeck-')}"
                different.append(snapshots.compare(name, await snapshots.steady(at)))
    assert not (found := [each for each in different if each]), "\n".join(found)
