"""The three curves of a container: what stands above each, and how it is drawn."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from engine.model import Container, ContainerSample
from tui.drawing import graph, units
from tui.drawing.lines import Line, Span, Tone, line
from tui.drawing.table import pressure
from tui.history import Series

Draw = Callable[[int, int], list[Line]]


class Panel(Struct, frozen=True, kw_only=True):
    """A curve with its heading.

    Attributes:
        title: stands at the left above it.
        value: stands at the right above it: what is measured now, and the limit.
        draw: from a width and a height to that many lines.
    """

    title: str
    value: Line
    draw: Draw


def cpu(container: Container, sample: ContainerSample | None, series: Series) -> Panel:
    """Processor time, in percent of one processor."""
    cpus = container.request.limits.cpus
    limit = sample.cpu_limit_percent if sample else cpus * 100 if cpus else None
    curve = graph.Curve(
        values=tuple(series.cpu_percent), label=_percent, limit=limit, least_top=5, is_over=sample is None
    )
    now = line(Span("not running", Tone.MUTED))
    if sample is not None:
        now = line(_strong(units.percent(sample.cpu_percent), sample.cpu_percent, limit), Span(" %", Tone.MUTED))
    value = now + _limit(f"{limit:.0f} %" if limit else "")
    return Panel(title="cpu", value=value, draw=lambda width, height: graph.graph(curve, width, height))


def memory(container: Container, sample: ContainerSample | None, series: Series) -> Panel:
    """Memory without the page cache that could be dropped at once."""
    limit = sample.memory_limit_bytes if sample else container.request.limits.memory_bytes
    curve = graph.Curve(
        values=tuple(series.memory_bytes),
        label=units.size,
        limit=limit,
        least_top=1 << 20,
        binary=True,
        is_over=sample is None,
    )
    now: Line = ()
    if sample is not None:
        cache = Span(f"  cache {units.size(sample.memory_cache_bytes)}", Tone.MUTED)
        now = line(_strong(units.size(sample.memory_bytes), sample.memory_bytes, limit), cache)
    value = now + _limit(units.size(limit) if limit else "")
    return Panel(title="memory", value=value, draw=lambda width, height: graph.graph(curve, width, height))


def network(sample: ContainerSample | None, series: Series) -> Panel:
    """What came in above the axis, what went out below."""
    received, sent = (
        graph.Curve(values=tuple(values), label=_rate, least_top=1000, is_over=sample is None)
        for values in (series.received_per_second, series.sent_per_second)
    )
    value = _traffic(sample) if sample is not None else ()
    return Panel(title="network", value=value, draw=lambda width, height: graph.mirrored(received, sent, width, height))


def _traffic(sample: ContainerSample) -> Line:
    totals = f"↓ {units.size(sample.network_received_bytes)} ↑ {units.size(sample.network_sent_bytes)}"
    return line(
        Span("↓ ", Tone.ACCENT),
        units.rate(sample.network_received_bytes_per_second),
        Span("  ↑ ", Tone.MUTED),
        units.rate(sample.network_sent_bytes_per_second),
        Span(f"   total {totals}", Tone.MUTED),
    )


def _percent(value: float) -> str:
    return f"{value:.0f} %" if value >= 10 or not value else f"{value:.1f} %"


def _rate(value: float) -> str:
    return units.rate(value).removesuffix("/s")


def _strong(text: str, value: float, limit: float | None) -> Span:
    tone = pressure(value, limit)
    return Span(text, Tone.STRONG if tone is Tone.PLAIN else tone)


def _limit(text: str) -> Line:
    return line(Span(f"  limit {text}", Tone.MUTED)) if text else ()
