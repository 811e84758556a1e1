"""What is on a row in one of the terminal's own colours can be read on light terminals and on dark ones."""

from __future__ import annotations

import pytest
from textual.color import Color

from tests.tui.driving import desk
from tests.tui.fake_engine import FakeEngine, crowd
from tui.drawing.lines import Span, Tone
from tui.widgets.palette import Palette

UNREADABLE = {None, "default", "bright_black"}  # on blue, where the terminal is light or dark


@pytest.mark.parametrize("tone", [tone for tone in Tone if tone is not Tone.STRONG])
async def test_no_text_on_the_selected_row_is_as_dark_as_the_row(tone: Tone) -> None:
    async with desk(FakeEngine(*crowd())) as at:
        at.app.theming.wear("ansi")
        await at.press("2")
        table = at.app.screen.query_one("#images-table")
        style = table.get_visual_style("row-list--cursor")
        assert style.background is not None and style.background.ansi == Color.parse("ansi_blue").ansi
        (segment, *_) = Palette(table, style).strip((Span("x", tone),), 1)
        assert segment.style is not None and segment.style.color is not None
        assert segment.style.color.name not in UNREADABLE
