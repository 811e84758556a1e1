"""Widgets whose lines go to the screen as they are."""

from __future__ import annotations

from collections.abc import Sequence

from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget


class Direct(Widget):
    """Lines without border and padding, past the caches and filters by which Textual comes to them.

    It takes style sheets from the first base alone, so this one comes second.
    """

    def strips(self, rows: Sequence[int]) -> list[Strip]:
        """Some lines, as a `Palette` makes them; blank ones unless a subclass knows better."""
        return [Strip.blank(self.size.width, self.rich_style) for _ in rows]

    def render_line(self, y: int) -> Strip:
        """One line."""
        return self.strips((y,))[0]

    def render_lines(self, crop: Region) -> list[Strip]:
        """The lines of a part; as usual where a style sheet has given the widget a frame."""
        if self.styles.gutter:
            return super().render_lines(crop)
        strips = self.strips(crop.line_range)
        left, right = crop.column_span
        return strips if (left, right) == (0, self.outer_size.width) else [strip.crop(left, right) for strip in strips]
