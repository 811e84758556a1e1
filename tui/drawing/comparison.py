"""What is measured of several containers, curve over curve."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import Struct

from tui.drawing import units
from tui.drawing.lines import Line, Span, Tone, line
from tui.drawing.measures import Measure
from tui.drawing.overlay import TONES, Named, names_cells, overlay
from tui.drawing.panels import Panel
from tui.past import Past, Values

MOST = len(TONES)
"""Containers that can be told apart."""


class Member(Struct, frozen=True):
    """One of those that are compared."""

    name: str
    past: Past


class _Kind(Struct, frozen=True, kw_only=True):
    """One resource: how its values are had from a past and written."""

    title: str
    values: Callable[[Past], Values]
    write: Callable[[float], str]
    least_top: float = 1.0
    binary: bool = False


def _sum(one: Values, two: Values) -> Values:
    return tuple(None if a is None and b is None else (a or 0.0) + (b or 0.0) for a, b in zip(one, two, strict=True))


def _percent(value: float) -> str:
    return f"{value:.0f} %" if value >= 10 or not value else f"{value:.1f} %"


_KINDS = {
    "cpu": _Kind(title="cpu", values=lambda past: past.cpu_percent, write=_percent, least_top=5),
    "memory": _Kind(
        title="memory", values=lambda past: past.memory_bytes, write=units.size, least_top=1 << 20, binary=True
    ),
    "pids": _Kind(title="processes", values=lambda past: past.pids, write=lambda value: f"{value:.0f}", least_top=4),
    "io": _Kind(
        title="disks, read and written", values=lambda past: _sum(past.read_per_second, past.written_per_second),
        write=units.rate, least_top=1000,
    ),
    "network": _Kind(
        title="network, in and out", values=lambda past: _sum(past.received_per_second, past.sent_per_second),
        write=units.rate, least_top=1000,
    ),
}  # fmt: skip


def compared(kind: str, members: Sequence[Member]) -> Measure:
    """One resource of all of them.

    Args:
        kind: ``cpu``, ``memory``, ``pids``, ``io`` or ``network``.
    """
    of = _KINDS[kind]
    curves = [Named(each.name, of.values(each.past)) for each in members[:MOST]]

    def draw(width: int, height: int) -> list[Line]:
        return overlay(
            curves,
            width,
            height,
            lambda value: of.write(value).removesuffix("/s"),
            least_top=of.least_top,
            binary=of.binary,
        )

    panel = Panel(
        title=of.title, value=(), draw=draw, read=lambda back: _told(curves, back, of.write),
        right_cells=names_cells(curves) + 1,
    )  # fmt: skip
    return Measure(panel=panel, notes=lambda width: [])


def _told(curves: Sequence[Named], back: int, write: Callable[[float], str]) -> Line:
    spans: list[Span] = []
    for curve, tone in zip(curves, TONES, strict=False):
        place = len(curve.values) - 1 - back
        known = curve.values[place] if 0 <= place < len(curve.values) else None
        spans += [Span(f"  {curve.name} ", Tone.MUTED), Span(units.known(known, write), tone)]
    return line(*spans)
