"""The selected container at a glance: what it is, and its last minutes as curves."""

from __future__ import annotations

import time

from textual.app import ComposeResult

from tui.deck import Deck
from tui.drawing import facts, panels
from tui.widgets.drawn import Drawn
from tui.widgets.graph import Graph
from tui.widgets.still import Still, StillVertical

_SHORT_ROWS = 14
"""Below this height facts take two lines, and curves stand beside each other."""


class Overview(Still):
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

    def __init__(self, *, classes: str | None = None) -> None:
        super().__init__(classes=classes)
        self._facts, self._hint, self._curves = Drawn(id="facts"), Drawn(id="hint"), StillVertical(id="curves")
        self._cpu, self._memory, self._network = Graph(id="cpu"), Graph(id="memory"), Graph(id="network")

    def compose(self) -> ComposeResult:
        """Facts above curves."""
        yield self._facts
        yield self._hint
        with self._curves:
            yield self._cpu
            yield self._memory
            yield self._network

    def on_resize(self) -> None:
        """Choose the compact form where there's little room."""
        is_short = self.size.height < _SHORT_ROWS
        self.set_class(is_short, "-short")
        for curve in (self._cpu, self._memory):
            curve.has_time = is_short

    def show(self, deck: Deck) -> None:
        """Paint the selected container."""
        container = deck.selected
        if container is None or not self.is_mounted:
            return
        sample, series = deck.sample(container.id), deck.history.of(container.id)
        describe = facts.brief if self.has_class("-short") else facts.facts
        pending = deck.pending.get(container.id, "")
        self._facts.show(describe(container, sample, self.size.width, time.time_ns(), pending))
        has_curves = sample is not None or bool(series.cpu_percent)
        self._curves.display = has_curves
        self._hint.display = not has_curves
        if not has_curves:
            self._hint.show([facts.hint(container)])
            return
        interval = deck.history.interval_seconds
        self._cpu.show(panels.cpu(container, sample, series), interval)
        self._memory.show(panels.memory(container, sample, series), interval)
        if self._network.display:
            self._network.show(panels.network(sample, series), interval)
