"""The table of volumes."""

from __future__ import annotations

import time
from collections.abc import Sequence

from tui.deck import Deck
from tui.drawing import volume_rows
from tui.drawing.lines import Line, Span, Tone, line
from tui.volume_deck import VolumeDeck
from tui.widgets.row_list import RowList


class VolumesTable(RowList):
    """One row a volume; the cursor is the deck's selection."""

    def __init__(self, volumes: VolumeDeck, deck: Deck, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._volumes, self._deck = volumes, deck

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self._volumes.all or ())

    @property
    def titles(self) -> Sequence[Line]:
        """What the columns are."""
        return (volume_rows.titles(self.cells),)

    @property
    def absence(self) -> Line:
        """Why there are none."""
        if self._volumes.error:
            return line(Span(self._volumes.error, Tone.BAD))
        if self._volumes.all is None:
            return line(Span("reading…", Tone.MUTED))
        return line(Span("no volumes yet: ", Tone.MUTED), Span("n", Tone.ACCENT), Span(" makes one", Tone.MUTED))

    def row(self, index: int, cells: int) -> Line:
        """One volume."""
        volume = (self._volumes.all or ())[index]
        users = volume_rows.users_of(volume, {each.name: each for each in self._deck.containers or ()})
        row = volume_rows.VolumeRow(volume=volume, users=users, now_unix_ns=time.time_ns())
        return volume_rows.volume_row(row, cells, is_selected=index == self.cursor)

    def show(self) -> None:
        """Follow the selection."""
        self.cursor = self._volumes.selected_index
        super().show()

    def go_to(self, index: int) -> None:
        """Select a volume."""
        self._volumes.select(index)
        super().go_to(index)
