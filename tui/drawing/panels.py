"""The three curves of a container: what stands above each, and how it is drawn."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import Struct

from engine.model import Container, ContainerSample, NetworkSample
from tui.drawing import graph, units
from tui.drawing.lines import Line, Span, Tone, line
from tui.drawing.table import pressure
from tui.history import Series

Draw = Callable[[int, int], list[Line]]
Read = Callable[[int], Line]


class Panel(Struct, frozen=True, kw_only=True):
    """A curve with its heading.

    Attributes:
        title: stands at the left above it.
        value: stands at the right above it: what is measured now, and the limit.
        draw: from a width and a height to that many lines.
        read: from a number of steps before the newest to what was measured then; None where nothing can be read.
        right_cells: right of the curve, for names.
    """

    title: str
    value: Line
    draw: Draw
    read: Read | None = None
    right_cells: int = 0


def reader(*curves: tuple[str, Sequence[float | None], Callable[[float], str]]) -> Read:
    """What curves say at one moment.

    Args:
        curves: a word, values, oldest first, and how one is written; the word may be empty.
    """

    def read(steps_back: int) -> Line:
        spans: list[Span] = []
        for word, values, write in curves:
            place = len(values) - 1 - steps_back
            if values and (word or not spans):
                known = values[place] if 0 <= place < len(values) else None
                spans += [Span(f"  {word} " if word else "", Tone.MUTED), Span(units.known(known, write), Tone.LIT)]
        return line(*spans)

    return read


def cpu(container: Container, sample: ContainerSample | None, series: Series) -> Panel:
    """Processor time, in percent of one processor."""
    cpus = container.request.limits.cpus
    now = sample.cpu if sample else None
    limit = now.limit_percent if now else cpus * 100 if cpus and not sample else None
    curve = graph.Curve(
        values=tuple(series.cpu_percent), label=_percent, limit=limit, least_top=5, is_over=sample is None
    )
    if now is not None:
        says = line(_strong(units.known(now.percent, units.percent), now.percent, limit), Span(" %", Tone.MUTED))
    else:
        says = _off("cpu") if sample else line(Span("not running", Tone.MUTED))
    value = says + _limit(f"{limit:.0f} %" if limit else "")
    return Panel(
        title="cpu", value=value, draw=lambda width, height: graph.graph(curve, width, height),
        read=reader(("", curve.values, _percent)),
    )  # fmt: skip


def memory(container: Container, sample: ContainerSample | None, series: Series) -> Panel:
    """Memory without the page cache that could be dropped at once."""
    now = sample.memory if sample else None
    limit = now.limit_bytes if now else None if sample else container.request.limits.memory_bytes
    curve = graph.Curve(
        values=tuple(series.memory_bytes),
        label=units.size,
        limit=limit,
        least_top=1 << 20,
        binary=True,
        is_over=sample is None,
    )
    says: Line = _off("memory") if sample else ()
    if now is not None:
        cache = Span(f"  cache {units.size(now.file_bytes)}", Tone.MUTED)
        says = line(_strong(units.size(now.working_set_bytes), now.working_set_bytes, limit), cache)
    value = says + _limit(units.size(limit) if limit else "")
    return Panel(
        title="memory", value=value, draw=lambda width, height: graph.graph(curve, width, height),
        read=reader(("", curve.values, units.size)),
    )  # fmt: skip


def network(sample: ContainerSample | None, series: Series) -> Panel:
    """What came in above the axis, what went out below."""
    received, sent = (
        graph.Curve(values=tuple(values), label=_rate, least_top=1000, is_over=sample is None)
        for values in (series.received_per_second, series.sent_per_second)
    )
    value = _traffic(sample.network) if sample and sample.network else ()
    return Panel(
        title="network", value=value, draw=lambda width, height: graph.mirrored(received, sent, width, height),
        read=reader(("↓", received.values, units.rate), ("↑", sent.values, units.rate)),
    )  # fmt: skip


def _traffic(now: NetworkSample) -> Line:
    totals = f"↓ {units.size(now.received_bytes)} ↑ {units.size(now.sent_bytes)}"
    return line(
        Span("↓ ", Tone.ACCENT),
        units.known(now.received_bytes_per_second, units.rate),
        Span("  ↑ ", Tone.MUTED),
        units.known(now.sent_bytes_per_second, units.rate),
        Span(f"   total {totals}", Tone.MUTED),
    )


def _percent(value: float) -> str:
    return f"{value:.0f} %" if value >= 10 or not value else f"{value:.1f} %"


def _rate(value: float) -> str:
    return units.rate(value).removesuffix("/s")


def _off(controller: str) -> Line:
    return line(Span(f"{controller} controller is off", Tone.MUTED))


def _strong(text: str, value: float | None, limit: float | None) -> Span:
    tone = pressure(value or 0, limit)
    return Span(text, Tone.STRONG if tone is Tone.PLAIN else tone)


def _limit(text: str) -> Line:
    return line(Span(f"  limit {text}", Tone.MUTED)) if text else ()
