"""The wiring of the machine as a drawing in text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from engine.cli.formats import decimal_size
from engine.cli.output import aligned
from engine.model import (
    BridgeNode,
    BridgePort,
    LinkCounters,
    LinkRates,
    NetworkDevice,
    NetworkSpace,
    PortMap,
    Topology,
    Uplink,
)
from engine.printable import printable

_Cells = tuple[str, ...]
_LEAF, _LAST = "├─ ", "└─ "


class _Block(NamedTuple):
    """A heading with rows below it; `is_out` says that it leads to the uplink."""

    heading: str
    rows: Sequence[_Cells]
    is_out: bool = False


def topology_lines(topology: Topology) -> list[str]:
    """From the ways out at the top, over ports and bridges, to what else there is in each namespace."""
    bridges = [_bridge(each, has_way_out=topology.uplink is not None) for each in topology.bridges]
    ports = _Block("published ports", [_port(each) for each in topology.ports], topology.uplink is not None)
    spaces = [_space(space, topology) for space in topology.spaces[1:]]
    every = [ports, *sorted(bridges, key=lambda block: not block.is_out), _others(topology), *spaces]
    blocks = [block for block in every if block.rows]
    lines = [_uplink(each) for each in topology.uplinks] or ["no way out: this machine has no default route"]
    devices = iter(aligned([row for block in blocks if block is not ports for row in block.rows], ()))
    last_out = next((block for block in reversed(blocks) if block.is_out), None)
    for block in blocks:
        rows = aligned(block.rows, ()) if block is ports else [next(devices) for _ in block.rows]
        lines += _drawn(block, rows, is_last_out=block is last_out)
    return [line.rstrip() for line in lines]


def _drawn(block: _Block, rows: Sequence[str], is_last_out: bool) -> list[str]:
    """A block below a blank line, hanging on the rail that leads to the uplink if it does."""
    head, stem = ("└─ ", "   ") if is_last_out else ("├─ ", "│  ") if block.is_out else ("", "")
    twigs = [f"{stem}{_LEAF}{row}" for row in rows[:-1]] + [f"{stem}{_LAST}{rows[-1]}"]
    return ["│" if block.is_out else "", f"{head}{block.heading}", *twigs]


def _uplink(uplink: Uplink) -> str:
    words = [uplink.interface, *uplink.addresses, f"via {uplink.gateway}" if uplink.gateway else "", _mtu(uplink.mtu)]
    return _joined(["uplink", *words, _state(uplink.state), _troubles(uplink.counters), _moves(uplink.rates)])


def _port(port: PortMap) -> _Cells:
    host, inside = _place(port.host_address, port.host_port), _place(port.address, port.port)
    owner = (printable(port.container_name), f"by {port.by}" if port.by else "")
    return f"{host}/{port.protocol}", f"→ {inside}", *owner


def _place(address: str, port: int) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def _bridge(bridge: BridgeNode, has_way_out: bool) -> _Block:
    network = f"network {bridge.network}" if bridge.network else ""
    words = [bridge.name, "bridge", network, *bridge.addresses, _mtu(bridge.mtu)]
    words += ["no way out" if bridge.is_internal else "", "" if bridge.is_up else "down", _moves(bridge.rates)]
    rows = [_bridge_port(port) for port in bridge.ports] or [("nothing on it",)]
    return _Block(_joined(words), rows, has_way_out and not bridge.is_internal)


def _bridge_port(port: BridgePort) -> _Cells:
    end = f"── {port.container_interface}" if port.container_interface else f"   {port.kind or 'hardware'}"
    state = _joined([_state(port.state), _troubles(port.counters)])
    return port.host_interface, end, printable(port.container_name or ""), port.address or "", state, _moves(port.rates)


def _others(topology: Topology) -> _Block:
    """The host's devices that stand nowhere else."""
    shown = {each.index for each in topology.bridges} | {each.index for each in topology.uplinks}
    found = [
        _device(device, topology)
        for device in (topology.spaces[0].devices if topology.spaces else ())
        if device.name != "lo" and device.index not in shown and not device.master
    ]
    return _Block("other devices of the host", found)


def _space(space: NetworkSpace, topology: Topology) -> _Block:
    """What is in a namespace, but for what stands on the host's bridges already."""
    heading = _joined([printable(space.holder), f"namespace {space.inode}"])
    if space.problem:
        return _Block(heading, [(f"can't be read ({space.problem})",)])
    on_bridges = {port.peer for bridge in topology.bridges for port in bridge.ports if port.peer is not None}
    shown = {end.index for end in on_bridges if end.namespace == space.inode}
    devices = [each for each in space.devices if each.name != "lo" and each.index not in shown]
    return _Block(heading, [_device(device, topology) for device in devices])


def _device(device: NetworkDevice, topology: Topology) -> _Cells:
    state = _joined([_state(device.state), _troubles(device.counters)])
    addresses = " ".join(address for address in device.addresses if not address.startswith("fe80:"))
    return (device.name, *leads_to(device, topology), addresses, state, _moves(device.rates))


def leads_to(device: NetworkDevice, topology: Topology) -> tuple[str, str]:
    """What a device is tied to, and whose that is."""
    end = device.peer or device.parent
    space = topology.space(end.namespace) if end is not None else None
    other = space.device(end.index) if space is not None and end is not None else None
    name = other.name if other is not None else f"device {end.index}" if end is not None else "of nobody that is seen"
    if device.is_pair:
        return f"── {name}", printable(space.holder) if space is not None else ""
    words = [device.detail or device.kind or "hardware", f"on {name}" if device.parent is not None else ""]
    return f"   {_joined(words)}", printable(space.holder) if space is not None and not space.is_host else ""


def _mtu(mtu: int) -> str:
    return f"mtu {mtu}" if mtu else ""


def _state(state: str) -> str:
    return "" if state == "up" else state


def _troubles(counters: LinkCounters) -> str:
    words = ((counters.errors, "errors"), (counters.dropped, "dropped"))
    return " ".join(f"{count} {word}" for count, word in words if count)


def _moves(rates: LinkRates | None) -> str:
    if rates is None or rates.received_packets_per_second + rates.sent_packets_per_second < 1:
        return ""
    received, sent = decimal_size(rates.received_bytes_per_second), decimal_size(rates.sent_bytes_per_second)
    packets = rates.received_packets_per_second + rates.sent_packets_per_second
    return f"↓ {received}/s ↑ {sent}/s {packets:.0f} packets/s"


def _joined(words: Iterable[str]) -> str:
    return "  ".join(word for word in words if word)
