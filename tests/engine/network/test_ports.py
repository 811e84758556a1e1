"""Published ports with real traffic: from the host, from containers, from outside, and from where they aren't."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from engine.model import NetworkRequest
from engine.network import conntrack, hairpin, loopback_way, port_mappings, port_notation
from tests.engine.network.boxes import Box, shell
from tests.engine.network.neighbourhood import (
    HOST4,
    HOST6,
    NEIGHBOUR4,
    NEIGHBOUR6,
    SERVED,
    Neighbourhood,
    answering,
    ask,
    sctp_arrives,
    sctp_strays,
)

PORT = 8080
HOSTS = ((HOST4, NEIGHBOUR4), (HOST6, NEIGHBOUR6))
ANYWHERE = (("0.0.0.0", PORT), ("::", PORT))


@pytest.mark.parametrize("protocol", ["tcp", "udp"])
async def test_a_published_port_is_reached_from_outside_under_the_neighbours_own_address(
    around: Neighbourhood, protocol: str
) -> None:
    web = await around.member()
    around.publish(web, *ANYWHERE, protocol=protocol)
    for host, neighbour in HOSTS:
        assert ask(around.neighbour, host, PORT, protocol) == neighbour
    assert answering((around.neighbour,), [(host, SERVED) for host, _ in HOSTS], protocol) == []


@pytest.mark.parametrize("protocol", ["tcp", "udp"])
async def test_the_host_itself_reaches_it_by_all_its_addresses(around: Neighbourhood, protocol: str) -> None:
    web = await around.member()
    loopback_way.lead_ipv4(web.endpoint.bridge)
    assert loopback_way.lead_ipv6(web.endpoint.bridge)
    around.publish(web, *ANYWHERE, ("::1", PORT), protocol=protocol)
    for address in (HOST4, "127.0.0.1", "127.0.0.9", web.endpoint.gateway, HOST6, "::1", web.endpoint.gateway6):
        assert ask(None, address, PORT, protocol), address


@pytest.mark.parametrize("protocol", ["tcp", "udp"])
async def test_containers_reach_it_by_the_hosts_addresses(around: Neighbourhood, protocol: str) -> None:
    await around.networks.create(NetworkRequest(name="other"))
    web, beside, elsewhere = await around.member(), await around.member(), await around.member("other")
    around.publish(web, *ANYWHERE, protocol=protocol)
    for member in (beside, elsewhere):
        for address in (HOST4, member.endpoint.gateway, HOST6, member.endpoint.gateway6):
            assert ask(member.box, address, PORT, protocol), (member.endpoint.network, address)


@pytest.mark.parametrize("filtered", ["0", "1"])
async def test_a_container_reaches_itself_by_the_host(around: Neighbourhood, filtered: str) -> None:
    """Also where bridged packets pass iptables and ip6tables, as docker has it."""
    for switch in (Path(f"/proc/sys/net/bridge/bridge-nf-call-{name}") for name in ("iptables", "ip6tables")):
        if filtered == "1" and not switch.exists():
            pytest.skip("this kernel has no br_netfilter")
        if switch.exists():
            switch.write_text(filtered)
    web = await around.member()
    for protocol in ("tcp", "udp", "sctp"):
        around.publish(web, *ANYWHERE, protocol=protocol)
    hairpin.let(web.endpoint.host_interface)
    for address, gateway in ((HOST4, web.endpoint.gateway), (HOST6, web.endpoint.gateway6)):
        for protocol in ("tcp", "udp"):
            assert ask(web.box, address, PORT, protocol) == gateway, (address, protocol)
        assert sctp_arrives(web.box, web.box, address, PORT), address


async def test_sctp_is_led_to_the_container_from_everywhere(around: Neighbourhood) -> None:
    await around.networks.create(NetworkRequest(name="other"))
    web, beside, elsewhere = await around.member(), await around.member(), await around.member("other")
    loopback_way.lead_ipv4(web.endpoint.bridge)
    around.publish(web, *ANYWHERE, protocol="sctp")
    for sender in (around.neighbour, beside.box, elsewhere.box, None):
        for address in (HOST4, HOST6):
            assert sctp_arrives(sender, web.box, address, PORT), address
    for sender in (beside.box, None):
        assert sctp_arrives(sender, web.box, web.endpoint.gateway, PORT)


async def test_sctp_is_led_nowhere_from_where_it_is_not_published(around: Neighbourhood) -> None:
    await around.networks.create(NetworkRequest(name="other"))
    web, elsewhere = await around.member(), await around.member("other")
    around.publish(web, (HOST4, PORT), protocol="sctp")
    assert sctp_arrives(around.neighbour, web.box, HOST4, PORT)
    assert sctp_arrives(elsewhere.box, web.box, HOST4, PORT)
    places = [
        (address, port) for address in (web.ipv4, web.ipv6, HOST6, web.endpoint.gateway) for port in (PORT, SERVED)
    ]
    assert sctp_strays((around.neighbour, elsewhere.box), web.box, places) == 0


@pytest.mark.parametrize("protocol", ["tcp", "udp"])
async def test_a_range_leads_port_by_port_from_everywhere(around: Neighbourhood, protocol: str) -> None:
    web, beside = await around.member(), await around.member()
    for port in (81, 82, 83):
        around.serve(web.box, protocol, port, answer=f"port {port}")
    way = port_mappings.way_to((web.endpoint,))
    ports = port_notation.published(f"8081-8083:81-83/{protocol}")
    around.networks.firewall.publish(port_mappings.mappings(ports, way, loopback6=False))
    for asker in (around.neighbour, beside.box, None):
        for address in (HOST4, HOST6):
            told = [ask(asker, address, port, protocol) for port in (8081, 8082, 8083)]
            assert told == ["port 81", "port 82", "port 83"], address


async def test_a_port_at_one_address_is_at_no_other(around: Neighbourhood) -> None:
    shell("ip addr add 192.0.2.6/24 dev uplink; ip addr add 2001:db8::6/64 dev uplink nodad")
    web = await around.member()
    around.publish(web, ("192.0.2.6", PORT), ("2001:db8::6", PORT))
    for address in ("192.0.2.6", "2001:db8::6"):
        assert ask(around.neighbour, address, PORT)
    places = [(address, PORT) for address in (HOST4, HOST6, web.endpoint.gateway)]
    assert answering((around.neighbour,), places, "tcp") == []


async def test_a_port_of_the_loopback_is_the_hosts_alone(around: Neighbourhood) -> None:
    web, beside = await around.member(), await around.member()
    loopback_way.lead_ipv4(web.endpoint.bridge)
    assert loopback_way.lead_ipv6(web.endpoint.bridge)
    for protocol in ("tcp", "udp"):
        around.publish(web, ("127.0.0.1", PORT), ("::1", PORT), protocol=protocol)
        for address in ("127.0.0.1", "::1"):
            assert ask(None, address, PORT, protocol)
    places = [(address, PORT) for address in (HOST4, HOST6, web.endpoint.gateway)]
    for protocol in ("tcp", "udp"):
        assert answering((around.neighbour, beside.box), places, protocol) == []


async def test_a_neighbour_who_routes_to_the_hosts_loopback_is_not_heard(around: Neighbourhood) -> None:
    web = await around.member()
    loopback_way.lead_ipv4(web.endpoint.bridge)
    around.publish(web, ("127.0.0.1", PORT), ("0.0.0.0", 8081))
    assert ask(None, "127.0.0.1", PORT)
    _route_loopback_to_the_host(around.neighbour, f"via {HOST4}")
    assert ask(around.neighbour, HOST4, 8081)
    assert answering((around.neighbour,), [("127.0.0.1", port) for port in (PORT, 8081)], "tcp") == []


async def test_a_container_does_not_reach_services_on_the_hosts_loopback(around: Neighbourhood) -> None:
    """CVE-2020-8558: the bridge has route_localnet, and a container sends to 127.0.0.1 by its gateway."""
    web = await around.member()
    loopback_way.lead_ipv4(web.endpoint.bridge)
    _route_loopback_to_the_host(web.box, f"via {web.endpoint.gateway}")
    with socket.create_server(("127.0.0.1", 7000)) as secret, socket.create_server((HOST4, 7000)) as public:
        with web.box.inside():
            client = socket.socket()
        with client:
            client.connect((HOST4, 7000))
            public.accept()[0].close()
        with web.box.inside():
            client = socket.socket()
        with client:
            client.settimeout(0.7)
            with pytest.raises(TimeoutError):
                client.connect(("127.0.0.1", 7000))
        secret.settimeout(0.1)
        with pytest.raises(TimeoutError):
            secret.accept()


def _route_loopback_to_the_host(box: Box, way: str) -> None:
    """As an attacker would: 127.0.0.1 isn't its own any more."""
    device = box.run("ip -br link").replace("@", " ").split("\n")[1].split()[0]
    box.run(f"echo 1 > /proc/sys/net/ipv4/conf/{device}/route_localnet")
    source = box.run(f"ip -br -4 addr show {device}").split()[2].partition("/")[0]
    box.run(f"ip route add 127.0.0.1 {way} src {source} table 7; ip rule add pref 1 to 127.0.0.1 lookup 7")
    box.run("ip rule add pref 5 lookup local; ip rule del pref 0")


