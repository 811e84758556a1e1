"""Published ports on the map, and what is told of each."""

from __future__ import annotations

from msgspec.structs import replace

from engine.model import PortMap
from tests.tui.drawing.test_topology import text_of, view, wiring
from tui.drawing import port_facts, topology
from tui.drawing.lines import Line, plain


def leading(to: int, first: int, count: int = 1, step: int = 1, protocol: str = "tcp") -> tuple[PortMap, ...]:
    """Ports of both families that lead to the same of a container's."""
    return tuple(
        PortMap(
            host_address=host, host_port=first + step * each, protocol=protocol, address=f"10.89.0.{to + 2}",
            port=first + step * each, container_id=f"id-{to}", container_name=f"web-{to}",
        )
        for each in range(count)
        for host in ("0.0.0.0", "::")
    )  # fmt: skip


def text(lines: list[Line]) -> str:
    return "\n".join(plain(line).rstrip() for line in lines)


def test_ports_stand_above_the_bridge_that_they_lead_to_once_for_both_families() -> None:
    ports = tuple(port for number in range(9) for port in leading(number, 8080 + 10 * number))
    lines = text_of(view(replace(wiring(9), ports=ports[:2]), width=64)).split("\n")
    assert lines[6:8] == ["      │ :8080 → web-0:8080", "      │ boxdeck0  10.89.0.1/24  9 on it"]
    lines = text_of(view(replace(wiring(9), ports=ports), width=64)).split("\n")
    assert lines[6] == "      │ :8080 → web-0:8080 · :8090 → web-1:8090"
    assert lines[10:12] == ["      │ :8160 → web-8:8160", "      │ boxdeck0  10.89.0.1/24  9 on it"]


def test_a_port_of_who_is_on_two_bridges_stands_above_the_one_that_it_leads_by() -> None:
    (bridge,) = wiring(1).bridges
    other = replace(
        bridge,
        name="bdk1",
        network="back",
        addresses=("10.90.0.1/24",),
        ports=tuple(replace(port, address="10.90.0.2/24") for port in bridge.ports),
    )
    found = replace(wiring(1), bridges=(bridge, other), ports=leading(0, 8080))
    lines = [line for line in text_of(view(found, width=64)).split("\n") if "8080" in line or "on it" in line]
    assert lines == [
        "      │ :8080 → web-0:8080",
        "      │ boxdeck0  10.89.0.1/24  1 on it",
        "      │ back  bdk1  10.90.0.1/24  1 on it",
    ]


def test_ranges_are_one_and_of_very_many_the_rest_is_counted() -> None:
    found = replace(wiring(9), ports=(*leading(0, 3000, 1000), *leading(1, 53, 2, protocol="udp")))
    assert "│ :53-54/udp → web-1:53-54 · :3000-3999 → web-0:3000-3999\n" in text_of(view(found, width=70))
    drawn = topology.topology_drawing(view(replace(wiring(9), ports=leading(0, 8000, 100, step=2)), width=64))
    assert " · 85 more" in text(drawn.lines)
    assert sum(spot.is_port for spot in drawn.spots) == 15


def test_the_cursor_on_a_port_moves_nothing() -> None:
    found = replace(wiring(3), ports=(replace(leading(0, 8080)[0], host_address="127.0.0.1"),))
    drawn = topology.topology_drawing(view(found))
    (spot,) = (each for each in drawn.spots if each.is_port)
    marked = topology.topology_drawing(replace(view(found), cursor=spot.end))
    assert text(marked.lines) == text(drawn.lines).replace("│ 127.0.0.1:8080", "│▸127.0.0.1:8080")


def test_a_port_tells_where_it_is_where_it_leads_and_by_whose_doing() -> None:
    ports = leading(1, 8080, 3)
    found = replace(wiring(3), ports=ports)
    assert port_facts.title(found, ports[0]) == ":8080-8082 → web-1:8080-8082"
    said = text(port_facts.facts(found, ports[0]))
    for part in (
        "reached at  every IPv4 address of the host\n            every IPv6 address of the host",
        "protocol    tcp",
        "leads to    web-1  10.89.0.3",
        "0.0.0.0:8081 → 10.89.0.3:8081",
        "made by     Boxdeck's table of nftables",
        "by way of   boxdeck0  bd00000001",
    ):
        assert part in said, said
    assert text(port_facts.facts(wiring(3), ports[0])) == "It isn't published any more."


def test_one_that_a_rule_and_a_proxy_lead_to_is_one() -> None:
    four, six = leading(0, 8080)
    ports = (replace(four, by="the chain ip nat DOCKER"), replace(six, by="docker-proxy (1)"))
    found = replace(wiring(1), ports=ports)
    assert text_of(view(found)).count(":8080 →") == 1
    said = text(port_facts.facts(found, ports[0]))
    assert "made by     the chain ip nat DOCKER\n            docker-proxy (1)" in said


def test_a_port_of_somebody_elses_says_whose_it_is() -> None:
    port = PortMap(
        host_address="192.0.2.5", host_port=80, protocol="tcp", address="172.17.0.9", port=8000,
        container_name="", by="docker-proxy (4711)",
    )  # fmt: skip
    said = text(port_facts.facts(replace(wiring(1), ports=(port,)), port))
    assert "made by     docker-proxy (4711)" in said and "nobody who is seen  172.17.0.9" in said
