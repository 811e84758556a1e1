"""The wiring: uplinks, published ports, bridges as rails, and what hangs on them by a link as wide as its traffic."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from engine.model import BridgeNode, BridgePort, Container, LinkEnd, Topology, Uplink
from tui.drawing import link_strokes
from tui.drawing.canvas import Canvas
from tui.drawing.lines import Line, Span, Tone, clip, fit, joined, line, printable
from tui.drawing.topology_elsewhere import draw_elsewhere
from tui.drawing.topology_ports import draw_ports
from tui.drawing.topology_spots import Map, Spot, Target

BOX_CELLS = 23
_GAP = 2
_LEFT = 3
_TAP = BOX_CELLS - 4  # where the veth enters the box
_ROW_LINES = 8  # rail, veth, box and a blank
_UPLINK_X = 6
_TWIG_CELLS = 36  # one container in a line
_BOX_ROWS = 2  # with more of them, containers are lines


class View(Struct, frozen=True, kw_only=True):
    """What a drawing of the wiring shows.

    Attributes:
        selected_id: the container whose way out is lit.
        off_bridge: running containers without a veth.
        width: cells to draw in.
        cursor: the device or port that is marked.
        is_dense: a line for each container instead of a box; None where that depends on how many there are.
        has_elsewhere: devices that neither hang on a bridge nor lead out, and those of other namespaces, too.
    """

    topology: Topology
    selected_id: str | None
    off_bridge: tuple[Container, ...]
    width: int
    cursor: Target | None = None
    is_dense: bool | None = None
    has_elsewhere: bool = True


class Drawing(Struct, frozen=True, kw_only=True):
    """A picture, and where on it the cursor can be, in reading order."""

    lines: list[Line]
    spots: tuple[Spot, ...]


def topology_drawing(view: View) -> Drawing:
    """The whole picture, from the way out at the top to the containers below."""
    on = Map(view.topology, view.cursor)
    y = _draw_uplinks(on, view)
    for bridge in view.topology.bridges:
        y = _draw_bridge(on, bridge, view, y) + 1
    if not view.topology.bridges:
        on.canvas.text(_LEFT, y, "no bridge yet: the first container on a network makes it", Tone.MUTED)
        y += 2
    off_bridge = _off_bridge_lines(view)
    for row in off_bridge:
        on.spans(0, y, row)
        y += 1
    if view.has_elsewhere:
        draw_elsewhere(on, y + bool(off_bridge), view.width)
    return Drawing(lines=[clip(each, view.width) for each in on.canvas.lines()], spots=tuple(on.spots))


def topology_lines(view: View) -> list[Line]:
    """The picture alone."""
    return topology_drawing(view).lines


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
    """Whether the selected container hangs on this bridge, or on any that leads out."""
    bridges = view.topology.bridges if bridge is None else (bridge,)
    return view.selected_id is not None and any(
        port.container_id == view.selected_id
        for each in bridges
        if bridge is not None or not each.is_internal
        for port in each.ports
    )


# --- uplinks ---


def _draw_uplinks(on: Map, view: View) -> int:
    """The uplinks' box and the line of translation below it; returns the first free line."""
    uplinks = view.topology.uplinks or ((view.topology.uplink,) if view.topology.uplink is not None else ())
    if not uplinks:
        on.canvas.text(_LEFT, 0, "no way out: this machine has no default route", Tone.MUTED)
        return 2
    wire = Tone.ACCENT if _lit(view) else Tone.FAINT
    texts = [(_uplink_title(each), _uplink_detail(each)) for each in uplinks]
    longest = max(max(len(title) + 2, len(detail)) for title, detail in texts)
    cells = min(longest + 4, max(8, view.width - 2 * _LEFT))
    on.canvas.box(_LEFT, 0, cells, 2 + 2 * len(uplinks), wire)
    for place, (uplink, (title, detail)) in enumerate(zip(uplinks, texts, strict=True)):
        _draw_uplink(on, uplink, (title, detail), 1 + 2 * place, cells)
    y = 2 + 2 * len(uplinks)
    if any(not bridge.is_internal for bridge in view.topology.bridges):
        on.canvas.vertical(_UPLINK_X, y - 1, 2, wire)
        on.canvas.text(_UPLINK_X, y, "│", wire)
        on.canvas.text(_UPLINK_X, y + 1, "│", wire)
        on.canvas.text(_UPLINK_X + 2, y + 1, "nat masquerade", Tone.MUTED)
        return y + 2
    return y + 1


def _draw_uplink(on: Map, uplink: Uplink, texts: tuple[str, str], y: int, cells: int) -> None:
    spot = on.spot(LinkEnd(namespace=on.host, index=uplink.index), _LEFT, y, cells, 2)
    wrong = link_strokes.trouble(uplink.state, uplink.counters, uplink.rates)
    title, detail = texts
    on.canvas.text(_LEFT + 2, y, fit(on.marked(title, spot), cells - 4).rstrip(), on.tone(spot, Tone.STRONG))
    on.canvas.text(_LEFT + 2, y + 1, fit(detail, cells - 4).rstrip(), Tone.MUTED)
    if wrong is not None:
        on.canvas.text(_LEFT + cells + 1, y, wrong.text, wrong.tone)


