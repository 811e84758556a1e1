"""Networks that people make: their subnets, who reaches whom, and what is said when one can't be."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable, Iterable
from ipaddress import IPv6Network, ip_network
from pathlib import Path

import pytest
from msgspec.structs import replace

from engine.errors import BoxdeckError, Conflict, InvalidRequest, Unsupported
from engine.model import Attachment, Endpoint, Network, NetworkRequest
from engine.network import bridge, encode, interface, nft, records, transport
from engine.network.networks import Networks
from engine.network.plan import NetworkPlan
from engine.store.database import Database
from tests.engine.network.boxes import SETTLE_SECONDS, Box, add_container, await_true, shell

Maker = Callable[..., Networks]
Boxes = Callable[[], Box]


async def made(networks: Networks, name: str, *subnets: str, **options: object) -> str:
    """A network; its bridge."""
    return (await networks.create(NetworkRequest(name=name, subnets=subnets, **options))).bridge  # type: ignore[arg-type]


async def connected(networks: Networks, box: Box, number: int, *names: str) -> tuple[Endpoint, ...]:
    """Put a box on networks as a container would be."""
    container_id = add_container(networks, number)
    await networks.ensure(*names)
    endpoints = tuple(networks.lease(container_id, Attachment(network=name)) for name in names)
    box.apply(await networks.plan(endpoints, f"box-{number}"))
    return endpoints


def reaches(client: Box, server: Box, address: str) -> bool:
    """Whether a connection comes about, one way."""
    plain = address.partition("/")[0]
    family = socket.AF_INET6 if ":" in plain else socket.AF_INET
    with server.inside():
        listening = socket.create_server((plain, 8080), family=family)
    with client.inside():
        calling = socket.socket(family)
    with listening, calling:
        calling.settimeout(SETTLE_SECONDS)
        try:
            calling.connect((plain, 8080))
        except OSError:
            return False
        return True


def is_refused(client: Box, server: Box, address: str) -> bool:
    """Whether no connection comes about, in a second."""
    plain = address.partition("/")[0]
    family = socket.AF_INET6 if ":" in plain else socket.AF_INET
    with server.inside():
        listening = socket.create_server((plain, 8080), family=family)
    with client.inside():
        calling = socket.socket(family)
    with listening, calling:
        calling.settimeout(1)
        try:
            calling.connect((plain, 8080))
        except OSError:
            return True
        return False


# Subnets


async def test_a_network_has_ipv4_and_ipv6_of_its_own(machine: None, engine_on: Maker) -> None:
    networks = engine_on()
    bridges = [await made(networks, name) for name in ("one", "two")]
    found = [await networks.get(name) for name in ("one", "two")]
    assert [network.ipv4.subnet for network in found if network.ipv4] == ["10.89.0.0/24", "10.89.1.0/24"]
    prefix = records.local_prefix(networks._database)
    sixes = [IPv6Network(network.ipv6.subnet) for network in found if network.ipv6]
    assert len(set(sixes)) == 2 and all(six.subnet_of(prefix) and six.prefixlen == 64 for six in sixes)
    for name, network in zip(bridges, found, strict=True):
        shown = shell(f"ip -br addr show {name}").split()
        assert network.ipv4 and network.ipv6
        assert {f"{network.ipv4.gateway}/24", f"{network.ipv6.gateway}/64"} <= set(shown)
        assert Path(f"/proc/sys/net/ipv6/conf/{name}/accept_ra").read_text().strip() == "0"
    assert Path("/proc/sys/net/ipv6/conf/all/forwarding").read_text().strip() == "1"


async def test_what_the_machine_routes_is_avoided_in_ipv6_too(machine: None, engine_on: Maker) -> None:
    networks = engine_on()
    prefix = records.local_prefix(networks._database)
    first, second = list(prefix.subnets(new_prefix=64))[:2]
    shell("ip link add lan type bridge; ip link set lan up")
    shell(f"ip -6 addr add {first.network_address + 9}/64 dev lan nodad; ip -6 route add {second} dev lan")
    await made(networks, "one")
    ipv6 = (await networks.get("one")).ipv6
    assert ipv6 is not None and ip_network(ipv6.subnet) == list(prefix.subnets(new_prefix=64))[2]


async def test_a_router_that_the_machine_listened_to_is_still_listened_to(machine: None, engine_on: Maker) -> None:
    shell("ip link add wan type bridge; ip link set wan up")
    conf = Path("/proc/sys/net/ipv6/conf")
    (conf / "wan/accept_ra").write_text("1")
    await made(engine_on(), "one")
    assert (conf / "wan/accept_ra").read_text().strip() == "2"


async def test_a_network_is_as_it_is_asked_for(machine: None, engine_on: Maker) -> None:
    networks = engine_on()
    bridge = await made(
        networks, "named", "10.77.0.0/24", "fd77::/64",
        gateways=("10.77.0.254",), ip_ranges=("10.77.0.128/25",), mtu=1300, labels={"team": "blue"},
    )  # fmt: skip
    network = await networks.get("named")
    assert [(s.subnet, s.gateway, s.ip_range, s.is_fixed) for s in network.subnets] == [
        ("10.77.0.0/24", "10.77.0.254", "10.77.0.128/25", True),
        ("fd77::/64", "fd77::1", "", True),
    ]
    assert (network.mtu, network.labels, interface.mtu_of(bridge)) == (1300, {"team": "blue"}, 1300)
    assert "10.77.0.254/24" in shell(f"ip -br addr show {bridge}")
    endpoint = networks.lease(add_container(networks, 1), Attachment(network="named"))
    assert (endpoint.address, endpoint.address6) == ("10.77.0.128/24", "fd77::80/64")


@pytest.mark.parametrize(
    ("options", "ipv4", "ipv6"),
    [({"ipv6": False}, True, False), ({"ipv4": False}, False, True), ({"subnets": ("fd77::/64",)}, True, True)],
)
async def test_a_family_can_be_left_out(
    box: Boxes, engine_on: Maker, options: dict[str, object], ipv4: bool, ipv6: bool
) -> None:
    networks, web, client = engine_on(), box(), box()
    network = await networks.create(NetworkRequest(name="one", **options))  # type: ignore[arg-type]
    assert (network.ipv4 is not None, network.ipv6 is not None) == (ipv4, ipv6)
    (endpoint,) = await connected(networks, web, 1, "one")
    await connected(networks, client, 2, "one")
    assert (endpoint.address != "", endpoint.address6 != "") == (ipv4, ipv6)
    for address in filter(None, (endpoint.address, endpoint.address6)):
        assert reaches(client, web, address)
    await networks.ensure("one")  # finds it ready
    shown = shell(f"ip -br addr show {network.bridge}")
    assert ("10.89" in shown, "::1/64" in shown) == (ipv4, ipv6)


@pytest.mark.parametrize(
    ("request_", "kind", "words"),
    [
        ({"name": "a/b"}, InvalidRequest, "'a/b' can't be a network's name"),
        ({"name": "host"}, InvalidRequest, "--network host means something else already"),
        ({"name": "bridge"}, Conflict, "there is a network 'bridge' already"),
        ({"subnets": ("10.77.0.7/24",)}, InvalidRequest, "is an address within a subnet: write 10.77.0.0/24"),
        ({"subnets": ("blue",)}, InvalidRequest, "--subnet 'blue' is not a subnet"),
        ({"subnets": ("10.77.0.0/32",)}, InvalidRequest, "has no room for a bridge and a container"),
        ({"subnets": ("224.0.0.0/24",)}, InvalidRequest, "can't be the addresses of a network"),
        ({"subnets": ("fe80::/64",)}, InvalidRequest, "can't be the addresses of a network"),
        ({"subnets": ("10.77.0.0/24", "10.78.0.0/24")}, InvalidRequest, "one subnet of each family"),
        ({"gateways": ("10.77.0.1",)}, InvalidRequest, "--gateway 10.77.0.1 is in no --subnet"),
        ({"subnets": ("10.77.0.0/24",), "gateways": ("10.77.0.255",)}, InvalidRequest, "no device can have the addr"),
        ({"subnets": ("10.77.0.0/24",), "ip_ranges": ("10.78.0.0/25",)}, InvalidRequest, "--ip-range 10.78.0.0/25 is"),
        ({"subnets": ("fd77::/64",), "ipv6": False}, InvalidRequest, "contradicts --ipv6=false"),
        ({"ipv4": False, "ipv6": False}, InvalidRequest, "a network needs IPv4 or IPv6"),
        ({"mtu": 1279}, InvalidRequest, "--mtu 1279 is not possible: choose 1280 to 65535 bytes, or smaller with"),
        ({"mtu": 67, "ipv6": False}, InvalidRequest, "--mtu 67 is not possible: choose 68 to 65535 bytes"),
        ({"subnets": ("10.66.0.0/16",)}, Conflict, "overlaps with 10.66.1.0/24, which this machine has a route to"),
        ({"subnets": ("10.66.1.128/25",)}, Conflict, "overlaps with 10.66.1.0/24, which this machine has a route to"),
        ({"subnets": ("10.89.0.128/25",)}, Conflict, "overlaps with 10.89.0.0/24 of the network bridge"),
    ],
)
async def test_what_cannot_be_made_is_refused_and_nothing_is_left(
    machine: None, engine_on: Maker, request_: dict[str, object], kind: type[BoxdeckError], words: str
) -> None:
    shell("ip link add lan type bridge; ip addr add 10.66.1.5/24 dev lan; ip link set lan up")
    networks = engine_on()
    await networks.ensure()
    look = "ip -br link; ip addr | sed 's/ tentative//'; nft list ruleset"  # an address is so for a second
    before = shell(look)
    with pytest.raises(kind) as info:
        await networks.create(NetworkRequest(**{"name": "new", **request_}))  # type: ignore[arg-type]
    assert words in str(info.value) and "\n" not in str(info.value)
    assert [network.name for network in await networks.list()] == ["bridge"]
    assert shell(look) == before


async def test_a_device_that_has_the_bridges_name_is_not_touched(machine: None, engine_on: Maker) -> None:
    networks = engine_on()
    name = networks._paths.bridge_name
    shell(f"ip link add {name} type veth peer name other")
    before = shell("ip -br link")
    with pytest.raises(Conflict, match=f"there is a device {name} already, which is no bridge"):
        await networks.ensure()
    assert shell("ip -br link") == before and records.every(networks._database) == []
    shell(f"ip link del {name}")
    await networks.ensure()
    assert interface.is_up(name)


async def test_a_kernel_without_bridges_says_so_and_nothing_is_left(
    machine: None, engine_on: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    networks, usual = engine_on(), encode.create_bridge

    def unknown_kind(name: str, mac: str) -> bytes:
        return usual(name, mac).replace(b"bridge\0", b"brigde\0")  # what a kernel says that has no such module

    monkeypatch.setattr(encode, "create_bridge", unknown_kind)
    before = shell("ip -br link; nft list ruleset")
    with pytest.raises(Unsupported, match=r"the bridge bdk\w+ can't be made \(.*Unknown device type"):
        await networks.create(NetworkRequest(name="new"))
    assert records.every(networks._database) == []
    assert shell("ip -br link; nft list ruleset").split() == before.split()


@pytest.mark.parametrize(
    ("part", "instead"),
    [
        (nft.batch_begin()[-2:], (77).to_bytes(2, "big")),  # the subsystem in each transaction: no nf_tables at all
        (b"masq\0", b"mask\0"),  # no nft_masq
    ],
)
async def test_a_kernel_without_nftables_says_so_and_nothing_is_left(
    machine: None, engine_on: Maker, monkeypatch: pytest.MonkeyPatch, part: bytes, instead: bytes
) -> None:
    networks, usual = engine_on(), transport.send_transaction

    def lacking(sock: socket.socket, begin: bytes, requests: Iterable[bytes], end: bytes) -> None:
        begin, *altered, end = (each.replace(part, instead) for each in (begin, *requests, end))
        usual(sock, begin, altered, end)

    before = shell("ip -br link; nft list ruleset")
    monkeypatch.setattr(transport, "send_transaction", lacking)
    for trial in (networks.create(NetworkRequest(name="new")), networks.ensure()):
        with pytest.raises(Unsupported) as info:
            await trial
        sentence = str(info.value)
        assert sentence.startswith("containers can't be let out of this machine (") and "\n" not in sentence
        assert "modprobe -a nf_tables" in sentence and sentence.endswith("or run without a network (--network none)")
    assert records.every(networks._database) == []
    assert shell("ip -br link; nft list ruleset").split() == before.split()


# The end of a network


async def test_removing_a_network_leaves_nothing_of_it(machine: None, engine_on: Maker) -> None:
    networks = engine_on()
    await networks.ensure()
    look = "ip -br addr; nft list ruleset; ip route"
    before = shell(look)
    await made(networks, "one")
    assert shell(look) != before
    await networks.remove("one")
    assert shell(look) == before
    assert [network.name for network in await networks.list()] == ["bridge"]


async def test_only_networks_that_nobody_is_on_are_pruned(machine: None, engine_on: Maker) -> None:
    networks = engine_on()
    for name in ("used", "free", "other"):
        await made(networks, name)
    networks.lease(add_container(networks, 1), Attachment(network="used"))
    assert sorted(network.name for network in await networks.prune()) == ["free", "other"]
    assert [network.name for network in await networks.list()] == ["bridge", "used"]
    with pytest.raises(Conflict, match="the network used is used by box-1"):
        await networks.remove("used")
    with pytest.raises(Conflict, match="bridge is the default network"):
        await networks.remove("bridge")


async def test_engines_that_make_networks_at_once_get_different_subnets(machine: None, engine_on: Maker) -> None:
    engines = [engine_on("root") for _ in range(3)]
    await asyncio.gather(*(made(engine, f"net{n}") for n, engine in enumerate(engines * 2)))
    found = await engines[0].list()
    assert len({subnet.subnet for network in found for subnet in network.subnets}) == 2 * len(found) == 14


# Who reaches whom


async def test_containers_of_one_network_reach_each_other_in_both_families(box: Boxes, engine_on: Maker) -> None:
    networks, web, client = engine_on(), box(), box()
    await made(networks, "one")
    (endpoint,) = await connected(networks, web, 1, "one")
    await connected(networks, client, 2, "one")
    assert reaches(client, web, endpoint.address) and reaches(client, web, endpoint.address6)


async def test_containers_of_different_networks_do_not(box: Boxes, engine_on: Maker) -> None:
    networks, web, client = engine_on(), box(), box()
    await made(networks, "one")
    await made(networks, "two")
    (endpoint,) = await connected(networks, web, 1, "one")
    await connected(networks, client, 2, "two")
    assert is_refused(client, web, endpoint.address) and is_refused(client, web, endpoint.address6)


async def test_a_container_on_two_networks_reaches_both_and_joins_them_not(box: Boxes, engine_on: Maker) -> None:
    networks, front, middle, back = engine_on(), box(), box(), box()
    await made(networks, "one")
    await made(networks, "two")
    (first,) = await connected(networks, front, 1, "one")
    both = await connected(networks, middle, 2, "two", "one")
    (second,) = await connected(networks, back, 3, "two")
    assert [end.container_interface for end in both] == ["eth0", "eth1"]
    for address in (first.address, first.address6):
        assert reaches(middle, front, address)
    for address in (second.address, second.address6):
        assert reaches(middle, back, address)
    assert is_refused(front, back, second.address)
    routes = middle.run("ip route show default; ip -6 route show default").splitlines()
    assert [line.split()[2] for line in routes] == [both[0].gateway, both[0].gateway6]


async def test_the_outside_is_reached_under_the_machines_address_in_both_families(box: Boxes, engine_on: Maker) -> None:
    networks, web, outside = engine_on(), box(), box()
    lan(outside)
    await made(networks, "one")
    await connected(networks, web, 1, "one")
    for address, own in (("192.0.2.1", "192.0.2.5"), ("2001:db8::1", "2001:db8::5")):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with outside.inside():
            server = socket.create_server((address, 8080), family=family)
        with web.inside():
            client = socket.socket(family)
        with server, client:
            client.settimeout(SETTLE_SECONDS)
            server.settimeout(SETTLE_SECONDS)
            client.connect((address, 8080))
            incoming, peer = server.accept()
            incoming.close()
        assert peer[0] == own


async def test_an_internal_network_has_no_way_out_even_for_those_who_make_one(box: Boxes, engine_on: Maker) -> None:
    networks, web, client, outside = engine_on(), box(), box(), box()
    lan(outside)
    network = await networks.create(NetworkRequest(name="cellar", internal=True))
    (endpoint,) = await connected(networks, web, 1, "cellar")
    await connected(networks, client, 2, "cellar")
    assert reaches(client, web, endpoint.address) and reaches(client, web, endpoint.address6)
    assert web.run("ip route show default; ip -6 route show default") == ""
    assert network.ipv4 and network.ipv6
    web.run(f"ip route add default via {network.ipv4.gateway}; ip -6 route add default via {network.ipv6.gateway}")
    assert is_refused(web, outside, "192.0.2.1") and is_refused(web, outside, "2001:db8::1")


def lan(outside: Box) -> None:
    """A network that the machine has its way out by, with a neighbour on it."""
    shell(f"ip link add uplink type veth peer name wire netns {outside.pid}")
    shell("ip addr add 192.0.2.5/24 dev uplink; ip -6 addr add 2001:db8::5/64 dev uplink nodad; ip link set uplink up")
    outside.run("ip addr add 192.0.2.1/24 dev wire; ip -6 addr add 2001:db8::1/64 dev wire nodad; ip link set wire up")
    shell("ip route add default via 192.0.2.1; ip -6 route add default via 2001:db8::1")


# What is done to bridges by others


async def test_a_bridge_that_is_deleted_under_containers_comes_back_with_them(box: Boxes, engine_on: Maker) -> None:
    networks, web, client = engine_on(), box(), box()
    bridge = await made(networks, "one")
    (endpoint,) = await connected(networks, web, 1, "one")
    await connected(networks, client, 2, "one")
    shell(f"ip link del {bridge}")
    await networks.ensure("one")
    assert reaches(client, web, endpoint.address) and reaches(client, web, endpoint.address6)


async def test_a_subnet_that_is_taken_under_living_containers_is_not_exchanged(box: Boxes, engine_on: Maker) -> None:
    networks, web = engine_on(), box()
    bridge = await made(networks, "one")
    await connected(networks, web, 1, "one")
    shell(f"ip link del {bridge}; ip link add vpn type bridge; ip addr add 10.89.0.99/24 dev vpn; ip link set vpn up")
    with pytest.raises(Conflict, match=r"10\.89\.0\.0/24 overlaps with 10\.89\.0\.0/24, which this"):
        await networks.ensure("one")


async def test_a_subnet_that_a_person_has_named_is_not_exchanged(machine: None, engine_on: Maker) -> None:
    networks = engine_on()
    bridge = await made(networks, "one", "10.77.0.0/24")
    shell(f"ip link del {bridge}; ip link add vpn type bridge; ip addr add 10.77.0.99/16 dev vpn; ip link set vpn up")
    with pytest.raises(Conflict, match=r"10\.77\.0\.0/24 overlaps with 10\.77\.0\.0/16"):
        await networks.ensure("one")


async def test_the_host_sees_whose_an_interface_is(box: Boxes, engine_on: Maker) -> None:
    networks, web = engine_on(), box()
    bridge = await made(networks, "one")
    (endpoint,) = await connected(networks, web, 1, "one")
    shown = shell(f"ip link show {endpoint.host_interface}; ip link show {bridge}")
    assert "alias boxdeck box-1 eth0 on one" in shown and "alias boxdeck network one" in shown


async def test_a_strangers_device_with_an_interfaces_name_is_not_touched(box: Boxes, engine_on: Maker) -> None:
    networks, web = engine_on(), box()
    await made(networks, "one")
    endpoint = networks.lease(add_container(networks, 1), Attachment(network="one"))
    shell(f"ip link add {endpoint.host_interface} type bridge")
    before = shell("ip -br link")
    with pytest.raises(OSError, match=r"there is a device .* already, which isn't ours"):
        web.apply(await networks.plan([endpoint]))
    assert shell("ip -br link") == before


async def test_an_interface_that_cannot_be_finished_does_not_stay(box: Boxes, engine_on: Maker) -> None:
    networks, web = engine_on(), box()
    await made(networks, "one")
    plan = await networks.plan([networks.lease(add_container(networks, 1), Attachment(network="one"))])
    (endpoint,) = plan.endpoints
    requests = (*endpoint.host_requests, encode.set_alias("nobody", "what the kernel refuses"))
    before = shell("ip -br link")
    with pytest.raises(OSError, match="No such device"):
        web.apply(NetworkPlan(endpoints=(replace(endpoint, host_requests=requests),)))
    await_true(lambda: shell("ip -br link") == before)
    assert "eth0" not in web.run("ip -br link")


async def test_of_several_interfaces_none_stays_when_one_cannot_be_made(box: Boxes, engine_on: Maker) -> None:
    networks, web = engine_on(), box()
    await made(networks, "one")
    await made(networks, "two")
    container_id = add_container(networks, 1)
    endpoints = [networks.lease(container_id, Attachment(network=name)) for name in ("one", "two")]
    web.run("ip link add eth1 type bridge")
    before = shell("ip -br link")
    with pytest.raises(FileExistsError):
        web.apply(await networks.plan(endpoints))
    assert shell("ip -br link") == before
    assert "eth0" not in web.run("ip -br link")


async def test_a_large_network_starts_where_it_should_and_is_leased_quickly(machine: None, engine_on: Maker) -> None:
    networks = engine_on()
    await made(networks, "wide", "10.64.0.0/12")
    with networks._database.transaction():
        taken = [networks.lease(add_container(networks, n), Attachment(network="wide")) for n in range(300)]
    assert taken[0].address == "10.64.0.2/12" and taken[-1].address == "10.64.1.45/12"
    assert len({end.address6 for end in taken}) == len({end.mac for end in taken}) == 300


async def test_whoever_gets_the_subnet_of_a_network_that_is_just_being_removed_is_guarded(
    machine: None, engine_on: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    remover, maker = engine_on(), engine_on()
    await made(remover, "old", "10.77.0.0/24", "fd77::/64")
    take_down = bridge.remove

    def slowly(name: str) -> None:
        time.sleep(0.3)
        take_down(name)

    monkeypatch.setattr(bridge, "remove", slowly)
    removal = asyncio.create_task(remover.remove("old"))
    while records.named(maker._database, "old") is not None:
        await asyncio.sleep(0.01)
    await made(maker, "new", "10.77.0.0/24", "fd77::/64")
    await removal
    assert maker.firewall.differences() == []


async def test_pruning_passes_over_what_is_used_or_gone_by_then(
    machine: None, engine_on: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    networks = engine_on()
    for name in ("gone", "unused", "used"):
        await made(networks, name)
    connected_to = Attachment(network="used")
    users_of = records.users_of

    def just_before(database: Database, network: Network) -> list[tuple[str, str]]:
        found = users_of(database, network)
        if network.name == "used" and not found and to_come:
            to_come.clear()
            networks.lease(add_container(networks, 1), connected_to)
            records.delete(database, records.find(database, "gone"))
        return found

    to_come = [True]
    monkeypatch.setattr(records, "users_of", just_before)
    assert [network.name for network in await networks.prune()] == ["unused"]
