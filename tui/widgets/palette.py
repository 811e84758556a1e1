"""From lines in tones to strips of styled text, without Textual's markup in between, for what is painted often."""

from __future__ import annotations

from collections.abc import Iterable

from rich.segment import Segment
from rich.style import Style as RichStyle
from textual.color import Color
from textual.geometry import Region, Size
from textual.strip import Strip
from textual.style import Style
from textual.widget import Widget

from tui.drawing.lines import Line, Tone, clip, width

_DARK_ANSI = range(1, 8)
"""Numbers of the terminal's colours but for black: what is on them must be read on light terminals and dark ones."""
_ON_DARK_ANSI = Color.parse("ansi_bright_white")
_QUIET = frozenset({Tone.MUTED, Tone.FAINT, Tone.ACCENT})


class Palette:
    """What tones look like on one background, looked up once.

    Args:
        widget: is painted on.
        base: its style, or that of a part of it.
    """

    def __init__(self, widget: Widget, base: Style) -> None:
        quiet: frozenset[Tone] = frozenset()
        if base.background is not None and base.background.ansi in _DARK_ANSI:
            base, quiet = base + Style(foreground=_ON_DARK_ANSI), _QUIET
        parsed = {tone: Style.parse(tone.value) for tone in Tone if tone.value and tone not in quiet}
        styles = [(base + parsed[tone]).rich_style if tone in parsed else base.rich_style for tone in Tone]
        self._styles = dict(zip(Tone, _filtered(widget, styles), strict=True))
        self._base = self._styles[Tone.PLAIN]
        self._placed_styles: dict[tuple[Tone, int, int], RichStyle] = {}

    def strip(self, line: Line, cells: int) -> Strip:
        """A line in exactly that many cells: padded, or cut with an ellipsis."""
        taken = width(line)
        if taken > cells:
            line, taken = clip(line, cells), cells
        segments = [Segment(text, self._styles[tone]) for text, tone in line]
        if taken < cells:
            segments.append(Segment(" " * (cells - taken), self._base))
        return Strip(segments, cells)

    def strip_at(self, y: int, line: Line, cells: int) -> Strip:
        """The same of a line whose text can be selected: every piece knows where it is."""
        taken = width(line)
        if taken > cells:
            line, taken = clip(line, cells), cells
        x = 0
        segments: list[Segment] = []
        for text, tone in (*line, (" " * (cells - taken), Tone.PLAIN)):
            if text:
                segments.append(Segment(text, self._placed(tone, x, y)))
                x += len(text)
        return Strip(segments, cells)

    def _placed(self, tone: Tone, x: int, y: int) -> RichStyle:
        """Looked up, since the same tones are at the same places every second."""
        key = tone, x, y
        found = self._placed_styles.get(key)
        if found is None:
            found = self._placed_styles[key] = self._styles[tone] + RichStyle.from_meta({"offset": (x, y)})
        return found


def _filtered(widget: Widget, styles: list[RichStyle]) -> list[RichStyle]:
    """Styles as Textual's filters leave them, which turn colours into those that the terminal has."""
    segments = [Segment(" ", style) for style in styles]
    for each in widget.get_line_filters():
        segments = each.apply(segments, widget.background_colors[1])
    return [segment.style or RichStyle.null() for segment in segments]


def bands(rows: Iterable[int], size: Size) -> list[Region]:
    """Rows as regions, neighbours in one; the rows grow."""
    regions: list[Region] = []
    for y in rows:
        if regions and regions[-1].bottom == y:
            regions[-1] = regions[-1].grow((0, 0, 1, 0))
        else:
            regions.append(Region(0, y, size.width, 1))
    return regions