def _uplink_title(uplink: Uplink) -> str:
    moves = link_strokes.traffic(uplink.rates) if link_strokes.is_moving(uplink.rates) else ""
    return f"{uplink.interface}  {moves}".rstrip()


def _uplink_detail(uplink: Uplink) -> str:
    addresses = "  ".join(uplink.addresses[:2])
    return f"{addresses}  via {uplink.gateway}" if uplink.gateway else addresses


# --- bridges ---


def _draw_bridge(on: Map, bridge: BridgeNode, view: View, y: int) -> int:
    """Ports that lead to it, the rail, and below it who hangs on it; returns the first free line."""
    lit = _lit(view, bridge)
    leads_out = view.topology.uplink is not None and not bridge.is_internal
    wire = Tone.ACCENT if lit and leads_out else Tone.FAINT
    top = y
    y = draw_ports(on, bridge, _UPLINK_X + 2, y, view.width)
    spot = on.spot(LinkEnd(namespace=on.host, index=bridge.index), 0, y, view.width, 2)
    title = on.marked(bridge.name if bridge.network in ("bridge", "") else bridge.network, spot)
    on.canvas.text(_UPLINK_X + 2, y, title, on.tone(spot, Tone.LIT if lit else Tone.STRONG))
    on.spans(_UPLINK_X + 4 + len(title), y, _bridge_detail(bridge))
    dense = view.is_dense
    if dense is None:
        dense = len(bridge.ports) > _BOX_ROWS * _boxes_in_a_row(view) and len(bridge.ports) > 2 * _BOX_ROWS + 1
    draw = _draw_twigs if dense else _draw_boxes
    bottom = draw(on, bridge, view, y + 1)
    if leads_out:
        for above in range(top, y + 1):
            on.canvas.text(_UPLINK_X, above, "│", wire)
        on.canvas.text(_UPLINK_X, y + 1, "╧" if on.canvas.at(_UPLINK_X, y + 1) == "═" else "╪", wire)
    return bottom


def _bridge_detail(bridge: BridgeNode) -> Line:
    words = [*bridge.addresses, f"{len(bridge.ports)} on it" if bridge.ports else "nothing on it"]
    if bridge.network not in ("bridge", ""):
        words.insert(0, bridge.name)
    if bridge.is_internal:
        words.insert(1, "no way out")
    return line(Span("  ".join(words), Tone.MUTED), Span("" if bridge.is_up else "  down", Tone.BAD))


