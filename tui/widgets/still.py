"""Boxes that stay as they are while what is in them moves."""

from __future__ import annotations

from typing import Self

from textual.containers import Container, Vertical
from textual.geometry import Region, Size
from textual.strip import Strip
from textual.widget import Widget


class Still(Widget):
    """Hands out the lines of its background and frame again, until it is refreshed.

    Textual asks every widget below and between those that changed for all of its lines, each time. It takes style
    sheets from the first base alone, so this one comes second.
    """

    _frame: list[Strip] | None = None
    _frame_of: tuple[Region, Size] | None = None

    def render_lines(self, crop: Region) -> list[Strip]:
        """Lines as they were when nothing has changed since."""
        of = crop, self.outer_size
        if self._frame is None or of != self._frame_of:
            self._frame, self._frame_of = super().render_lines(crop), of
        return self._frame

    def refresh(self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False) -> Self:
        """Paint anew."""
        self._frame = None
        return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)

    def notify_style_update(self) -> None:
        """Look at the colours again before the next paint."""
        self._frame = None
        super().notify_style_update()


class StillVertical(Vertical, Still):
    """Puts what is in it one below the other."""


class StillBox(Container, Still):
    """Puts what is in it where the style sheet says."""
