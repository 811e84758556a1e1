"""The wiring, drawn."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from engine.model import (
    BridgeNode,
    BridgePort,
    ContainerRequest,
    ContainerSample,
    HostSample,
    NetworkSample,
    Snapshot,
    Topology,
    Uplink,
)
from tests.tui.fake_engine import container
from tui.drawing import topology
from tui.drawing.lines import Tone, plain, width


def wiring(count: int) -> Topology:
    ports = tuple(
        BridgePort(
            host_interface=f"bd{number:08x}",
            is_up=True,
            container_id=f"id-{number}",
            container_name=f"web-{number}",
            container_interface="eth0",
            address=f"10.89.0.{number + 2}/24",
        )
        for number in range(count)
    )
    bridge = BridgeNode(name="boxdeck0", network="bridge", is_up=True, addresses=("10.89.0.1/24",), ports=ports)
    return Topology(
        uplink=Uplink(interface="eth0", addresses=("192.0.2.5/24",), gateway="192.0.2.1"), bridges=(bridge,)
    )


def view(
    of: Topology, *, selected: str | None = None, width: int = 80, snapshot: Snapshot | None = None
) -> topology.View:
    return topology.View(topology=of, snapshot=snapshot, selected_id=selected, off_bridge=(), width=width)


def test_containers_hang_off_the_bridge_below_the_uplink() -> None:
    assert [plain(line).rstrip() for line in topology.topology_lines(view(wiring(2), width=60))] == [
        "   ╭─────────────────────────────╮",
        "   │ eth0                        │",
        "   │ 192.0.2.5/24  via 192.0.2.1 │",
        "   ╰──┬──────────────────────────╯",
        "      │",
        "      │ nat masquerade",
        "      │ boxdeck0  10.89.0.1/24  2 on it",
        "══════╧═══════════════╤════════════════════════╤══════════",
        "           bd00000000 │             bd00000001 │",
        "   ╭──────────────────┴──╮  ╭──────────────────┴──╮",
        "   │ web-0          eth0 │  │ web-1          eth0 │",
        "   │ 10.89.0.2           │  │ 10.89.0.3           │",
        "   │                     │  │                     │",
        "   ╰─────────────────────╯  ╰─────────────────────╯",
    ]


def test_networks_of_ones_own_have_their_names_and_internal_ones_no_wire_to_the_uplink() -> None:
    (bridge,) = wiring(1).bridges
    cellar = replace(bridge, name="bdk0", network="cellar", is_internal=True)
    both = replace(wiring(1), bridges=(replace(bridge, name="bdk1", network="web"), cellar))
    lines = [plain(line).rstrip() for line in topology.topology_lines(view(both, width=60))]
    assert "      │ web  bdk1  10.89.0.1/24  1 on it" in lines
    assert "        cellar  bdk0  10.89.0.1/24  1 on it  no way out" in lines
    assert [line[:7] for line in lines if line.startswith("═")] == ["══════╧", "═══════"]


def lit(of: topology.View) -> str:
    spans = [span for line in topology.topology_lines(of) for span in line if span.tone in (Tone.ACCENT, Tone.LIT)]
    return "".join(span.text for span in spans)


def test_the_way_out_of_the_selected_container_is_lit() -> None:
    text = lit(view(wiring(3), selected="id-1"))
    for part in ("web-1", "bd00000001", "boxdeck0", "═", "╧", "╭─"):
        assert part in text
    assert "web-0" not in text
    assert lit(view(wiring(3))) == ""


def test_the_way_out_is_lit_over_several_rows() -> None:
    text = lit(view(wiring(5), selected="id-4", width=60))
    for part in ("web-4", "╔", "║", "╚"):
        assert part in text


def test_traffic_stands_in_the_box() -> None:
    sample = ContainerSample(
        container_id="id-0", network=NetworkSample(received_bytes_per_second=12_000, sent_bytes_per_second=900)
    )
    snapshot = Snapshot(taken_unix_ns=0, interval_seconds=1, host=HostSample(), containers={"id-0": sample})
    text = "\n".join(plain(line) for line in topology.topology_lines(view(wiring(1), snapshot=snapshot)))
    assert "↓12k/s   ↑900/s" in text


def test_a_machine_without_route_or_bridge_says_so() -> None:
    text = "\n".join(plain(line) for line in topology.topology_lines(view(Topology(uplink=None, bridges=()))))
    assert "no default route" in text
    assert "no bridge yet" in text


def test_containers_without_a_veth_are_named_below() -> None:
    alone = container(9, "job", request=ContainerRequest(image="base", network="none"), endpoints=())
    shown = topology.View(topology=wiring(1), snapshot=None, selected_id=None, off_bridge=(alone,), width=80)
    assert plain(topology.topology_lines(shown)[-1]).strip() == "loopback only: job"


def test_a_small_panel_shows_the_way_out_step_by_step() -> None:
    lines = [plain(line).strip() for line in topology.path_lines(wiring(1), container(1, "web"), 80)]
    assert lines == [
        "web ┬─ eth0  10.89.0.3/24  02:42:0a:59:00:03",
        "veth ├─ bd00000001",
        "bridge ├─ boxdeck0  10.89.0.1",
        "nat ├─ masquerade",
        "uplink ┴─ eth0  192.0.2.5/24  via 192.0.2.1",
    ]


def test_the_selected_box_can_be_found_to_scroll_to() -> None:
    lines = topology.topology_lines(view(wiring(5), selected="id-4", width=60))
    assert "web-4" in plain(lines[topology.line_of_selected(lines)])


@given(st.integers(0, 30), st.integers(30, 200))
def test_every_container_is_drawn_within_the_width(count: int, cells: int) -> None:
    lines = topology.topology_lines(view(wiring(count), width=cells))
    text = "\n".join(plain(line) for line in lines)
    assert all(width(line) <= cells for line in lines)
    assert all(f"web-{number} " in text for number in range(count))