def _boxes_in_a_row(view: View) -> int:
    return max(1, (view.width - _LEFT) // (BOX_CELLS + _GAP))


def _draw_boxes(on: Map, bridge: BridgeNode, view: View, y: int) -> int:
    per_row = _boxes_in_a_row(view)
    rows = [bridge.ports[at : at + per_row] for at in range(0, len(bridge.ports), per_row)]
    rails = [y + index * _ROW_LINES for index in range(max(1, len(rows)))]
    _draw_rails(on.canvas, rails, max(_UPLINK_X + 2, view.width - 2))
    for rail, ports in zip(rails, rows, strict=False):
        for place, port in enumerate(ports):
            _draw_box(on, port, view, _LEFT + place * (BOX_CELLS + _GAP), rail)
    if not bridge.is_internal:
        _light_path(on.canvas, rails, rows, view)
    return y + (len(rows) * _ROW_LINES or 1)


def _draw_rails(canvas: Canvas, rails: Sequence[int], length: int) -> None:
    """One rail a row of containers, joined at the left edge."""
    for row, y in enumerate(rails):
        canvas.text(0, y, "═" * length, Tone.FAINT)
        if len(rails) > 1:
            canvas.text(0, y, "╔" if row == 0 else "╚" if row == len(rails) - 1 else "╠", Tone.FAINT)
    for y in range(rails[0] + 1, rails[-1]):
        if y not in rails:
            canvas.text(0, y, "║", Tone.FAINT)


def _draw_box(on: Map, port: BridgePort, view: View, x: int, rail: int) -> None:
    is_selected = port.container_id is not None and port.container_id == view.selected_id
    spot = on.spot(LinkEnd(namespace=on.host, index=port.index), x, rail + 1, BOX_CELLS, 6, port.container_id)
    tone = Tone.ACCENT if is_selected or on.is_at(spot) else Tone.FAINT
    edge = link_strokes.stroke(port.state, port.rates)
    wire = Tone.ACCENT if is_selected and port.state == "up" else edge.tone
    on.canvas.box(x, rail + 2, BOX_CELLS, 5, tone)
    on.canvas.vertical(x + _TAP, rail, 3, tone)
    on.canvas.text(x + _TAP, rail, "╤", wire if port.state == "up" else Tone.FAINT)
    on.canvas.text(x + _TAP, rail + 1, edge.vertical, wire)
    _draw_box_text(on, port, spot, x, rail, is_selected)


def _draw_box_text(on: Map, port: BridgePort, spot: Spot, x: int, y: int, is_selected: bool) -> None:
    inner = BOX_CELLS - 4
    label = port.host_interface[-(inner - 1) :]
    on.canvas.text(x + inner - len(label) - 1, y + 1, label, Tone.ACCENT if is_selected else Tone.MUTED)
    inside = (port.container_interface or "")[: inner - 4]
    name = on.marked(_name(port), spot)
    tone = Tone.LIT if is_selected else Tone.STRONG if port.container_id else Tone.PLAIN
    on.canvas.text(x + 2, y + 3, fit(name, inner - len(inside) - 1).rstrip(), on.tone(spot, tone))
    on.canvas.text(x + 2 + inner - len(inside), y + 3, inside, Tone.MUTED)
    on.canvas.text(x + 2, y + 4, fit((port.address or "no address").partition("/")[0], inner).rstrip(), Tone.PLAIN)
    wrong = link_strokes.trouble(port.state, port.counters, port.rates)
    moves = link_strokes.traffic(port.rates)
    if wrong is not None and port.state == "up" and link_strokes.is_moving(port.rates):
        on.canvas.text(x + _TAP + 2, y + 1, "!", wrong.tone)  # the box has room for one of both
        wrong = None
    on.canvas.text(x + 2, y + 5, (wrong.text if wrong else moves)[:inner], wrong.tone if wrong else Tone.MUTED)


def _name(port: BridgePort) -> str:
    return printable(port.container_name or "") or "not a container"


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


# --- a line for each container ---


def _draw_twigs(on: Map, bridge: BridgeNode, view: View, y: int) -> int:
    """The rail, and below it stems with a line for each container; read downwards."""
    length = max(_UPLINK_X + 2, view.width - 2)
    on.canvas.text(0, y, "═" * length, Tone.FAINT)
    stems = max(1, min((view.width - _LEFT) // _TWIG_CELLS, len(bridge.ports)))
    cells = (view.width - _LEFT) // stems
    per_stem = -(-len(bridge.ports) // stems) or 1
    for place, port in enumerate(bridge.ports):
        stem, row = divmod(place, per_stem)
        x = _LEFT + stem * cells
        is_last = row == per_stem - 1 or place == len(bridge.ports) - 1
        if row == 0:
            on.canvas.text(x, y, "╤", Tone.FAINT)
        _draw_twig(on, port, view, (x, y + 1 + row), cells, is_last)
    _light_stem(on.canvas, bridge, view, y, per_stem, cells)
    return y + 1 + (per_stem if bridge.ports else 0)


def _draw_twig(on: Map, port: BridgePort, view: View, at: tuple[int, int], cells: int, is_last: bool) -> None:
    x, y = at
    is_selected = port.container_id is not None and port.container_id == view.selected_id
    spot = on.spot(LinkEnd(namespace=on.host, index=port.index), x, y, cells, 1, port.container_id)
    edge = link_strokes.stroke(port.state, port.rates)
    wire = Tone.ACCENT if is_selected and port.state == "up" else edge.tone
    on.canvas.text(x, y, "└" if is_last else "├", Tone.FAINT)
    on.canvas.text(x + 1, y, edge.horizontal, wire)
    name_cells = max(8, min(24, cells - 22))
    tone = Tone.LIT if is_selected else Tone.STRONG if port.container_id else Tone.PLAIN
    on.canvas.text(x + 3, y, fit(on.marked(_name(port), spot), name_cells), on.tone(spot, tone))
    wrong = link_strokes.trouble(port.state, port.counters, port.rates)
    says = wrong or (
        Span(link_strokes.traffic(port.rates), Tone.PLAIN)
        if link_strokes.is_moving(port.rates)
        else Span((port.address or "no address").partition("/")[0], Tone.MUTED)
    )
    on.canvas.text(x + 4 + name_cells, y, fit(says.text, max(1, cells - name_cells - 5)).rstrip(), says.tone)


def _light_stem(canvas: Canvas, bridge: BridgeNode, view: View, y: int, per_stem: int, cells: int) -> None:
    for place, port in enumerate(bridge.ports):
        if bridge.is_internal or port.container_id is None or port.container_id != view.selected_id:
            continue
        stem, row = divmod(place, per_stem)
        tap = _LEFT + stem * cells
        for x in range(min(_UPLINK_X, tap), max(_UPLINK_X, tap) + 1):
            canvas.tint(x, y, Tone.ACCENT)
        for below in range(y, y + row + 2):
            canvas.tint(tap, below, Tone.ACCENT)


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
