"""The table of images."""

from __future__ import annotations

import time
from collections.abc import Sequence

from tui.drawing import image_rows
from tui.drawing.lines import Line, Span, Tone, line
from tui.image_deck import ImageDeck
from tui.widgets.row_list import RowList


class ImagesTable(RowList):
    """One row an image; the cursor is the deck's selection."""

    def __init__(self, images: ImageDeck, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._images = images

    @property
    def count(self) -> int:
        """How many images are listed."""
        return len(self._images.listed)

    @property
    def titles(self) -> Sequence[Line]:
        """What the columns are."""
        return (image_rows.titles(self.cells),)

    @property
    def absence(self) -> Line:
        """Why there are none."""
        if self._images.error:
            return line(Span(self._images.error, Tone.BAD))
        if self._images.images is None:
            return line(Span("reading…", Tone.MUTED))
        if self._images.images:
            return line(Span("no image has such a name", Tone.MUTED))
        return line(Span("no images yet: ", Tone.MUTED), Span("p", Tone.ACCENT), Span(" pulls one", Tone.MUTED))

    def row(self, index: int, cells: int) -> Line:
        """One image."""
        image = self._images.listed[index]
        row = image_rows.ImageRow(
            image=image,
            users=self._images.users(image),
            shared_layers=self._images.shared_layers(image),
            now_unix_ns=time.time_ns(),
        )
        return image_rows.image_row(row, cells, is_selected=index == self.cursor)

    def show(self) -> None:
        """Follow the selection."""
        self.cursor = self._images.selected_index
        super().show()

    def go_to(self, index: int) -> None:
        """Select an image."""
        if self.count:
            self._images.selected_id = self._images.listed[max(0, min(self.count - 1, index))].id
        super().go_to(index)