async def test_nobody_routes_straight_to_a_container(around: Neighbourhood) -> None:
    await around.networks.create(NetworkRequest(name="other"))
    web, elsewhere = await around.member(), await around.member("other")
    around.publish(web, *ANYWHERE)
    assert ask(around.neighbour, HOST4, PORT) and ask(around.neighbour, HOST6, PORT)
    assert answering((around.neighbour,), [(HOST4, PORT), (HOST6, PORT)], "tcp") == [(HOST4, PORT), (HOST6, PORT)]
    places = [(address, port) for address in (web.ipv4, web.ipv6) for port in (SERVED, PORT)]
    for protocol in ("tcp", "udp"):
        assert answering((around.neighbour, elsewhere.box), places, protocol) == []


async def test_containers_reach_the_outside_and_their_own_network(around: Neighbourhood) -> None:
    web, beside = await around.member(), await around.member()
    with around.neighbour.inside():
        server4 = socket.create_server((NEIGHBOUR4, 8080))
        server6 = socket.create_server((NEIGHBOUR6, 8080), family=socket.AF_INET6)
    with server4, server6:
        for server, host in ((server4, HOST4), (server6, HOST6)):
            with web.box.inside():
                client = socket.socket(server.family)
            with client:
                client.settimeout(10)
                client.connect(server.getsockname()[:2])
                connection, peer = server.accept()
                connection.close()
                assert peer[0] == host
    assert ask(beside.box, web.ipv4, SERVED) == beside.ipv4
    assert ask(beside.box, web.ipv6, SERVED) == beside.ipv6


