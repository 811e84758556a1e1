"""The selected container at a glance: what it is, and its last minutes as curves."""

from __future__ import annotations

import time

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widget import Widget

from engine.model import Container, ContainerSample
from tui.deck import Deck
from tui.drawing import facts, graph, units
from tui.drawing.lines import Line, Span, Tone, line
from tui.drawing.table import pressure
from tui.history import Series
from tui.widgets.drawn import Drawn
from tui.widgets.graph import Draw, Graph

_SHORT_ROWS = 14
"""Below this height facts take two lines, and curves stand beside each other."""


class Overview(Widget):
    """Facts, then curves of processor, memory and network."""

    DEFAULT_CSS = """
    Overview {
        height: 1fr;
        layout: vertical;
        & > #facts { height: auto; margin-bottom: 1; }
        & > #curves { height: 1fr; layout: vertical; }
        &.-short > #facts { margin-bottom: 0; }
        &.-short > #curves { layout: horizontal; }
        &.-short #network { display: none; }
        &.-short Graph { width: 1fr; height: 1fr; }
        Graph { margin-bottom: 1; }
        &.-short Graph { margin-bottom: 0; }
        &.-short #cpu { margin-right: 3; }
    }
    """

    def compose(self) -> ComposeResult:
        """Facts above curves."""
        yield Drawn(id="facts")
        with Vertical(id="curves"):
            yield Graph(id="cpu")
            yield Graph(id="memory")
            yield Graph(id="network")

    def on_resize(self) -> None:
        """Choose the compact form where there's little room."""
        is_short = self.size.height < _SHORT_ROWS
        self.set_class(is_short, "-short")
        for panel in self.query(Graph):
            panel.has_time = is_short or panel.id == "network"

    def show(self, deck: Deck) -> None:
        """Paint the selected container."""
        container = deck.selected
        if container is None or not self.is_mounted:
            return
        sample, series = deck.sample(container.id), deck.history.of(container.id)
        describe = facts.brief if self.has_class("-short") else facts.facts
        now = time.time_ns()
        self.query_one("#facts", Drawn).show(
            describe(container, sample, self.size.width, now, deck.pending.get(container.id, ""))
        )
        interval = deck.history.interval_seconds
        self._show_cpu(container, sample, series, interval)
        self._show_memory(container, sample, series, interval)
        self._show_network(sample, series, interval)

    def _show_cpu(self, container: Container, sample: ContainerSample | None, series: Series, interval: float) -> None:
        cpus = container.request.limits.cpus
        limit = sample.cpu_limit_percent if sample else cpus * 100 if cpus else None
        curve = graph.Curve(values=tuple(series.cpu_percent), label=_percent, limit=limit, least_top=5)
        value: Line = line(Span("not running", Tone.MUTED))
        if sample is not None:
            value = line(
                Span(units.percent(sample.cpu_percent), _strong(sample.cpu_percent, limit)), Span(" %", Tone.MUTED)
            )
        value += _limit(f"{limit:.0f} %" if limit else "")
        self._show("cpu", "cpu", value, lambda width, height: graph.graph(curve, width, height), interval)

    def _show_memory(
        self, container: Container, sample: ContainerSample | None, series: Series, interval: float
    ) -> None:
        limit = sample.memory_limit_bytes if sample else container.request.limits.memory_bytes
        curve = graph.Curve(
            values=tuple(series.memory_bytes), label=units.size, limit=limit, least_top=1 << 20, binary=True
        )
        value: Line = ()
        if sample is not None:
            value = line(Span(units.size(sample.memory_bytes), _strong(sample.memory_bytes, limit)))
            value += line(Span(f"  cache {units.size(sample.memory_cache_bytes)}", Tone.MUTED))
        value += _limit(units.size(limit) if limit else "")
        self._show("memory", "memory", value, lambda width, height: graph.graph(curve, width, height), interval)

    def _show_network(self, sample: ContainerSample | None, series: Series, interval: float) -> None:
        received = graph.Curve(values=tuple(series.received_per_second), label=_rate, least_top=1000)
        sent = graph.Curve(values=tuple(series.sent_per_second), label=_rate, least_top=1000)
        value: Line = ()
        if sample is not None:
            value = line(
                Span("↓ ", Tone.ACCENT),
                units.rate(sample.network_received_bytes_per_second),
                Span("  ↑ ", Tone.MUTED),
                units.rate(sample.network_sent_bytes_per_second),
                Span("   total ", Tone.MUTED),
                Span(
                    f"↓ {units.size(sample.network_received_bytes)} ↑ {units.size(sample.network_sent_bytes)}",
                    Tone.MUTED,
                ),
            )
        self._show(
            "network", "network", value, lambda width, height: graph.mirrored(received, sent, width, height), interval
        )

    def _show(self, id: str, title: str, value: Line, draw: Draw, interval: float) -> None:
        self.query_one(f"#{id}", Graph).show(line(Span(title, Tone.MUTED)), value, draw, interval)


def _percent(value: float) -> str:
    return f"{value:.0f} %" if value >= 10 or not value else f"{value:.1f} %"


def _rate(value: float) -> str:
    return units.rate(value).removesuffix("/s")


def _strong(value: float, limit: float | None) -> Tone:
    tone = pressure(value, limit)
    return Tone.STRONG if tone is Tone.PLAIN else tone


def _limit(text: str) -> Line:
    return line(Span(f"  limit {text}", Tone.MUTED)) if text else ()
