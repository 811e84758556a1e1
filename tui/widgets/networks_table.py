"""The table of networks."""

from __future__ import annotations

from collections.abc import Sequence

from tui.deck import Deck
from tui.drawing import network_rows
from tui.drawing.lines import Line, Span, Tone, line
from tui.network_deck import NetworkDeck
from tui.widgets.row_list import RowList


class NetworksTable(RowList):
    """One row a network; the cursor is the deck's selection."""

    def __init__(self, networks: NetworkDeck, deck: Deck, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._networks, self._deck = networks, deck

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self._networks.all or ())

    @property
    def titles(self) -> Sequence[Line]:
        """What the columns are."""
        return (network_rows.titles(self.cells),)

    @property
    def absence(self) -> Line:
        """Why there are none."""
        if self._networks.error:
            return line(Span(self._networks.error, Tone.BAD))
        return line(Span("reading…", Tone.MUTED))

    def row(self, index: int, cells: int) -> Line:
        """One network."""
        network = (self._networks.all or ())[index]
        row = network_rows.row_of(network, self._deck.containers or (), self._deck.topology)
        return network_rows.network_row(row, cells, is_selected=index == self.cursor)

    def show(self) -> None:
        """Follow the selection."""
        self.cursor = self._networks.selected_index
        super().show()

    def go_to(self, index: int) -> None:
        """Select a network."""
        self._networks.select(index)
        super().go_to(index)