async def test_an_internal_network_has_no_way_out_and_none_in(around: Neighbourhood) -> None:
    await around.networks.create(NetworkRequest(name="inner", internal=True))
    web = await around.member()
    inner, beside = await around.member("inner"), await around.member("inner")
    around.publish(web, *ANYWHERE)
    inner.box.run(f"ip route add default via {_bridge_address(inner.endpoint.bridge)}")
    assert ask(beside.box, inner.ipv4, SERVED) == beside.ipv4
    assert ask(around.neighbour, HOST4, PORT) == NEIGHBOUR4
    assert answering((inner.box,), [(HOST4, PORT), (web.ipv4, SERVED)], "tcp") == []
    assert answering((around.neighbour, web.box), [(inner.ipv4, SERVED)], "tcp") == []


def _bridge_address(bridge: str) -> str:
    return shell(f"ip -br -4 addr show {bridge}").split()[2].partition("/")[0]


async def test_a_withdrawn_port_is_closed_for_those_who_use_it(around: Neighbourhood) -> None:
    web = await around.member()
    mappings = around.publish(web, ("0.0.0.0", PORT), protocol="udp")
    with around.neighbour.inside():
        client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with client:
        client.connect((HOST4, PORT))
        assert _echo(client)
        around.networks.firewall.withdraw(mappings)
        assert _echo(client)  # the kernel remembers the way
        assert conntrack.forget("udp", {PORT}, 4, lambda flow: flow.answering_address == web.ipv4) >= 1
        assert not _echo(client)


async def test_only_the_flows_that_are_meant_are_forgotten(around: Neighbourhood) -> None:
    web, other = await around.member(), await around.member()
    around.publish(web, ("0.0.0.0", PORT), protocol="udp")
    around.publish(other, ("0.0.0.0", 8081), protocol="udp")
    assert ask(around.neighbour, HOST4, PORT, "udp") and ask(around.neighbour, HOST4, 8081, "udp")
    assert conntrack.forget("udp", {PORT}, 4, lambda flow: flow.answering_address == other.ipv4) == 0
    assert conntrack.forget("tcp", {PORT}, 4, lambda flow: True) == 0
    seen: list[conntrack.Flow] = []
    assert conntrack.forget("udp", {PORT}, 4, lambda flow: not seen.append(flow)) == 1  # type: ignore[func-returns-value]
    assert (seen[0].destination, seen[0].port) == (HOST4, PORT)
    assert (seen[0].destination, seen[0].answering_address, seen[0].answering_port) == (HOST4, web.ipv4, SERVED)
    assert conntrack.forget("udp", {PORT + 1, 8081}, 4, lambda flow: True) == 1


def _echo(client: socket.socket) -> bool:
    """Whether somebody answers, within several tries."""
    client.settimeout(0.3)
    for _ in range(4):
        try:
            client.send(b"anybody?")
            return bool(client.recv(100))
        except OSError:
            continue
    return False


async def test_a_thousand_ports_take_no_rule(around: Neighbourhood) -> None:
    web = await around.member()
    around.publish(web, ("0.0.0.0", PORT))
    table = around.networks._paths.table_name
    before = shell(f"nft -a list chain inet {table} publish")
    around.publish(web, *(("0.0.0.0", port) for port in range(20000, 21000)))
    assert shell(f"nft -a list chain inet {table} publish") == before
    assert ask(around.neighbour, HOST4, 20999) == NEIGHBOUR4
