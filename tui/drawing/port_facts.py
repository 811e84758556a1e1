"""Everything about one published port: where it is, where it leads, and by whose doing."""

from __future__ import annotations

from collections.abc import Sequence

from engine.model import BridgePort, PortMap, Topology
from tui.drawing import link_strokes, topology_ports, units
from tui.drawing.labels import Fact, fact_lines
from tui.drawing.lines import Line, Span, Tone, line, printable

_MOST_PORTS = 40
_MOST_MAKERS = 4
_EVERYWHERE = {"0.0.0.0": "every IPv4 address of the host", "::": "every IPv6 address of the host"}


def title(topology: Topology, port: PortMap) -> str:
    """As it is on the map."""
    group = topology_ports.group_of(topology, port)
    return group.text if group is not None else "a published port"


def facts(topology: Topology, port: PortMap) -> list[Line]:
    """The port, or all of a range, and the link that leads to it."""
    group = topology_ports.group_of(topology, port)
    if group is None:
        return [line(Span("It isn't published any more.", Tone.MUTED))]
    addresses = dict.fromkeys(_EVERYWHERE.get(each.host_address, each.host_address) for each in group.ports)
    makers = dict.fromkeys(each.by or "Boxdeck's table of nftables" for each in group.ports)
    rows: list[Fact] = [
        ("reached at", [line(address) for address in addresses]),
        ("protocol", (line(port.protocol),)),
        ("leads to", (_target(port),)),
        ("ports", _first([_way(each) for each in group.ports], _MOST_PORTS)),
        ("made by", _first([line(maker) for maker in makers], _MOST_MAKERS)),
        ("by way of", _links(topology, group.ports)),
    ]
    return fact_lines(rows)


def _first(lines: Sequence[Line], most: int) -> list[Line]:
    """With a count of those that are left out."""
    rest = len(lines) - most
    return [*lines[:most], *([line(Span(f"and {rest} more", Tone.MUTED))] if rest > 0 else [])]


def _target(port: PortMap) -> Line:
    name = printable(port.container_name)
    return line(Span(name or "nobody who is seen", Tone.STRONG if name else Tone.WARN), Span(f"  {port.address}"))


def _way(port: PortMap) -> Line:
    return line(f"{_place(port.host_address, port.host_port)} → {_place(port.address, port.port)}")


def _links(topology: Topology, ports: Sequence[PortMap]) -> list[Line]:
    """The bridge and the pair that it goes through, with what all traffic of that pair has been."""
    addresses = {port.address for port in ports}
    found: list[Line] = []
    for bridge in topology.bridges:
        for end in bridge.ports:
            is_own = ports[0].container_id is not None and end.container_id == ports[0].container_id
            if is_own or _bare(end) in addresses:
                found += _link(bridge.name, end)
    return found


def _link(bridge: str, end: BridgePort) -> list[Line]:
    state = link_strokes.trouble(end.state, end.counters, end.rates)
    counters = end.counters
    moved = f"received {units.size(counters.received_bytes)}  sent {units.size(counters.sent_bytes)}"
    return [
        line(f"{bridge}  {end.host_interface}", *((Span("  "), state) if state is not None else ())),
        line(Span(f"{moved}, by all that the container does", Tone.MUTED)),
    ]


def _bare(end: BridgePort) -> str:
    return (end.address or "").partition("/")[0]


def _place(address: str, port: int) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
