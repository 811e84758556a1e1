"""What the topology screen shows: the kernel's state, with our names on it."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Callable

import pytest

from engine.model import Container, ContainerRequest, Endpoint, State
from engine.network.networks import Networks
from tests.engine.network.boxes import SETTLE_SECONDS, Box, add_container, await_true, shell

pytestmark = pytest.mark.alone

Maker = Callable[..., Networks]
Boxes = Callable[[], Box]


async def connected(networks: Networks, box: Box, number: int) -> Container:
    """A running container on the network, as the engine would describe it."""
    await networks.ensure()
    container_id = add_container(networks, number)
    endpoint = networks.lease(container_id)
    box.apply(await networks.plan([endpoint]))
    return container(container_id, f"box-{number}", endpoint)


def container(container_id: str, name: str, endpoint: Endpoint) -> Container:
    return Container(
        id=container_id,
        name=name,
        request=ContainerRequest(image="base"),
        image_id="",
        argv=(),
        state=State.RUNNING,
        created_unix_ns=0,
        endpoints=(endpoint,),
    )


def endpoint_of(one: Container) -> Endpoint:
    assert one.endpoint is not None
    return one.endpoint


def send_a_million_bytes(sender: Box, receiver: Box, address: str) -> None:
    with receiver.listen(address) as server, sender.connect(address) as outgoing:
        server.settimeout(SETTLE_SECONDS)
        incoming, _ = server.accept()
        with incoming:
            for _ in range(100):
                outgoing.sendall(bytes(10_000))
                incoming.recv(10_000, 0x100)  # MSG_WAITALL


async def test_an_empty_machine_has_neither_uplink_nor_bridge(machine: None, engine_on: Maker) -> None:
    found = await engine_on().topology([])
    assert (found.uplink, found.uplinks, found.bridges, found.ports) == (None, (), (), ())
    assert found.spaces[0].is_host and found.spaces[0].devices[0].name == "lo"


async def test_the_uplink_is_where_the_default_route_leaves(machine: None, engine_on: Maker) -> None:
    shell("ip link add lan type bridge; ip addr add 192.0.2.5/24 dev lan; ip link set lan up")
    shell("ip link add wan type bridge; ip addr add 198.51.100.5/24 dev wan; ip link set wan up")
    shell("ip route add default via 192.0.2.1 metric 200; ip route add default via 198.51.100.1 metric 100")
    uplink = (await engine_on().topology([])).uplink
    assert uplink is not None
    assert (uplink.interface, uplink.addresses, uplink.gateway) == ("wan", ("198.51.100.5/24",), "198.51.100.1")


async def test_containers_hang_on_the_bridge_by_their_names(box: Boxes, engine_on: Maker) -> None:
    networks = engine_on()
    containers = [await connected(networks, box(), n) for n in range(2)]
    (bridge,) = (await networks.topology(containers)).bridges
    assert (bridge.name, bridge.network, bridge.is_up) == (networks._paths.bridge_name, "bridge", True)
    assert bridge.addresses[0] == "10.89.0.1/24"
    assert bridge.addresses[1].endswith("::1/64") and len(bridge.addresses) == 2
    assert [(p.container_name, p.address, p.is_up) for p in bridge.ports] == [
        ("box-0", "10.89.0.2/24", True),
        ("box-1", "10.89.0.3/24", True),
    ]
    first = endpoint_of(containers[0])
    port = bridge.ports[0]
    assert (port.host_interface, port.container_interface, port.mac) == (first.host_interface, "eth0", first.mac)
    assert port.container_id == containers[0].id


async def test_a_strangers_device_on_our_bridge_is_shown_as_one(box: Boxes, engine_on: Maker) -> None:
    networks = engine_on()
    await networks.ensure()
    shell(f"ip link add guest type veth peer name guest1; ip link set guest master {networks._paths.bridge_name}")
    (bridge,) = (await networks.topology([])).bridges
    assert [(p.host_interface, p.state, p.container_id) for p in bridge.ports] == [("guest", "down", None)]
    assert [(p.container_interface, p.container_name) for p in bridge.ports] == [("guest1", "host")]


async def test_a_port_whose_other_end_is_down_has_no_carrier(box: Boxes, engine_on: Maker) -> None:
    networks, web = engine_on(), box()
    web_container = await connected(networks, web, 1)
    (bridge,) = (await networks.topology([web_container])).bridges
    assert [p.state for p in bridge.ports] == ["up"]
    web.run("ip link set eth0 down")
    (bridge,) = (await networks.topology([web_container])).bridges
    assert [(p.state, p.is_up, p.has_carrier) for p in bridge.ports] == [("no carrier", True, False)]
    shell(f"ip link set {bridge.ports[0].host_interface} down")
    (bridge,) = (await networks.topology([web_container])).bridges
    assert [p.state for p in bridge.ports] == ["down"]


async def test_bytes_are_counted_by_port(box: Boxes, engine_on: Maker) -> None:
    networks, sender, receiver = engine_on(), box(), box()
    containers = [await connected(networks, sender, 1), await connected(networks, receiver, 2)]
    send_a_million_bytes(sender, receiver, endpoint_of(containers[1]).address.partition("/")[0])
    (bridge,) = (await networks.topology(containers)).bridges
    assert [p.counters.sent_bytes > 1_000_000 for p in bridge.ports] == [True, False]
    assert [p.counters.received_bytes > 1_000_000 for p in bridge.ports] == [False, True]


async def test_a_container_that_starts_or_ends_is_noticed_without_polling(box: Boxes, engine_on: Maker) -> None:
    networks, web = engine_on(), Box()
    await networks.ensure()
    changes = networks.changes()
    pending = asyncio.ensure_future(anext(changes))
    await asyncio.sleep(0.01)
    assert not pending.done()
    started = await connected(networks, web, 1)
    await asyncio.wait_for(pending, SETTLE_SECONDS)
    assert len((await networks.topology([started])).bridges[0].ports) == 1
    web.end()
    await_true(lambda: endpoint_of(started).host_interface not in shell("ip link"))
    await asyncio.wait_for(anext(changes), SETTLE_SECONDS)
    assert (await networks.topology([])).bridges[0].ports == ()
    await changes.aclose()  # type: ignore[attr-defined]


async def test_a_flood_of_changes_is_one_change(machine: None, engine_on: Maker) -> None:
    changes = engine_on().changes()
    pending = asyncio.ensure_future(anext(changes))
    await asyncio.sleep(0.01)
    shell("for n in 1 2 3 4 5 6 7 8 9; do ip link add b$n type bridge; ip link del b$n; done")
    await asyncio.wait_for(pending, SETTLE_SECONDS)
    for _ in range(3):  # a slow machine's flood may have pauses
        try:
            await asyncio.wait_for(anext(changes), 0.1)
        except TimeoutError:
            return
    pytest.fail("a flood should end")


@pytest.mark.parametrize("command", ["ip -6 addr add fd00::1/64 dev lo", "ip -6 route add fd01::/64 dev lo"])
async def test_addresses_and_routes_of_ipv6_are_noticed_as_well(machine: None, engine_on: Maker, command: str) -> None:
    changes = engine_on().changes()
    pending = asyncio.ensure_future(anext(changes))
    await asyncio.sleep(0.01)
    shell(command)
    await asyncio.wait_for(pending, SETTLE_SECONDS)


async def test_a_link_that_goes_down_is_told_and_read_within_100_ms(box: Boxes, engine_on: Maker) -> None:
    networks, web = engine_on(), box()
    one = await connected(networks, web, 1)
    await networks.topology([one])
    changes = networks.changes()
    pending = asyncio.ensure_future(anext(changes))
    await asyncio.sleep(0.05)
    host_end = endpoint_of(one).host_interface
    milliseconds = []
    for state, command in (("down", f"ip link set {host_end} down"), ("up", f"ip link set {host_end} up")) * 3:
        process = await asyncio.create_subprocess_shell(command)
        await process.wait()
        began = time.monotonic()
        await asyncio.wait_for(pending, SETTLE_SECONDS)
        while (await networks.topology([one])).bridges[0].ports[0].state != state:
            await asyncio.wait_for(anext(changes), SETTLE_SECONDS)
        milliseconds.append((time.monotonic() - began) * 1000)
        pending = asyncio.ensure_future(anext(changes))
    assert statistics.median(milliseconds) < 100, milliseconds


async def test_the_other_ends_namespace_is_listened_to_as_well(box: Boxes, engine_on: Maker) -> None:
    """A container may take its own end down, or give itself an address."""
    networks, web = engine_on(), box()
    await connected(networks, web, 1)
    changes = networks.changes()
    pending = asyncio.ensure_future(anext(changes))
    await asyncio.sleep(0.05)
    web.run("ip addr add 192.0.2.77/32 dev lo")
    await asyncio.wait_for(pending, SETTLE_SECONDS)
