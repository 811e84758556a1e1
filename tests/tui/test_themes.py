"""Themes are files, and so are a person's settings."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from textual.color import Color

from engine.config.places import config_folder
from engine.errors import InvalidRequest
from tui import themes

SHIPPED = [*themes.files(themes.folders()[:1])]


NATIVE = "ansi"
CONTRAST = "boxdeck-contrast"


def test_nine_themes_are_shipped_under_the_names_of_their_files() -> None:
    loaded = [themes.load(path) for path in SHIPPED]
    assert [theme.name for theme in loaded] == [path.stem for path in SHIPPED]
    assert len(loaded) == 9
    assert {theme.name for theme in loaded if not theme.dark} == {"boxdeck-light", "solarized-light"}
    assert {theme.name for theme in loaded if theme.ansi} == {NATIVE}


def test_the_theme_of_sixteen_colours_names_no_others() -> None:
    theme = themes.load(next(path for path in SHIPPED if path.stem == NATIVE))
    colors = [theme.accent, theme.success, theme.warning, theme.error, theme.foreground, theme.background, theme.panel]
    assert all(color and color.startswith("ansi_") for color in (*colors, *theme.variables.values()) if color != "none")


def test_high_contrast_is_that_of_level_aaa() -> None:
    """WCAG 2.2, 1.4.6: 7 to 1, on the selected row and in fields, too."""
    theme = themes.load(next(path for path in SHIPPED if path.stem == CONTRAST))
    texts = (theme.foreground, theme.accent, theme.success, theme.warning, theme.error, theme.variables["muted"])
    for ground in (theme.background, theme.surface, theme.panel, theme.variables["cursor"]):
        assert all(contrast(text or "", ground or "") >= 7 for text in texts), ground


@pytest.mark.parametrize("path", [path for path in SHIPPED if path.stem != NATIVE], ids=lambda path: path.stem)
def test_text_can_be_read_on_its_background(path: Path) -> None:
    """WCAG 2.2, 1.4.3 asks for 4.5 to 1; labels, which are never needed alone, have 3.5."""
    theme = themes.load(path)
    assert theme.background is not None
    for color, least in (
        (theme.foreground, 7.0), (theme.accent, 4.5), (theme.success, 4.5), (theme.warning, 4.5), (theme.error, 4.5),
        (theme.variables["muted"], 3.5),
    ):  # fmt: skip
        assert color is not None
        assert contrast(color, theme.background) >= least, color


def contrast(one: str, two: str) -> float:
    """The ratio of relative luminances (WCAG 2.2)."""

    def luminance(color: Color) -> float:
        parts = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in color.normalized]
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]

    dark, light = sorted((luminance(Color.parse(one)), luminance(Color.parse(two))))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("name =", "nome ="), "nome"),
        (("[colors]", "[colors"), "isn't right"),
        (('"#6cb6d9"', '"#6cb6zz"'), "6cb6zz"),
        (('error = "#dd7878"', ""), "error"),
    ],
)
def test_a_broken_theme_is_refused_with_what_is_wrong(tmp_path: Path, change: tuple[str, str], says: str) -> None:
    source = next(path for path in SHIPPED if path.stem == "boxdeck-dark").read_text()
    path = tmp_path / "mine.toml"
    path.write_text(source.replace(*change))
    with pytest.raises(InvalidRequest, match=re.escape("the theme mine.toml isn't right")) as caught:
        themes.load(path)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_persons_own_themes_come_after_the_shipped_ones() -> None:
    own = config_folder() / "themes"
    own.mkdir(parents=True)
    assert themes.folders()[-1] == own
