"""The wiring of containers, as a panel that scrolls."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import VerticalScroll

from tui.deck import Deck
from tui.drawing import topology
from tui.drawing.lines import Line, Span, Tone, line
from tui.messages import SightChanged
from tui.widgets.drawn import Drawn

_LEAST_ROWS = 12
"""With fewer, only the selected container's way out is drawn."""


class TopologyPanel(VerticalScroll):
    """Uplink, bridges and containers, the selected one's way out lit."""

    DEFAULT_CSS = """
    TopologyPanel { background: $background; height: 1fr; }
    """

    def __init__(self, *, id: str | None = None, can_focus: bool = True) -> None:
        super().__init__(id=id, can_focus=can_focus)
        self._shown_id: str | None = None
        self._shown: tuple[object, ...] = ()
        self._whole: list[Line] = []

    def compose(self) -> ComposeResult:
        """One drawing, scrolled."""
        yield Drawn()

    def on_show(self) -> None:
        """Come into sight with what is true now."""
        self.app.post_message(SightChanged())

    def show(self, deck: Deck) -> None:
        """Paint the wiring as it is now."""
        if not (self.is_mounted and self.size):
            return
        lines = self._lines(deck, max(30, self.size.width - 1))
        self.query_one(Drawn).show(lines)
        if deck.selected_id != self._shown_id and deck.topology is not None:
            self._shown_id = deck.selected_id
            self.call_after_refresh(self._bring_into_sight, topology.line_of_selected(lines))

    def _bring_into_sight(self, y: int) -> None:
        height = self.size.height
        self.scroll_to(y=0 if y < height - 4 else y - height // 2, animate=False)

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
        shown = topology.shown_of(view)
        if shown != self._shown:
            self._shown, self._whole = shown, topology.topology_lines(view)
        return self._whole
