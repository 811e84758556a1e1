"""The table of networks."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from engine.model import BridgeNode, BridgePort, Container, Endpoint, LinkRates, Network, Subnet, Topology
from engine.model.published_port import PublishedPort
from tests.tui.fake_engine import container
from tui.drawing import network_rows, ports, units
from tui.drawing.lines import plain

BRIDGE = Network(
    id="b0" * 32, name="bridge", bridge="boxdeck0", subnets=(Subnet(subnet="10.89.0.0/24", gateway="10.89.0.1"),)
)
WEB = container(1, "web")


def wiring(is_up: bool = True) -> Topology:
    rates = LinkRates(received_bytes_per_second=5_000)
    ports = tuple(BridgePort(host_interface=f"bd{n}", is_up=True, rates=rates) for n in range(2))
    bridge = BridgeNode(name="boxdeck0", network="bridge", is_up=is_up, addresses=(), ports=ports)
    return Topology(uplink=None, bridges=(bridge,))


@pytest.mark.parametrize(
    ("topology", "members", "words"),
    [
        (wiring(), (WEB,), ["●", "bridge", "10.89.0.0/24", "1", units.UNKNOWN, "10k/s", "0"]),
        (wiring(is_up=False), (), ["○", "bridge", "10.89.0.0/24", "none", units.UNKNOWN, "10k/s", "0", "down"]),
        (
            Topology(uplink=None, bridges=()),
            (WEB,),
            ["●", "bridge", "10.89.0.0/24", "1", units.UNKNOWN, units.UNKNOWN, units.UNKNOWN, "gone"],
        ),
        (None, (WEB,), ["●", "bridge", "10.89.0.0/24", "1", units.UNKNOWN, units.UNKNOWN, units.UNKNOWN]),
    ],
)
def test_a_row_tells_who_is_on_it_and_what_moves(
    topology: Topology | None, members: tuple[Container, ...], words: list[str]
) -> None:
    row = network_rows.row_of(BRIDGE, members, topology)
    assert plain(network_rows.network_row(row, 120, is_selected=True)).split() == words


def test_ports_stand_at_the_network_that_they_lead_by() -> None:
    first = Endpoint(
        network="bridge", bridge="boxdeck0", host_interface="a", container_interface="eth0", address="10.89.0.2/24",
        gateway="10.89.0.1", mac="",
    )  # fmt: skip
    second = replace(first, network="back", address="10.90.0.2/24", gateway="10.90.0.1")
    web = replace(WEB, endpoints=(first, second), ports=(PublishedPort(container_port=80, host_port=8080),))
    for network, said in ((BRIDGE, "8080"), (replace(BRIDGE, name="back"), units.UNKNOWN)):
        row = network_rows.row_of(network, (web,), None)
        assert plain(network_rows.network_row(row, 120, is_selected=True)).split()[4] == said


def test_a_bridge_that_has_gone_is_told_with_what_mends_it() -> None:
    row = network_rows.row_of(BRIDGE, (WEB,), Topology(uplink=None, bridges=()))
    assert "it has gone: the next start makes it anew" in plain(network_rows.facts(row)[0])


@pytest.mark.parametrize(
    ("found", "said"),
    [([], ""), ([80], "80"), ([443, 80], "80, 443"), ([81, 80, 80], "80-81"), ([9, 3, 1, 2, 4], "1-4, 9")],
)
def test_ports_that_follow_one_another_are_a_range(found: list[int], said: str) -> None:
    assert ports.numbers(found) == said
