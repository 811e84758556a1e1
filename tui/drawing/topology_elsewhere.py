"""What is wired besides: devices of the host that hang on no bridge, and those of other namespaces."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from engine.model import LinkEnd, NetworkDevice, NetworkSpace, Topology
from tui.drawing import link_strokes
from tui.drawing.lines import Line, Span, Tone, clip, fit, line, printable
from tui.drawing.topology_spots import Map, Spot

_LEFT = 3
_NAME_CELLS = 16
_LEADS_CELLS = 30


def draw_elsewhere(on: Map, y: int, width: int) -> int:
    """A block for each namespace that has more than bridges show; returns the first free line."""
    for space, devices in _blocks(on.topology):
        on.spans(_LEFT, y, clip(_heading(space), width - _LEFT))
        for place, device in enumerate(devices):
            y += 1
            end = LinkEnd(namespace=space.inode, index=device.index)
            spot = on.spot(end, _LEFT, y, width - _LEFT, 1, next(iter(space.container_ids), None))
            on.spans(_LEFT, y, clip(_row(on, device, spot, place == len(devices) - 1), width - _LEFT))
        y += 2
    return y


def _blocks(topology: Topology) -> Iterator[tuple[NetworkSpace, Sequence[NetworkDevice]]]:
    shown = {(end.namespace, end.index) for end in _on_bridges(topology)}
    for space in topology.spaces:
        found = [
            device
            for device in space.devices
            if device.name != "lo"
            and (space.inode, device.index) not in shown
            and not (space.is_host and device.master)
        ]
        if found or space.problem:
            yield space, found


def _on_bridges(topology: Topology) -> Iterator[LinkEnd]:
    host = topology.spaces[0].inode if topology.spaces else 0
    for uplink in topology.uplinks:
        yield LinkEnd(namespace=host, index=uplink.index)
    for bridge in topology.bridges:
        yield LinkEnd(namespace=host, index=bridge.index)
        yield from (port.peer for port in bridge.ports if port.peer is not None)


def _heading(space: NetworkSpace) -> Line:
    if space.is_host:
        return line(Span("other devices of the host", Tone.MUTED))
    return line(
        Span(printable(space.holder), Tone.STRONG if space.container_names else Tone.PLAIN),
        Span(f"  namespace {space.inode}", Tone.FAINT),
        Span(f"  can't be read: {space.problem}" if space.problem else "", Tone.WARN),
    )


def _row(on: Map, device: NetworkDevice, spot: Spot, is_last: bool) -> Line:
    edge = link_strokes.stroke(device.state, device.rates)
    wrong = link_strokes.trouble(device.state, device.counters, device.rates)
    moves = link_strokes.traffic(device.rates) if link_strokes.is_moving(device.rates) else ""
    addresses = " ".join(address for address in device.addresses if not address.startswith("fe80:"))
    name = fit(on.marked(printable(device.name), spot), _NAME_CELLS)
    return line(
        Span("└" if is_last else "├", Tone.FAINT),
        Span(edge.horizontal, edge.tone),
        Span(f" {name} ", on.tone(spot, Tone.PLAIN)),
        Span(fit(leads_to(device, on.topology), _LEADS_CELLS), Tone.MUTED),
        *((Span("  "), wrong) if wrong is not None else ()),
        Span(f"  {moves}" if moves else "", Tone.PLAIN),
        Span(f"  {addresses}" if addresses else "", Tone.MUTED),
    )


def leads_to(device: NetworkDevice, topology: Topology) -> str:
    """What a device is tied to, and whose that is."""
    end = device.peer or device.parent
    space = topology.space(end.namespace) if end is not None else None
    other = space.device(end.index) if space is not None and end is not None else None
    whose = f" of {printable(space.holder)}" if space is not None else ""
    if device.is_pair:
        return f"── {printable(other.name)}{whose}" if other is not None else "── nobody who is seen"
    over = f" over {printable(other.name)}" if other is not None else ""
    return f"{device.detail or device.kind or 'hardware'}{over}"
