"""A terminal's colours in a theme's."""

from __future__ import annotations

import pytest
from textual.color import Color

from tui.terminal.colours import sixteen

DARK = {
    "foreground": "#c9d1d9",
    "background": "#0f1318",
    "error": "#dd7878",
    "success": "#7fb685",
    "warning": "#d9a95f",
}
LIGHT = {
    "foreground": "#2b3138",
    "background": "#fafaf8",
    "error": "#b5403f",
    "success": "#3d7d46",
    "warning": "#9a6a14",
}


def hexes(variables: dict[str, str]) -> list[str]:
    return [colour.get_truecolor().hex for colour in sixteen(variables)]


@pytest.mark.parametrize("variables", [DARK, LIGHT], ids=["dark", "light"])
def test_red_green_and_yellow_are_the_themes_own(variables: dict[str, str]) -> None:
    assert hexes(variables)[1:4] == [variables["error"], variables["success"], variables["warning"]]
    assert hexes(variables)[15] == variables["foreground"]


@pytest.mark.parametrize("variables", [DARK, LIGHT], ids=["dark", "light"])
def test_every_colour_but_black_can_be_read_and_all_differ(variables: dict[str, str]) -> None:
    background = Color.parse(variables["background"])
    for colour in hexes(variables)[1:]:
        assert abs(Color.parse(colour).brightness - background.brightness) > 0.2
    assert len(set(hexes(variables))) == 16


def test_a_theme_can_name_its_own() -> None:
    named = hexes({**DARK, "ansi-blue": "#0000ff", "ansi-bright-blue": "#8888ff"})
    assert (named[4], named[12]) == ("#0000ff", "#8888ff")
