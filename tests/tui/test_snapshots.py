"""Every screen looks as it did when it was last looked at: three sizes, dark and light, a state that stands still."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.tui import snapshots
from tests.tui.driving import desk
from tests.tui.still_engine import StillEngine, stopped_clock

SIZES = ((80, 24), (120, 36), (200, 60))
THEMES = ("boxdeck-dark", "boxdeck-light")
SCREENS: dict[str, tuple[str, ...]] = {
    "containers": (),
    "graphs": ("right", "right"),
    "images": ("2",),
    "networks": ("3",),
    "topology": ("t",),
    "volumes": ("4",),
    "namespaces": ("5",),
    "host": ("6",),
    "logs": ("l",),
    "run-form": ("n",),
    "limits-form": ("u",),
    "ports-form": ("P",),
    "remove": ("d",),
    "actions": ("x",),
    "columns": ("C",),
    "groups": ("b",),
    "network-form": ("3", "n"),
    "command-log": ("L",),
    "help": ("question_mark",),
    "commands": ("colon",),
}


@pytest.fixture(autouse=True)
def still(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TEXTUAL_ANIMATIONS", "none")
    with stopped_clock():
        yield


@pytest.mark.parametrize("screen", SCREENS)
async def test_a_screen_looks_as_it_did(screen: str) -> None:
    different = []
    async with desk(StillEngine(), size=SIZES[0]) as at:
        for size in SIZES:
            await at.pilot.resize_terminal(*size)
            for theme in THEMES:
                at.app.theme = theme
                if (size, theme) == (SIZES[0], THEMES[0]):
                    await at.press(*SCREENS[screen])
                name = f"{screen}-{size[0]}x{size[1]}-{theme.removeprefix('boxdeck-')}"
                different.append(snapshots.compare(name, await snapshots.steady(at)))
    assert not (found := [each for each in different if each]), "\n".join(found)
