"""The selected container's processes, read while they are in sight."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import VerticalScroll

from tui.deck import Deck
from tui.drawing.lines import Line, Span, Tone, line
from tui.drawing.process_table import process_table
from tui.widgets.drawn import Drawn

_SECONDS = 1.0


class Processes(VerticalScroll):
    """A tree of processes with both pids, threads, memory, processor time and command line."""

    DEFAULT_CSS = """
    Processes { height: 1fr; background: $background; }
    """

    def compose(self) -> ComposeResult:
        """One drawing, scrolled."""
        yield Drawn()

    def show(self, deck: Deck) -> None:
        """Paint the selected container."""
        if self.is_mounted and self.size:
            self.query_one(Drawn).show(self._lines(deck, self.scrollable_content_region.width))

    def _lines(self, deck: Deck, width: int) -> list[Line]:
        container = deck.selected
        if container is None or deck.readings is None:
            return []
        if not container.is_running:
            return [line(Span("it doesn't run, so it has no processes", Tone.MUTED))]
        found = deck.readings.processes.look(container.id, _SECONDS)
        if found is None:
            return [line(Span(deck.readings.processes.error or "reading…", Tone.MUTED))]
        return process_table(found, width)
