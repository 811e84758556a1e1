"""Everything about one device, and about what it leads to."""

from __future__ import annotations

from collections.abc import Sequence

from engine.model import LinkCounters, LinkEnd, LinkRates, NetworkDevice, NetworkSpace, PortMap, Topology
from tui.drawing import link_strokes, units
from tui.drawing.labels import Fact, fact_lines, label
from tui.drawing.lines import Line, Span, Tone, fit, line, printable
from tui.drawing.topology_elsewhere import leads_to
from tui.drawing.topology_ports import on_bridge

_NUMBER_CELLS = (8, 10, 8, 10)
_TROUBLE_CELLS = (7, 7)
_STATES = {"up": Tone.GOOD, "no carrier": Tone.WARN, "down": Tone.BAD}


def title(topology: Topology, end: LinkEnd) -> str:
    """What the device is called, and where it is."""
    space, device = _found(topology, end)
    if space is None or device is None:
        return "a link"
    return printable(device.name if space.is_host else f"{device.name} of {space.holder}")


def facts(topology: Topology, end: LinkEnd) -> list[Line]:
    """One device, then the other end of its pair if it has one."""
    space, device = _found(topology, end)
    if space is None or device is None:
        return [line(Span("It has gone.", Tone.MUTED))]
    lines = [*_device(topology, space, device), (), *_counters(device)]
    if ports := _ports(topology, space, device):
        lines += [(), *fact_lines([("ports", [line(_port(port)) for port in ports])])]
    far_space, far = _found(topology, device.peer) if device.peer is not None else (None, None)
    if far_space is not None and far is not None:
        lines += [(), line(Span(f"the other end: {printable(far.name)}", Tone.STRONG))]
        lines += [*_device(topology, far_space, far), (), *_counters(far)]
    return lines


def _found(topology: Topology, end: LinkEnd) -> tuple[NetworkSpace | None, NetworkDevice | None]:
    space = topology.space(end.namespace)
    return space, space.device(end.index) if space is not None else None


def _device(topology: Topology, space: NetworkSpace, device: NetworkDevice) -> list[Line]:
    master = space.device(device.master) if device.master else None
    where = f"namespace {space.inode}" + (f", pid {space.pid}" if space.pid is not None else "")
    rows: list[Fact] = [
        ("state", (line(Span(device.state, _STATES[device.state])),)),
        ("kind", (line(" ".join(word for word in (device.kind or "hardware", device.detail) if word)),)),
        ("in", (line(Span(printable(space.holder), Tone.STRONG), Span(f"  {where}", Tone.MUTED)),)),
        ("on bridge", (line(printable(master.name)),) if master is not None else ()),
        ("leads to", (line(leads_to(device, topology).removeprefix("── ")),) if device.peer or device.parent else ()),
        ("addresses", [line(address) for address in device.addresses]),
        ("mac", (line(device.mac),) if device.mac else ()),
        ("mtu", (line(str(device.mtu)),)),
        ("index", (line(str(device.index)),)),
        ("routes", [_route(route.destination, route.gateway) for route in space.routes if route.index == device.index]),
    ]
    return fact_lines(rows)


def _route(destination: str, gateway: str) -> Line:
    return line(destination, Span(f"  via {gateway}" if gateway else "", Tone.MUTED))


def _counters(device: NetworkDevice) -> list[Line]:
    """A small table, with what is wrong in the tone of its weight."""
    counters, rates = device.counters, device.rates
    wrong = link_strokes.trouble("up", counters, rates)
    tone = wrong.tone if wrong is not None else Tone.FAINT
    titles = _aligned(("bytes", "packets", "now", "packets/s"), _NUMBER_CELLS)
    troubles = _aligned(("errors", "drops"), _TROUBLE_CELLS)
    received, sent = _now(rates), _now(rates.turned() if rates is not None else None)
    return [
        line(label(""), Span(titles + troubles, Tone.MUTED)),
        _counter_row("received", counters, received, tone),
        _counter_row("sent", counters.turned(), sent, tone),
    ]


def _now(rates: LinkRates | None) -> tuple[float | None, float | None]:
    """Bytes and packets that are received in a second."""
    return (rates.received_bytes_per_second, rates.received_packets_per_second) if rates is not None else (None, None)


def _counter_row(name: str, counters: LinkCounters, now: tuple[float | None, float | None], trouble: Tone) -> Line:
    """What was received; of counters that are turned, what was sent."""
    rate, packet_rate = now
    written = (
        units.size(counters.received_bytes),
        str(counters.received_packets),
        units.known(rate, units.rate),
        units.known(packet_rate, "{:.0f}".format),
    )
    wrong = (counters.received_errors, counters.received_dropped)
    return line(
        label(name),
        _aligned(written, _NUMBER_CELLS),
        *(
            Span(fit(str(count), cells, right=True), trouble if count else Tone.FAINT)
            for count, cells in zip(wrong, _TROUBLE_CELLS, strict=True)
        ),
    )


def _aligned(words: Sequence[str], cells: Sequence[int]) -> str:
    return "".join(fit(word, width, right=True) for word, width in zip(words, cells, strict=True))


def _ports(topology: Topology, space: NetworkSpace, device: NetworkDevice) -> list[PortMap]:
    """Published ports that lead to an address at either end, or by a bridge."""
    _, far = _found(topology, device.peer) if device.peer is not None else (None, None)
    own = {address.partition("/")[0] for each in (device, far) if each is not None for address in each.addresses}
    bridges = [bridge for bridge in topology.bridges if space.is_host and bridge.index == device.index]
    by_bridge = [port for bridge in bridges for port in on_bridge(topology, bridge)]
    return by_bridge or [port for port in topology.ports if port.address in own]


def _port(port: PortMap) -> str:
    host = f"[{port.host_address}]" if ":" in port.host_address else port.host_address
    inside = f"[{port.address}]" if ":" in port.address else port.address
    return f"{host}:{port.host_port}/{port.protocol} → {printable(port.container_name)} {inside}:{port.port}"
