"""The wiring: uplink, translation of addresses, bridges as rails, containers hanging off by their veth."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from engine.model import BridgeNode, BridgePort, Container, Snapshot, Topology, Uplink
from tui.drawing import units
from tui.drawing.canvas import Canvas
from tui.drawing.lines import Line, Span, Tone, clip, joined, line

BOX_CELLS = 23
_GAP = 2
_LEFT = 3
_UPLINK_LINES = 6
_TAP = BOX_CELLS - 4  # where the veth enters the box
_ROW_LINES = 8  # rail, veth, box and a blank
_UPLINK_X = 6


class View(Struct, frozen=True, kw_only=True):
    """What a drawing of the wiring shows.

    Attributes:
        selected_id: the container whose way out is lit.
        off_bridge: running containers without a veth.
        width: cells to draw in.
    """

    topology: Topology
    snapshot: Snapshot | None
    selected_id: str | None
    off_bridge: tuple[Container, ...]
    width: int


def topology_lines(view: View) -> list[Line]:
    """The whole picture, from the way out at the top to the containers below."""
    canvas = Canvas()
    y = _draw_uplink(canvas, view)
    for bridge in view.topology.bridges:
        y = _draw_bridge(canvas, bridge, view, y) + 1
    if not view.topology.bridges:
        canvas.text(_LEFT, y, "no bridge yet: the first container on a network makes it", Tone.MUTED)
    lines = [clip(each, view.width) for each in canvas.lines()]
    return lines + _off_bridge_lines(view)


def shown_of(view: View) -> tuple[object, ...]:
    """What a drawing depends on: as long as it is the same, so is the drawing."""
    ports = [port for bridge in view.topology.bridges for port in bridge.ports]
    traffic = tuple([_traffic(port, view.snapshot) for port in ports])
    return view.topology, view.selected_id, view.off_bridge, view.width, traffic


def line_of_selected(lines: list[Line]) -> int:
    """The line of `topology_lines` in which the selected container's name is lit; 0 when none is."""
    return next((y for y, each in enumerate(lines) if y > _UPLINK_LINES and Tone.LIT in [s.tone for s in each]), 0)


def path_lines(topology: Topology, container: Container, width: int) -> list[Line]:
    """One container's way out, a step a line, from its inside to the uplink."""
    endpoint = container.endpoint
    if endpoint is None:
        return [line(Span("no veth pair, no bridge", Tone.MUTED))]
    steps = [
        (container.name, f"{endpoint.container_interface}  {endpoint.address or endpoint.address6}  {endpoint.mac}"),
        ("veth", endpoint.host_interface),
        ("bridge", f"{endpoint.bridge}  {endpoint.gateway or endpoint.gateway6 or 'no way out'}"),
    ]
    if topology.uplink is not None and (endpoint.gateway or endpoint.gateway6):
        steps.append(("nat", "masquerade"))
        steps.append(("uplink", f"{topology.uplink.interface}  {_uplink_detail(topology.uplink)}"))
    label_cells = max(len(label) for label, _ in steps) + 2
    wires = ["┬", *("├" * (len(steps) - 2)), "┴"]
    return [
        clip(line(Span(label.rjust(label_cells), Tone.MUTED), Span(f" {wire}─ ", Tone.ACCENT), says), width)
        for (label, says), wire in zip(steps, wires, strict=True)
    ]


def _lit(view: View, bridge: BridgeNode | None = None) -> bool:
    """Whether the selected container hangs on this bridge, or on any."""
    bridges = view.topology.bridges if bridge is None else (bridge,)
    return view.selected_id is not None and any(
        port.container_id == view.selected_id for each in bridges for port in each.ports
    )


# --- uplink ---


def _draw_uplink(canvas: Canvas, view: View) -> int:
    """The uplink's box and the line of translation below it; returns the first free line."""
    uplink = view.topology.uplink
    if uplink is None:
        canvas.text(_LEFT, 0, "no way out: this machine has no default route", Tone.MUTED)
        return 2
    wire = Tone.ACCENT if _lit(view) else Tone.FAINT
    title, detail = uplink.interface, _uplink_detail(uplink)
    cells = min(max(len(title), len(detail)) + 4, max(8, view.width - 2 * _LEFT))
    canvas.box(_LEFT, 0, cells, 4, wire)
    canvas.text(_LEFT + 2, 1, title[: cells - 4], Tone.STRONG)
    canvas.text(_LEFT + 2, 2, detail[: cells - 4], Tone.MUTED)
    if view.topology.bridges:
        canvas.vertical(_UPLINK_X, 3, 4, wire)
        canvas.text(_UPLINK_X, 4, "│", wire)
        canvas.text(_UPLINK_X + 2, 5, "nat masquerade", Tone.MUTED)
    return _UPLINK_LINES


def _uplink_detail(uplink: Uplink) -> str:
    addresses = "  ".join(uplink.addresses[:2])
    return f"{addresses}  via {uplink.gateway}" if uplink.gateway else addresses


# --- bridges ---


