"""The machine's own totals as curves, and as a few lines where there is no room for curves."""

from __future__ import annotations

from collections.abc import Sequence

from engine.model import HostSample
from tui.drawing import graph, units
from tui.drawing.labels import label
from tui.drawing.lines import Line, Span, Tone, clip, line
from tui.drawing.meter import Part, meter
from tui.drawing.panels import Draw, Panel, reader
from tui.drawing.stalls import Named, brief_stalls, stall_lines
from tui.drawing.table import pressure
from tui.past import stalled

_METER_CELLS = 24

Hosts = Sequence[HostSample]
"""The last ticks, oldest first; at least one."""


def title(hosts: Hosts) -> Line:
    """Processors, how many tasks want one, and swap."""
    now = hosts[-1]
    load = f"{now.load_1:.2f}  {now.load_5:.2f}  {now.load_15:.2f}"
    word = "processor" if now.processors == 1 else "processors"
    return line(
        Span("machine ", Tone.STRONG),
        Span(f"{now.processors} {word} · load ", Tone.MUTED),
        Span(load, Tone.PLAIN),
        Span(f" · {_swap(now)} ", Tone.MUTED),
    )


def cpu(hosts: Hosts) -> Panel:
    """Of all processors together."""
    now = hosts[-1].cpu_percent
    values = tuple(each.cpu_percent for each in hosts)
    curve = graph.Curve(values=values, label="{:.0f} %".format, limit=100, least_top=5)
    value = line(_strong(units.known(now, units.percent), now, 100), Span(" % of all", Tone.MUTED))
    return Panel(
        title="cpu", value=value, draw=lambda width, height: graph.graph(curve, width, height),
        read=reader(("", values, curve.label)),
    )  # fmt: skip


def memory(hosts: Hosts) -> Panel:
    """What can't be had at once."""
    now = hosts[-1]
    values = tuple(each.memory_used_bytes for each in hosts)
    curve = graph.Curve(
        values=values, label=units.size, limit=now.memory_total_bytes, least_top=1 << 20, binary=True
    )  # fmt: skip
    used = _strong(units.size(now.memory_used_bytes), now.memory_used_bytes, now.memory_total_bytes)
    value = line(used, Span(f" / {units.size(now.memory_total_bytes)}", Tone.MUTED))
    return Panel(
        title="memory", value=value, draw=lambda width, height: graph.graph(curve, width, height),
        read=reader(("", values, curve.label)),
    )  # fmt: skip


def disks(hosts: Hosts) -> Panel:
    """Reads above the axis, writes below."""
    read = [each.disk_read_bytes_per_second for each in hosts]
    written = [each.disk_written_bytes_per_second for each in hosts]
    told = reader(("read", read, units.rate), ("written", written, units.rate))
    return Panel(title="disks", value=_disk_rates(hosts[-1]), draw=_two_ways(read, written), read=told)


def network(hosts: Hosts) -> Panel:
    """What comes in above the axis, what goes out below."""
    received = [each.network_received_bytes_per_second for each in hosts]
    sent = [each.network_sent_bytes_per_second for each in hosts]
    told = reader(("in", received, units.rate), ("out", sent, units.rate))
    return Panel(title="network", value=_network_rates(hosts[-1]), draw=_two_ways(received, sent), read=told)


def stalls(hosts: Hosts, width: int) -> list[Line]:
    """Pressure in full."""
    return [line(Span("pressure", Tone.MUTED)), *stall_lines(_named(hosts), width)]


def brief(hosts: Hosts, width: int) -> list[Line]:
    """Everything in five lines."""
    now = hosts[-1]
    lines = (
        line(*_bar("cpu", now.cpu_percent or 0, 100), units.known(now.cpu_percent, units.percent), " %"),
        line(
            *_bar("memory", now.memory_used_bytes, now.memory_total_bytes),
            units.size(now.memory_used_bytes),
            Span(f" / {units.size(now.memory_total_bytes)}", Tone.MUTED),
        ),
        line(label("disks"), *_disk_rates(now)),
        line(label("network"), *_network_rates(now)),
        line(label("pressure"), *brief_stalls(_named(hosts))),
    )
    return [clip(each, width) for each in lines]


def _disk_rates(now: HostSample) -> Line:
    return _rates("read", now.disk_read_bytes_per_second, "written", now.disk_written_bytes_per_second)


def _network_rates(now: HostSample) -> Line:
    return _rates("in", now.network_received_bytes_per_second, "out", now.network_sent_bytes_per_second)


def _rates(first: str, one: float | None, second: str, other: float | None) -> Line:
    return line(
        Span(f"{first} ", Tone.ACCENT),
        units.known(one, units.rate),
        Span(f"  {second} ", Tone.MUTED),
        units.known(other, units.rate),
    )


def _named(hosts: Hosts) -> tuple[Named, ...]:
    now = hosts[-1]
    return (
        ("cpu", now.cpu_pressure, [stalled(each.cpu_pressure) for each in hosts]),
        ("memory", now.memory_pressure, [stalled(each.memory_pressure) for each in hosts]),
        ("disks", now.io_pressure, [stalled(each.io_pressure) for each in hosts]),
    )


def _two_ways(upper: Sequence[float | None], lower: Sequence[float | None]) -> Draw:
    above, below = (
        graph.Curve(values=values, label=lambda value: units.rate(value).removesuffix("/s"), least_top=1000)
        for values in (upper, lower)
    )
    return lambda width, height: graph.mirrored(above, below, width, height)


def _swap(now: HostSample) -> str:
    if not now.swap_total_bytes:
        return "no swap"
    return f"swap {units.size(now.swap_used_bytes)} of {units.size(now.swap_total_bytes)}"


def _bar(name: str, used: float, whole: float) -> Line:
    tone = pressure(used, whole)
    part = Part(name, used, "", "━", Tone.ACCENT if tone is Tone.PLAIN else tone)
    return line(label(name), *meter([part], whole, _METER_CELLS), "  ")


def _strong(text: str, value: float | None, whole: float) -> Span:
    tone = pressure(value or 0, whole)
    return Span(text, Tone.STRONG if tone is Tone.PLAIN else tone)
