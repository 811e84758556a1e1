"""``boxdeck network topology``."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from engine.cli.topology_lines import topology_lines
from engine.model import (
    BridgeNode,
    BridgePort,
    LinkCounters,
    LinkEnd,
    LinkRates,
    NetworkDevice,
    NetworkSpace,
    PortMap,
    Topology,
    Uplink,
)
from tests.command_line import CommandLine
from tests.engine.network.boxes import Box
from tests.free_ports import free_port

HOST = NetworkSpace(
    inode=1,
    is_host=True,
    devices=(
        NetworkDevice(index=1, name="lo"),
        NetworkDevice(index=2, name="eth0"),
        NetworkDevice(index=3, name="boxdeck0", kind="bridge"),
        NetworkDevice(index=4, name="bd1", kind="veth", master=3, peer=LinkEnd(namespace=2, index=2), is_pair=True),
        NetworkDevice(index=5, name="eth0.7", kind="vlan", detail="vlan 7", parent=LinkEnd(namespace=1, index=2)),
    ),
)
WEB = NetworkSpace(
    inode=2,
    container_names=("web",),
    devices=(
        NetworkDevice(index=1, name="lo"),
        NetworkDevice(index=2, name="eth0", kind="veth", peer=LinkEnd(namespace=1, index=4), is_pair=True),
        NetworkDevice(
            index=3, name="to", kind="veth", is_pair=True, has_carrier=False, counters=LinkCounters(sent_dropped=3)
        ),
    ),
)
PORT = BridgePort(
    host_interface="bd1", is_up=True, container_name="web", container_interface="eth0", address="10.89.0.2/24",
    peer=LinkEnd(namespace=2, index=2),
    rates=LinkRates(received_bytes_per_second=9.6e6, sent_bytes_per_second=310e3, received_packets_per_second=700),
)  # fmt: skip
BRIDGE = BridgeNode(
    name="boxdeck0", network="bridge", is_up=True, addresses=("10.89.0.1/24",), ports=(PORT,), index=3, mtu=1500
)
UPLINK = Uplink(interface="eth0", addresses=("192.0.2.5/24",), gateway="192.0.2.1", index=2)
MAP = PortMap(
    host_address="0.0.0.0", host_port=8080, protocol="tcp", address="10.89.0.2", port=80, container_name="web"
)
WHOLE = Topology(uplink=UPLINK, uplinks=(UPLINK,), bridges=(BRIDGE,), spaces=(HOST, WEB), ports=(MAP,))


def test_ways_out_ports_bridges_and_what_else_there_is_are_drawn() -> None:
    assert topology_lines(WHOLE) == [
        "uplink  eth0  192.0.2.5/24  via 192.0.2.1",
        "│",
        "├─ published ports",
        "│  └─ 0.0.0.0:8080/tcp   → 10.89.0.2:80   web",
        "│",
        "└─ boxdeck0  bridge  network bridge  10.89.0.1/24  mtu 1500",
        f"   └─ bd1      ── eth0                     web   10.89.0.2/24{'':27}↓ 9.6MB/s ↑ 310kB/s 700 packets/s",
        "",
        "other devices of the host",
        "└─ eth0.7      vlan 7  on eth0",
        "",
        "web  namespace 2",
        "└─ to       ── of nobody that is seen                        no carrier  3 dropped",
    ]


def test_what_has_no_way_out_hangs_on_nothing() -> None:
    cellar = replace(WHOLE, bridges=(replace(BRIDGE, is_internal=True, ports=()),), ports=(), spaces=(HOST,))
    assert topology_lines(cellar)[:4] == [
        "uplink  eth0  192.0.2.5/24  via 192.0.2.1",
        "",
        "boxdeck0  bridge  network bridge  10.89.0.1/24  mtu 1500  no way out",
        "└─ nothing on it",
    ]
    assert topology_lines(Topology(uplink=None, bridges=())) == ["no way out: this machine has no default route"]


@pytest.fixture
def pair() -> Iterator[tuple[Box, Box]]:
    """Two namespaces without names, and a veth pair between them."""
    left, right = Box(), Box()
    left.run(f"ip link add name l{left.pid} type veth peer name right0 netns {right.pid}")
    yield left, right
    left.end()
    right.end()


def test_a_container_its_port_and_a_strangers_pair_are_shown(boxdeck: CommandLine, pair: tuple[Box, Box]) -> None:
    left, right = pair
    port = free_port()
    boxdeck.ok("run", "-d", "--name", "web", "-p", f"127.0.0.1:{port}:80", "base", "sleep", "99")
    lines = boxdeck.ok("network", "topology").splitlines()
    assert any(f"127.0.0.1:{port}/tcp" in line and line.endswith(" web") for line in lines)
    assert any("── eth0" in line and " web " in line for line in lines)
    (drawn,) = (line for line in lines if line.startswith(f"└─ l{left.pid} "))
    assert "── right0" in drawn and f"sleep ({right.pid})" in drawn and drawn.endswith("down")

    document = boxdeck("network", "topology", "--format", "json").json
    host, *others = document["Spaces"]
    assert host["Holder"] == "host" and host["IsHost"]
    (one,) = (space for space in others if space["Pid"] == left.pid)
    (far,) = (space for space in others if space["Pid"] == right.pid)
    (device,) = (each for each in one["Devices"] if each["Name"] == f"l{left.pid}")
    assert device["Peer"]["Namespace"] == far["Inode"] and device["State"] == "down"
    assert device["Rates"]["ReceivedBytesPerSecond"] == 0
    (web,) = (space for space in others if space["ContainerNames"] == ["web"])
    assert [each["ContainerName"] for each in document["Ports"]] == ["web"]
    assert web["Routes"][0]["Destination"] == "default"
