"""Themes are files: loaded at the start, and again whenever one is saved."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import msgspec
from textual.color import Color, ColorParseError
from textual.theme import Theme

from engine.config.app_side import Doubt
from engine.config.model import Config
from engine.config.places import config_folder
from engine.config.words import resembling
from engine.errors import InvalidRequest

_PACKAGED = Path(__file__).parent / "_themes"
_BESIDE = Path(__file__).parent.parent / "themes"

FALLBACK_VARIABLES = {
    "muted": "#7d8894",
    "faint": "#4b5560",
    "cursor": "#1d2a35",
    "on-cursor": "#c9d1d9",
    "border-quiet": "#3a444f",
    "border-focus": "#4c6a7d",
}
"""Our own variables under Textual's themes, and until the first theme file is read."""


_ANSI_VARIABLES = {  # the sixteen can't be mixed, and Textual's own widgets ask for these two
    "ansi-background": "ansi_default",
    "ansi-foreground": "ansi_default",
    "block-cursor-foreground": "ansi_bright_white",
    "block-cursor-blurred-foreground": "ansi_bright_white",
    "on-cursor": "ansi_bright_white",
    "input-selection-background": "ansi_cyan",
    "input-selection-foreground": "ansi_black",
}


class Colors(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A theme's colours by what they mean, as ``#rrggbb`` or a CSS colour name."""

    accent: str
    success: str
    warning: str
    error: str
    foreground: str
    background: str
    surface: str
    panel: str


class Variables(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="kebab"):
    """Colours that Boxdeck adds to Textual's."""

    muted: str
    faint: str
    border: str
    border_focus: str
    cursor: str


class ThemeFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a theme file says."""

    name: str
    dark: bool
    ansi: bool = False  # colours like "ansi_red" go to the terminal as they are, which shows its own
    colors: Colors
    variables: Variables


def folders() -> tuple[Path, ...]:
    """Where themes are looked for; a later folder's theme replaces an earlier one of the same name."""
    shipped = _PACKAGED if _PACKAGED.is_dir() else _BESIDE
    return tuple(folder for folder in (shipped, config_folder() / "themes") if folder.is_dir())


def files(within: tuple[Path, ...]) -> Iterator[Path]:
    """All theme files of the folders."""
    for folder in within:
        yield from sorted(folder.glob("*.toml"))


def load(path: Path) -> Theme:
    """Read one theme.

    Raises:
        InvalidRequest: it isn't a theme, names the field that is wrong.
    """
    try:
        read = msgspec.toml.decode(path.read_bytes(), type=ThemeFile)
        _check_colors(read)
    except OSError as error:
        raise InvalidRequest(f"the theme {path.name} can't be read ({error.strerror})") from error
    except (msgspec.MsgspecError, UnicodeDecodeError, ColorParseError) as error:
        cause = str(error).partition("\n")[0].rstrip(".")
        raise InvalidRequest(f"the theme {path.name} isn't right ({cause})", "the last good one stays") from error
    return _to_textual(read)


def doubts(config: Config) -> list[Doubt]:
    """Whether there is the theme that settings name."""
    names = []
    for path in files(folders()):
        with suppress(InvalidRequest):
            names.append(load(path).name)
    if config.theme in names:
        return []
    return [Doubt(("theme",), f"there is no theme {config.theme}", resembling(config.theme, names))]


def _check_colors(read: ThemeFile) -> None:
    for values in (read.colors, read.variables):
        for color in msgspec.structs.astuple(values):
            Color.parse(color)


def _to_textual(read: ThemeFile) -> Theme:
    colors, extra = read.colors, read.variables
    return Theme(
        name=read.name,
        dark=read.dark,
        primary=colors.accent,
        secondary=extra.muted,
        accent=colors.accent,
        success=colors.success,
        warning=colors.warning,
        error=colors.error,
        foreground=colors.foreground,
        background=colors.background,
        surface=colors.surface,
        panel=colors.panel,
        ansi=read.ansi,
        variables=_variables(colors, extra) | (_ANSI_VARIABLES if read.ansi else {}),
    )


def _variables(colors: Colors, extra: Variables) -> dict[str, str]:
    """Our own variables, and Textual's where its derived colours would be louder than ours."""
    return {
        "muted": extra.muted,
        "faint": extra.faint,
        "cursor": extra.cursor,
        "on-cursor": colors.foreground,
        "border": extra.border_focus,
        "border-blurred": extra.border,
        "border-quiet": extra.border,
        "border-focus": extra.border_focus,
        "text-muted": extra.muted,
        "text-disabled": extra.faint,
        "block-cursor-background": extra.cursor,
        "block-cursor-foreground": colors.foreground,
        "block-cursor-text-style": "none",
        "block-cursor-blurred-background": extra.cursor,
        "block-cursor-blurred-foreground": colors.foreground,
        "input-selection-background": f"{colors.accent} 35%",
        "scrollbar": extra.border,
        "scrollbar-hover": extra.faint,
        "scrollbar-active": extra.muted,
        "scrollbar-background": colors.background,
        "scrollbar-background-hover": colors.background,
        "scrollbar-background-active": colors.background,
        "scrollbar-corner-color": colors.background,
        "footer-background": colors.background,
        "footer-key-foreground": colors.accent,
        "footer-description-foreground": extra.muted,
    }
