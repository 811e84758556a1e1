"""The selected container at a glance: what it is, and its last minutes as curves."""

from __future__ import annotations

import time

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widget import Widget

from tui.deck import Deck
from tui.drawing import facts, panels
from tui.widgets.drawn import Drawn
from tui.widgets.graph import Graph

_SHORT_ROWS = 14
"""Below this height facts take two lines, and curves stand beside each other."""


class Overview(Widget):
    """Facts, then curves of processor, memory and network."""

    DEFAULT_CSS = """
    Overview {
        height: 1fr;
        layout: vertical;
        & > #facts { margin-bottom: 1; }
        & > #curves { height: 1fr; layout: vertical; }
        Graph { margin-bottom: 1; }
        #network { margin-bottom: 0; }

        &.-short > #facts { margin-bottom: 0; }
        &.-short > #curves { layout: horizontal; }
        &.-short #network { display: none; }
        &.-short Graph { width: 1fr; height: 1fr; margin-bottom: 0; }
        &.-short #cpu { margin-right: 3; }
    }
    """

    def compose(self) -> ComposeResult:
        """Facts above curves."""
        yield Drawn(id="facts")
        yield Drawn(id="hint")
        with Vertical(id="curves"):
            yield Graph(id="cpu")
            yield Graph(id="memory")
            yield Graph(id="network")

    def on_resize(self) -> None:
        """Choose the compact form where there's little room."""
        is_short = self.size.height < _SHORT_ROWS
        self.set_class(is_short, "-short")
        for curve in self.query(Graph):
            curve.has_time = is_short or curve.id == "network"

    def show(self, deck: Deck) -> None:
        """Paint the selected container."""
        container = deck.selected
        if container is None or not self.is_mounted:
            return
        sample, series = deck.sample(container.id), deck.history.of(container.id)
        describe = facts.brief if self.has_class("-short") else facts.facts
        pending = deck.pending.get(container.id, "")
        self.query_one("#facts", Drawn).show(describe(container, sample, self.size.width, time.time_ns(), pending))
        has_curves = sample is not None or bool(series.cpu_percent)
        self.query_one("#curves").display = has_curves
        hint = self.query_one("#hint", Drawn)
        hint.display = not has_curves
        hint.show([facts.hint(container)])
        interval = deck.history.interval_seconds
        self.query_one("#cpu", Graph).show(panels.cpu(container, sample, series), interval)
        self.query_one("#memory", Graph).show(panels.memory(container, sample, series), interval)
        self.query_one("#network", Graph).show(panels.network(sample, series), interval)
