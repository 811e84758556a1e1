"""The wiring of containers, as a panel that scrolls."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import VerticalScroll

from tui.deck import Deck
from tui.drawing import topology
from tui.drawing.lines import Line, Span, Tone, line
from tui.widgets.drawn import Drawn

_LEAST_ROWS = 12
"""With fewer, only the selected container's way out is drawn."""


class TopologyPanel(VerticalScroll):
    """Uplink, bridges and containers, the selected one's way out lit."""

    DEFAULT_CSS = """
    TopologyPanel { background: $background; height: 1fr; }
    TopologyPanel > Drawn { height: auto; }
    """

    def compose(self) -> ComposeResult:
        """One drawing, scrolled."""
        yield Drawn()

    def show(self, deck: Deck) -> None:
        """Paint the wiring as it is now."""
        if self.is_mounted:
            self.query_one(Drawn).show(self._lines(deck, max(30, self.size.width - 1)))

    def _lines(self, deck: Deck, width: int) -> list[Line]:
        if deck.topology is None:
            return [line(Span("reading…", Tone.MUTED))]
        if self.size.height < _LEAST_ROWS and deck.selected is not None:
            return topology.path_lines(deck.topology, deck.selected, width)
        view = topology.View(
            topology=deck.topology,
            snapshot=deck.snapshot,
            selected_id=deck.selected_id,
            off_bridge=deck.off_the_bridges(),
            width=width,
        )
        return topology.topology_lines(view)
