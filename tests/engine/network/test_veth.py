"""Containers reach each other and the outside."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

import pytest

from engine.model import Endpoint
from engine.network import interface
from engine.network.networks import Networks
from tests.engine.network.boxes import SETTLE_SECONDS, Box, add_container, await_true, shell

_ETH_P_IPV6 = 0x86DD
_SOLICITATIONS = {133, 135}  # of routers and neighbours (RFC 4861)
_ICMP_TYPE = 14 + 40  # where it is in a frame without further headers

Maker = Callable[..., Networks]
Boxes = Callable[[], Box]


async def connected(networks: Networks, box: Box, number: int) -> Endpoint:
    """Put a box on the network as a container would be."""
    await networks.ensure()
    endpoint = networks.lease(add_container(networks, number))
    box.apply(await networks.plan([endpoint]))
    return endpoint


def address(endpoint: Endpoint) -> str:
    return endpoint.address.partition("/")[0]


async def test_a_container_has_its_address_hardware_address_and_route(box: Boxes, engine_on: Maker) -> None:
    networks, web = engine_on(), box()
    endpoint = await connected(networks, web, 1)
    assert web.run("ip -br -4 addr show eth0").split()[1:] == ["UP", "10.89.0.2/24"]
    assert endpoint.mac in web.run("ip link show eth0")
    assert web.run("ip link show eth0").startswith("2: ")
    assert web.run("ip route").split("\n")[0].strip() == "default via 10.89.0.1 dev eth0"
    assert f"master {networks._paths.bridge_name}" in shell(f"ip link show {endpoint.host_interface}")


async def test_a_newcomer_asks_its_neighbours_for_nothing_and_takes_no_router_from_them(
    box: Boxes, engine_on: Maker
) -> None:
    networks, neighbour, newcomer = engine_on(), box(), box()
    await connected(networks, neighbour, 1)
    with neighbour.inside():
        heard = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETH_P_IPV6))
    with heard:
        heard.bind(("eth0", _ETH_P_IPV6))
        heard.setblocking(False)
        endpoint = await connected(networks, newcomer, 2)
        assert "tentative" not in newcomer.run("ip -6 addr show eth0")  # it is all there at once
        await asyncio.sleep(2.5)  # the first question for a router comes within a second, and again after four
        said = []
        while frame := _next(heard):
            if frame[6:12] == bytes.fromhex(endpoint.mac.replace(":", "")):
                said.append(frame[_ICMP_TYPE])
    assert not _SOLICITATIONS.intersection(said)
    assert len(said) <= 2, said  # which multicasts it wants, for each of its addresses once
    assert newcomer.run("cat /proc/sys/net/ipv6/conf/eth0/accept_ra").strip() == "0"


def _next(sock: socket.socket) -> bytes:
    try:
        return sock.recv(2048)
    except BlockingIOError:
        return b""


async def test_two_containers_reach_each_other(box: Boxes, engine_on: Maker) -> None:
    networks, web, client = engine_on(), box(), box()
    endpoint = await connected(networks, web, 1)
    other = await connected(networks, client, 2)
    with web.listen(address(endpoint)) as server, client.connect(address(endpoint)) as outgoing:
        server.settimeout(SETTLE_SECONDS)
        incoming, peer = server.accept()
        with incoming:
            outgoing.sendall(b"hello")
            assert incoming.recv(16) == b"hello"
        assert peer[0] == address(other)


async def test_a_container_reaches_the_outside_under_the_hosts_address(box: Boxes, engine_on: Maker) -> None:
    networks, web, outside = engine_on(), box(), box()
    shell(f"ip link add uplink type veth peer name wire netns {outside.pid}")
    shell("ip addr add 192.0.2.5/24 dev uplink; ip link set uplink up; ip route add default via 192.0.2.1")
    outside.run("ip addr add 192.0.2.1/24 dev wire; ip link set wire up")
    await connected(networks, web, 1)
    with outside.listen("192.0.2.1") as server, web.connect("192.0.2.1"):
        server.settimeout(SETTLE_SECONDS)
        incoming, peer = server.accept()
        incoming.close()
    assert peer[0] == "192.0.2.5"


async def test_between_containers_nothing_is_masqueraded(box: Boxes, engine_on: Maker) -> None:
    networks, web = engine_on(), box()
    endpoint = await connected(networks, web, 1)
    with socket.create_server((endpoint.gateway, 8080)) as server, web.connect(endpoint.gateway):
        incoming, peer = server.accept()
        incoming.close()
    assert peer[0] == address(endpoint)


async def test_the_veth_pair_dies_with_the_container(box: Boxes, engine_on: Maker) -> None:
    networks, web = engine_on(), Box()
    endpoint = await connected(networks, web, 1)
    assert interface.index_of(endpoint.host_interface) is not None
    web.end()
    await_true(lambda: interface.index_of(endpoint.host_interface) is None)


async def test_a_restart_does_not_trip_over_the_predecessors_veth(box: Boxes, engine_on: Maker) -> None:
    networks, first, second = engine_on(), box(), box()
    endpoint = await connected(networks, first, 1)
    second.apply(await networks.plan([endpoint]))  # while the first one's namespace is still there
    assert second.run("ip -br -4 addr show eth0").split()[2] == endpoint.address
    assert "eth0" not in first.run("ip -br link")


async def test_tunnels_that_every_new_namespace_gets_do_not_matter(box: Boxes, engine_on: Maker) -> None:
    networks, web = engine_on(), box()
    web.run("ip link add tunl0 type bridge")
    await connected(networks, web, 1)
    assert web.run("ip link show eth0").startswith("3: ")
    assert web.run("ip -br -4 addr show eth0").split()[2] == "10.89.0.2/24"


async def test_a_container_takes_on_the_bridges_packet_size(box: Boxes, engine_on: Maker) -> None:
    shell("ip link add lan mtu 1300 type bridge; ip addr add 192.0.2.5/24 dev lan; ip link set lan up")
    shell("ip route add default via 192.0.2.1")
    networks, web = engine_on(), box()
    endpoint = await connected(networks, web, 1)
    assert "mtu 1300" in web.run("ip link show eth0")
    assert interface.mtu_of(endpoint.host_interface) == 1300


async def test_a_plan_that_the_kernel_refuses_leaves_no_device(box: Boxes, engine_on: Maker) -> None:
    networks, web = engine_on(), box()
    await networks.ensure()
    plan = await networks.plan([networks.lease(add_container(networks, 1))])
    web.run("ip link add eth0 type bridge")
    before = shell("ip -br link")
    with pytest.raises(FileExistsError):
        web.apply(plan)
    assert shell("ip -br link") == before
