"""Published ports on the map: above the bridge that they lead to, each a place for the cursor."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ipaddress import ip_address, ip_interface
from typing import NamedTuple

from engine.model import BridgeNode, PortMap, Topology
from tui.drawing.lines import Tone, printable
from tui.drawing.topology_spots import Map

_MOST_LINES = 8
_BETWEEN = " · "
_EVERYWHERE = ("0.0.0.0", "::")


class PortGroup(NamedTuple):
    """Ports that are drawn as one: of both families, or a range that leads to a range.

    Attributes:
        text: such as ``:8080 → web:80``.
        ports: in order; the first one stands for all of them.
    """

    text: str
    ports: Sequence[PortMap]


def groups(ports: Iterable[PortMap]) -> list[PortGroup]:
    """Those of both families once, and rows of consecutive ones as ranges."""
    found: dict[tuple[str, ...], dict[tuple[int, int], list[PortMap]]] = {}
    for port in ports:
        target = printable(port.container_name) or port.address
        same = found.setdefault((_host(port), port.protocol, target), {})
        same.setdefault((port.host_port, port.port), []).append(port)
    made = [_group(key, run) for key, same in found.items() for run in _runs(same)]
    return sorted(made, key=lambda group: (group.ports[0].host_port, group.text))


def group_of(topology: Topology, port: PortMap) -> PortGroup | None:
    """The one that a port is in; None when it has gone."""
    return next((group for group in groups(topology.ports) if port in group.ports), None)


def on_bridge(topology: Topology, bridge: BridgeNode) -> list[PortMap]:
    """Those that lead by a bridge to who hangs on it, who may be on others as well."""
    addresses = {(port.address or "").partition("/")[0] for port in bridge.ports}
    subnets = [ip_interface(address).network for address in bridge.addresses]
    return [
        port
        for port in topology.ports
        if port.address in addresses or any(ip_address(port.address) in subnet for subnet in subnets)
    ]


def draw_ports(on: Map, bridge: BridgeNode, x: int, y: int, width: int) -> int:
    """As many as there is room for; returns the first free line."""
    lines = _laid_out(groups(on_bridge(on.topology, bridge)), max(20, width - x - 2))
    for place, (line, rest) in enumerate(lines):
        at = x
        for number, group in enumerate(line):
            if number:
                on.canvas.text(at, y + place, _BETWEEN, Tone.FAINT)
                at += len(_BETWEEN)
            spot = on.spot(group.ports[0], at, y + place, len(group.text), 1, group.ports[0].container_id)
            if on.is_at(spot):
                on.canvas.text(at - 1, y + place, "▸", Tone.LIT)
            on.canvas.text(at, y + place, group.text, on.tone(spot, Tone.PLAIN))
            at += len(group.text)
        if rest:
            on.canvas.text(at, y + place, f"{_BETWEEN}{rest} more", Tone.MUTED)
    return y + len(lines)


def _laid_out(found: Sequence[PortGroup], room: int) -> list[tuple[list[PortGroup], int]]:
    """Lines of groups, and how many more there are behind each."""
    lines: list[tuple[list[PortGroup], int]] = []
    place = 0
    while place < len(found) and len(lines) < _MOST_LINES:
        taken = 1
        while place + taken < len(found) and _cells(found[place : place + taken + 1]) <= room:
            taken += 1
        rest = len(found) - place - taken if len(lines) == _MOST_LINES - 1 else 0
        kept = max(1, taken - bool(rest))
        lines.append((list(found[place : place + kept]), rest and rest + taken - kept))
        place += taken
    return lines


def _cells(of: Sequence[PortGroup]) -> int:
    return sum(len(group.text) + len(_BETWEEN) for group in of) - len(_BETWEEN)


def _runs(same: dict[tuple[int, int], list[PortMap]]) -> list[list[PortMap]]:
    """Ports that follow each other on both sides, together."""
    runs: list[list[PortMap]] = []
    before = None
    for (host_port, port), of_families in sorted(same.items()):
        if before == (host_port - 1, port - 1):
            runs[-1] += of_families
        else:
            runs.append(list(of_families))
        before = (host_port, port)
    return runs


def _group(key: tuple[str, ...], run: list[PortMap]) -> PortGroup:
    host, protocol, target = key
    kind = "" if protocol == "tcp" else f"/{protocol}"
    first, last = run[0], run[-1]
    host_ports, ports = _range(first.host_port, last.host_port), _range(first.port, last.port)
    return PortGroup(f"{host}:{host_ports}{kind} → {target}:{ports}", tuple(run))


def _range(first: int, last: int) -> str:
    return str(first) if first == last else f"{first}-{last}"


def _host(port: PortMap) -> str:
    if port.host_address in _EVERYWHERE:
        return ""
    return f"[{port.host_address}]" if ":" in port.host_address else port.host_address