def _draw_bridge(canvas: Canvas, bridge: BridgeNode, view: View, y: int) -> int:
    """The rail, and rows of containers below it; returns the first free line."""
    lit = _lit(view, bridge)
    wire = Tone.ACCENT if lit else Tone.FAINT
    leads_out = view.topology.uplink is not None and not bridge.is_internal
    if leads_out:
        canvas.text(_UPLINK_X, y, "│", wire)
    title = bridge.name if bridge.network == "bridge" else bridge.network
    canvas.text(_UPLINK_X + 2, y, title, Tone.LIT if lit else Tone.STRONG)
    canvas.text(_UPLINK_X + 4 + len(title), y, _bridge_detail(bridge), Tone.MUTED)
    per_row = max(1, (view.width - _LEFT) // (BOX_CELLS + _GAP))
    rows = [bridge.ports[at : at + per_row] for at in range(0, len(bridge.ports), per_row)]
    rails = [y + 1 + index * _ROW_LINES for index in range(max(1, len(rows)))]
    _draw_rails(canvas, rails, max(_UPLINK_X + 2, view.width - 2))
    if leads_out:
        canvas.text(_UPLINK_X, rails[0], "╧", wire)
    for rail, ports in zip(rails, rows, strict=False):
        _draw_ports(canvas, ports, view, rail)
    _light_path(canvas, rails, rows, view)
    return y + 1 + (len(rows) * _ROW_LINES or 2)


def _bridge_detail(bridge: BridgeNode) -> str:
    words = [*bridge.addresses, f"{len(bridge.ports)} on it" if bridge.ports else "nothing on it"]
    if bridge.network != "bridge":
        words.insert(0, bridge.name)
    if bridge.is_internal:
        words.append("no way out")
    return "  ".join(words if bridge.is_up else [*words, "down"])


def _draw_rails(canvas: Canvas, rails: Sequence[int], length: int) -> None:
    """One rail a row of containers, joined at the left edge."""
    for row, y in enumerate(rails):
        canvas.text(0, y, "═" * length, Tone.FAINT)
        if len(rails) > 1:
            canvas.text(0, y, "╔" if row == 0 else "╚" if row == len(rails) - 1 else "╠", Tone.FAINT)
    for y in range(rails[0] + 1, rails[-1]):
        if y not in rails:
            canvas.text(0, y, "║", Tone.FAINT)


def _draw_ports(canvas: Canvas, ports: Sequence[BridgePort], view: View, rail: int) -> None:
    for index, port in enumerate(ports):
        x = _LEFT + index * (BOX_CELLS + _GAP)
        is_selected = port.container_id is not None and port.container_id == view.selected_id
        tone = Tone.ACCENT if is_selected else Tone.FAINT
        canvas.box(x, rail + 2, BOX_CELLS, 5, tone)
        canvas.vertical(x + _TAP, rail, 3, tone)
        canvas.text(x + _TAP, rail, "╤", tone)
        _draw_port_text(canvas, port, view, x, rail, is_selected)


def _light_path(canvas: Canvas, rails: Sequence[int], rows: Sequence[Sequence[BridgePort]], view: View) -> None:
    """Light the rails between the uplink and the selected container."""
    for row, ports in enumerate(rows):
        for index, port in enumerate(ports):
            if port.container_id is None or port.container_id != view.selected_id:
                continue
            tap = _LEFT + index * (BOX_CELLS + _GAP) + _TAP
            start = _UPLINK_X if row == 0 else 0
            points = [(x, rails[row]) for x in range(start, tap)]
            if row:
                points += [(x, rails[0]) for x in range(_UPLINK_X)] + [(0, y) for y in range(rails[0], rails[row])]
            for x, y in points:
                canvas.tint(x, y, Tone.ACCENT)


def _draw_port_text(canvas: Canvas, port: BridgePort, view: View, x: int, y: int, is_selected: bool) -> None:
    name = port.container_name or "not a container"
    inner = BOX_CELLS - 4
    label_tone = Tone.ACCENT if is_selected else Tone.MUTED
    canvas.text(x + inner - len(port.host_interface) - 1, y + 1, port.host_interface, label_tone)
    inside = port.container_interface or ""
    room = inner - len(inside) - 1
    canvas.text(
        x + 2, y + 3, name if len(name) <= room else name[: room - 1] + "…", Tone.LIT if is_selected else Tone.STRONG
    )
    canvas.text(x + 2 + inner - len(inside), y + 3, inside, Tone.MUTED)
    canvas.text(x + 2, y + 4, (port.address or "no address").partition("/")[0][:inner], Tone.PLAIN)
    canvas.text(x + 2, y + 5, _traffic(port, view.snapshot)[:inner], Tone.MUTED)


def _traffic(port: BridgePort, snapshot: Snapshot | None) -> str:
    """What moves through the veth, seen from inside the container."""
    sample = snapshot.containers.get(port.container_id or "") if snapshot else None
    if not port.is_up:
        return "down"
    if sample is None or sample.network is None:
        return ""
    received = units.known(sample.network.received_bytes_per_second, units.rate)
    sent = units.known(sample.network.sent_bytes_per_second, units.rate)
    return f"↓{received:<7} ↑{sent}"


def _off_bridge_lines(view: View) -> list[Line]:
    """Who has no veth, said below."""
    words = (
        ("host", "on the host's network"),
        ("none", "loopback only"),
        ("container", "on another container's network"),
    )
    lines: list[Line] = []
    for mode, says in words:
        names = [each for each in view.off_bridge if each.request.network.partition(":")[0] == mode]
        if names:
            spans = [Span(each.name, Tone.LIT if each.id == view.selected_id else Tone.PLAIN) for each in names]
            listed = joined([line(span) for span in spans], Span(", ", Tone.MUTED))
            lines.append(clip(line(" " * _LEFT, Span(f"{says}: ", Tone.MUTED), *listed), view.width))
    return lines
