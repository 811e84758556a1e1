"""The wiring, drawn."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from engine.model import (
    BridgeNode,
    BridgePort,
    ContainerRequest,
    LinkCounters,
    LinkEnd,
    LinkRates,
    Topology,
    Uplink,
)
from tests.tui import fake_wiring
from tests.tui.fake_engine import container
from tui.drawing import link_facts, topology
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


def view(of: Topology, *, selected: str | None = None, width: int = 80) -> topology.View:
    return topology.View(topology=of, selected_id=selected, off_bridge=(), width=width)


def changed(of: Topology, place: int, **changes: object) -> Topology:
    """With another port in its place."""
    (bridge,) = of.bridges
    ports = list(bridge.ports)
    ports[place] = replace(ports[place], **changes)
    return replace(of, bridges=(replace(bridge, ports=tuple(ports)),))


def text_of(of: topology.View) -> str:
    return "\n".join(plain(line).rstrip() for line in topology.topology_lines(of))


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
    assert "        cellar  bdk0  no way out  10.89.0.1/24  1 on it" in lines
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


def rates(received: float, sent: float = 0, dropped: float = 0) -> LinkRates:
    return LinkRates(received_bytes_per_second=received, sent_bytes_per_second=sent, dropped_per_second=dropped)


@pytest.mark.parametrize(("received", "edge"), [(0, "│"), (12_000, "│"), (300_000, "┃"), (20e6, "█")])
def test_a_link_is_as_wide_as_its_traffic_which_stands_in_the_box(received: float, edge: str) -> None:
    lines = text_of(view(changed(wiring(2), 0, rates=rates(received, 900)), width=60)).split("\n")
    assert lines[8].startswith(f"           bd00000000 {edge}")
    assert "↑900/s" in lines[12] and ("↓0" in lines[12]) == (received == 0)


def test_a_link_that_moves_nothing_is_fainter_than_one_that_does() -> None:
    def tone(received: float) -> Tone:
        lines = topology.topology_lines(view(changed(wiring(1), 0, rates=rates(received)), width=60))
        return next(span.tone for span in lines[8] if span.text.strip() == "│")

    assert (tone(0), tone(500)) == (Tone.FAINT, Tone.PLAIN)


def tones(of: topology.View, text: str) -> set[Tone]:
    return {span.tone for line in topology.topology_lines(of) for span in line if text in span.text}


def test_a_link_that_is_down_drops_or_errs_shows_it() -> None:
    def shown(text: str, **changes: object) -> set[Tone]:
        return tones(view(changed(wiring(2), 1, **changes)), text)

    assert shown("down", is_up=False) == shown("\u2573", is_up=False) == {Tone.BAD}
    assert shown("no carrier", has_carrier=False) == shown("╎", has_carrier=False) == {Tone.WARN}
    lost = LinkCounters(sent_dropped=2, received_dropped=1)
    assert shown("drops 3", counters=lost) == {Tone.WARN}
    assert shown("drops 3", counters=lost, rates=rates(0, dropped=2)) == {Tone.BAD}
    assert shown("errors 7", counters=LinkCounters(received_errors=7)) == {Tone.WARN}
    assert shown("!", counters=lost, rates=rates(5_000)) == {Tone.WARN}


def test_sixty_containers_take_a_line_each_and_fewer_a_box() -> None:
    assert "╭─" not in text_of(view(wiring(60), width=78)).partition("boxdeck0")[2]
    lines = text_of(view(wiring(60), width=78)).split("\n")
    assert len(lines) < 42
    assert "   ├─ web-0" in "\n".join(lines) and "10.89.0.61" in "\n".join(lines)
    boxes = topology.topology_lines(replace(view(wiring(60), width=78), is_dense=False))
    assert len(boxes) > 150
    assert "╭─" in text_of(view(wiring(3), width=78)).partition("boxdeck0")[2]


def test_what_hangs_on_no_bridge_is_below_with_whom_it_leads_to() -> None:
    text = text_of(view(fake_wiring.topology([container(1, "web")]), width=100))
    assert "   other devices of the host\n   └╌ eth0.7           vlan 7" in text
    assert "   sleep (4711)  namespace 4026532740\n   └\u2573 left0            ── nobody who is seen" in text
    assert "of web" not in text  # it hangs on the bridge already


def test_every_link_has_a_spot_on_the_map_where_it_is_drawn() -> None:
    for dense in (True, False):
        found = topology.topology_drawing(
            replace(
                view(fake_wiring.topology([container(number, f"web-{number}") for number in range(5)]), width=80),
                is_dense=dense,
            )
        )
        assert len({spot.end for spot in found.spots}) == len(found.spots) == 1 + 1 + 1 + 5 + 2
        for spot in found.spots:
            if spot.container_id is not None:
                drawn = [
                    plain(line)[spot.x : spot.x + spot.width] for line in found.lines[spot.y : spot.y + spot.height]
                ]
                assert "web-" in "".join(drawn)


def test_the_cursor_marks_a_link() -> None:
    wired = fake_wiring.topology([container(1, "web"), container(2, "db")])
    for end, name in (
        (LinkEnd(namespace=fake_wiring.HOST, index=2), "eth0"),
        (LinkEnd(namespace=fake_wiring.HOST, index=fake_wiring.BRIDGE), "boxdeck0"),
        (LinkEnd(namespace=fake_wiring.HOST, index=fake_wiring.FIRST + 1), "db"),
        (LinkEnd(namespace=fake_wiring.HOST + 900, index=2), "left0"),
    ):
        assert f"▸ {name}" in text_of(replace(view(wired), cursor=end))


def test_a_link_is_told_with_both_its_ends_and_what_leads_to_it() -> None:
    wired = fake_wiring.topology([container(1, "web"), container(2, "db")])
    end = LinkEnd(namespace=fake_wiring.HOST, index=fake_wiring.FIRST)
    assert link_facts.title(wired, end) == "bd00000001"
    text = "\n".join(plain(line) for line in link_facts.facts(wired, end))
    for part in (
        "on bridge   boxdeck0", "leads to    eth0 of web", "mtu         1500", "0.0.0.0:8080/tcp → web 10.89.0.3:80",
        "the other end: eth0", "addresses   10.89.0.3/24", "46M", "9.6M/s",
    ):  # fmt: skip
        assert part in text, text
    assert all(width(line) <= 62 for line in link_facts.facts(wired, end))  # beside a bar in 80 columns
    uplink = "\n".join(map(plain, link_facts.facts(wired, LinkEnd(namespace=fake_wiring.HOST, index=2))))
    assert "routes      default  via 192.0.2.1" in uplink
    gone = link_facts.facts(wired, LinkEnd(namespace=1, index=1))
    assert plain(gone[0]) == "It has gone."


def test_a_machine_without_route_or_bridge_says_so() -> None:
    text = "\n".join(plain(line) for line in topology.topology_lines(view(Topology(uplink=None, bridges=()))))
    assert "no default route" in text
    assert "no bridge yet" in text


def test_containers_without_a_veth_are_named_below() -> None:
    alone = container(9, "job", request=ContainerRequest(image="base", network="none"), endpoints=())
    shown = topology.View(topology=wiring(1), selected_id=None, off_bridge=(alone,), width=80)
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


@given(st.integers(0, 30), st.integers(30, 200))
def test_every_container_is_drawn_within_the_width(count: int, cells: int) -> None:
    lines = topology.topology_lines(view(wiring(count), width=cells))
    text = "\n".join(plain(line) for line in lines)
    assert all(width(line) <= cells for line in lines)
    assert all(f"web-{number} " in text for number in range(count))
