"""The table of networks, and what there is to say about one."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence

from msgspec import Struct

from engine.model import BridgeNode, Container, LinkRates, Network, Topology
from tui.drawing import ports, units
from tui.drawing.columns import Column
from tui.drawing.labels import Fact, fact_lines
from tui.drawing.lines import Line, Span, Tone, clip, joined, line, printable
from tui.drawing.name_table import NameTable

_LEAST_NAME_CELLS, _MOST_NAME_CELLS = 12, 32
_DEFAULT = "bridge"


class NetworkRow(Struct, frozen=True, kw_only=True):
    """What is known of a network when its row is drawn.

    Attributes:
        members: the containers that are on it, whether they run or not.
        bridge: as the kernel has it; None while that isn't known, or there is none.
        is_cut: containers that run should be on a bridge which has gone.
    """

    network: Network
    members: Sequence[Container]
    bridge: BridgeNode | None
    is_cut: bool = False

    @property
    def running(self) -> list[Container]:
        """The members that run."""
        return [each for each in self.members if each.is_running]


def row_of(network: Network, containers: Iterable[Container], topology: Topology | None) -> NetworkRow:
    """A network with what hangs on it."""
    members = [each for each in containers if any(end.network == network.name for end in each.endpoints)]
    bridge = next((each for each in topology.bridges if each.name == network.bridge), None) if topology else None
    is_cut = topology is not None and bridge is None and any(each.is_running for each in members)
    return NetworkRow(network=network, members=members, bridge=bridge, is_cut=is_cut)


def titles(cells: int) -> Line:
    """Above the rows."""
    return clip(_TABLE.titles(cells), cells)


def network_row(row: NetworkRow, cells: int, *, is_selected: bool) -> Line:
    """One network; a filled dot says that containers are on it, in the tone of those that run."""
    glyph = Span("● ", Tone.GOOD) if row.running else Span("● ", Tone.MUTED) if row.members else Span("○ ", Tone.FAINT)
    name = Span(printable(row.network.name), Tone.STRONG if is_selected else Tone.PLAIN)
    return clip(_TABLE.row(line(glyph, name), row, cells), cells)


def _subnet(row: NetworkRow) -> Line:
    first = row.network.ipv4 or row.network.ipv6
    return line(first.subnet) if first is not None else line(Span("none", Tone.FAINT))


def _other_subnet(row: NetworkRow) -> Line:
    six = row.network.ipv6 if row.network.ipv4 is not None else None
    return line(Span(six.subnet if six is not None else "", Tone.MUTED))


def _members(row: NetworkRow) -> Line:
    if not row.members:
        return line(Span("none", Tone.FAINT))
    stopped = len(row.members) - len(row.running)
    return line(str(len(row.running)), Span(f" +{stopped}" if stopped else "", Tone.MUTED))


def _leads(network: Network, container: Container) -> bool:
    """Whether the container's ports lead by a network: the first of each family that it has a way out by."""
    firsts = (
        next((end for end in container.endpoints if end.gateway), None),
        next((end for end in container.endpoints if end.gateway6), None),
    )
    return any(end is not None and end.network == network.name for end in firsts)


def _ports(row: NetworkRow) -> Line:
    leading = [each for each in row.running if _leads(row.network, each)]
    found = [port.host_port for each in leading for port in each.ports if port.host_port]
    return line(ports.numbers(found)) if found else line(Span(units.UNKNOWN, Tone.FAINT))


def _received(row: NetworkRow) -> Line:
    return _rate(row, lambda rates: rates.received_bytes_per_second)


def _sent(row: NetworkRow) -> Line:
    return _rate(row, lambda rates: rates.sent_bytes_per_second)


def _rate(row: NetworkRow, of: Callable[[LinkRates], float]) -> Line:
    """What moves through all links of a network together, seen from the containers."""
    known = [of(port.rates) for port in row.bridge.ports if port.rates is not None] if row.bridge is not None else []
    total = sum(known) if known else None
    return line(Span(units.known(total, units.rate), Tone.PLAIN if total else Tone.FAINT))


def _reach(row: NetworkRow) -> Line:
    if row.is_cut:
        return line(Span("gone", Tone.BAD))
    if row.bridge is not None and not row.bridge.is_up:
        return line(Span("down", Tone.BAD))
    return line(Span("internal" if row.network.internal else "", Tone.MUTED))


_COLUMNS: tuple[Column[NetworkRow], ...] = (
    Column("SUBNET", 18, _subnet),
    Column("IPV6", 24, _other_subnet, False, 3),
    Column("ON IT", 6, _members, True),
    Column("PORTS", 14, _ports),
    Column("RECEIVE", 8, _received, True),
    Column("SEND", 8, _sent, True),
    Column("REACH", 8, _reach, False, 2),
)
_TABLE = NameTable("  NETWORK", _COLUMNS, _LEAST_NAME_CELLS, _MOST_NAME_CELLS)


def facts(row: NetworkRow) -> list[Line]:
    """Everything about a network, in labelled lines."""
    network = row.network
    created = time.strftime("%Y-%m-%d %H:%M", time.localtime(network.created_unix_ns // 10**9))
    bridge = network.bridge if row.bridge is None else f"{network.bridge}  mtu {row.bridge.mtu}"
    gone = "  it has gone: the next start makes it anew" if row.is_cut else ""
    rows: list[Fact] = [
        ("bridge", (line(bridge, Span(gone, Tone.BAD), Span("  no way out" * network.internal, Tone.MUTED)),)),
        ("subnets", [_subnet_words(s.subnet, s.gateway, s.ip_range) for s in network.subnets]),
        ("made", (line(created, Span(f"  {network.short_id}", Tone.FAINT)),)),
        ("labels", [line(printable(f"{name}={value}")) for name, value in network.labels.items()]),
        ("on it", (joined([_member(each, network) for each in row.members], Span("  ")),) if row.members else ()),
    ]
    return fact_lines(rows)


def _subnet_words(subnet: str, gateway: str, ip_range: str) -> Line:
    return line(subnet, Span(f"  gateway {gateway}" + (f"  range {ip_range}" if ip_range else ""), Tone.MUTED))


def _member(container: Container, network: Network) -> Line:
    end = next(each for each in container.endpoints if each.network == network.name)
    return line(
        Span("● " if container.is_running else "○ ", Tone.GOOD if container.is_running else Tone.FAINT),
        Span(printable(container.name), Tone.STRONG),
        Span(f" {(end.address or end.address6).partition('/')[0]}", Tone.MUTED),
    )


def obstacle_to_removal(row: NetworkRow) -> str:
    """Why it can't be removed; empty when it can."""
    if row.network.name == _DEFAULT:
        return "bridge is the default network: it can't be removed"
    if row.members:
        names = ", ".join(each.name for each in row.members)
        return f"the network {row.network.name} is in use by {names}: disconnect or remove these first"
    return ""


def unused(networks: Iterable[Network], containers: Sequence[Container]) -> list[Network]:
    """Those that no container is on, but the default one."""
    return [each for each in networks if each.name != _DEFAULT and not row_of(each, containers, None).members]
