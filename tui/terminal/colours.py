"""The 16 colours of a terminal in the colours of the app's theme."""

from __future__ import annotations

from collections.abc import Mapping

from rich.color import Color as RichColor
from textual.app import App
from textual.color import Color

Sixteen = tuple[RichColor, ...]
"""Black, red, green, yellow, blue, magenta, cyan, white, and the same again brighter."""

NATIVE: Sixteen = tuple(RichColor.from_ansi(number) for number in range(16))
"""What the terminal that the app runs in makes of them."""

_NAMES = ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")
_BLUE, _MAGENTA, _CYAN = 217 / 360, 290 / 360, 185 / 360
_BRIGHTER = 0.12


def sixteen_of(app: App[object]) -> Sixteen:
    """The colours that fit the theme that an app wears."""
    return NATIVE if app.native_ansi_color else sixteen(app.theme_variables)


def sixteen(variables: Mapping[str, str]) -> Sixteen:
    """The colours that fit a theme.

    Red, green and yellow are what the theme calls error, success and warning; the hues that it has no
    word for are as light and as strong as its red. A theme may name any of them itself, as
    ``ansi-blue`` or ``ansi-bright-blue``.

    Args:
        variables: the theme's, such as `App.theme_variables`.
    """
    foreground, background = Color.parse(variables["foreground"]), Color.parse(variables["background"])
    red = Color.parse(variables["error"])
    plain = (
        background.blend(foreground, 0.15),
        red,
        Color.parse(variables["success"]),
        Color.parse(variables["warning"]),
        *(_with_hue(red, hue) for hue in (_BLUE, _MAGENTA, _CYAN)),
        background.blend(foreground, 0.85),
    )
    bright = (
        background.blend(foreground, 0.5),
        *(_towards(colour, foreground, background) for colour in plain[1:7]),
        foreground,
    )
    return tuple(
        _named(variables, f"ansi-{prefix}{name}", colour).rich_color
        for prefix, colours in (("", plain), ("bright-", bright))
        for name, colour in zip(_NAMES, colours, strict=True)
    )


def _with_hue(colour: Color, hue: float) -> Color:
    _, saturation, lightness = colour.hsl
    return Color.from_hsl(hue, saturation, lightness)


def _towards(colour: Color, foreground: Color, background: Color) -> Color:
    """Brighter means further from the background: lighter on a dark theme, darker on a light one."""
    return colour.lighten(_BRIGHTER) if foreground.brightness > background.brightness else colour.darken(_BRIGHTER)


def _named(variables: Mapping[str, str], name: str, otherwise: Color) -> Color:
    return Color.parse(variables[name]) if name in variables else otherwise
