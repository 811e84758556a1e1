"""What containers say to all their neighbours arrives; what a start alone would say to them doesn't."""

from __future__ import annotations

import asyncio
import os
import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from engine.linux import namespaces
from engine.network import switches
from engine.network.networks import Networks
from tests.engine.network.boxes import SETTLE_SECONDS, Box, add_container, await_true, shell
from tests.engine.network.neighbourhood import Member

_ETH_P_IPV6 = 0x86DD
_GROUP4, _GROUP6, _PORT = "224.0.0.251", "ff02::fb", 5353  # RFC 6762
_BRIDGED_PASS_FILTERS = Path("/proc/sys/net/bridge/bridge-nf-call-ip6tables")
_CROWD = 300
_LOOKUPS = 200

Maker = Callable[..., Networks]
Boxes = Callable[[], Box]


@pytest.fixture(params=["filtered", "not filtered"])
def bridged(machine: None, request: pytest.FixtureRequest) -> bool:
    """Whether bridged packets pass the rules for IPv6 (br_netfilter), which differs from machine to machine."""
    if not _BRIDGED_PASS_FILTERS.exists():
        pytest.skip("this kernel has no br_netfilter")
    switches.write(_BRIDGED_PASS_FILTERS, str(int(request.param == "filtered")))
    return bool(request.param == "filtered")


async def member(networks: Networks, box: Box, number: int) -> Member:
    """Put a box on the network as a container would be."""
    await networks.ensure()
    endpoint = networks.lease(add_container(networks, number))
    box.apply(await networks.plan([endpoint]))
    await_true(lambda: "state forwarding" in shell(f"bridge link show dev {endpoint.host_interface}"))
    return Member(box, endpoint)


async def test_containers_hear_each_others_multicasts(bridged: bool, box: Boxes, engine_on: Maker) -> None:
    networks = engine_on()
    speaker, listener = [await member(networks, box(), number) for number in (1, 2)]
    with _ear(listener.box, _GROUP4) as ear4, _ear(listener.box, _GROUP6) as ear6, speaker.box.inside():
        for family, group, ear in ((socket.AF_INET, _GROUP4, ear4), (socket.AF_INET6, _GROUP6, ear6)):
            with socket.socket(family, socket.SOCK_DGRAM) as mouth:
                scope = (0, socket.if_nametoindex("eth0")) if family == socket.AF_INET6 else ()
                mouth.sendto(b"who is there?", (group, _PORT, *scope))
            assert ear.recv(100) == b"who is there?"


async def test_a_neighbour_is_found_anew_after_its_hardware_address_has_changed(
    bridged: bool, box: Boxes, engine_on: Maker
) -> None:
    networks = engine_on()
    client, server = [await member(networks, box(), number) for number in (1, 2)]
    _require_reachable(client, server.ipv6)
    server.box.run("ip link set eth0 address 02:42:ac:00:00:77")
    client.box.run("ip -6 neigh flush dev eth0")
    _require_reachable(client, server.ipv6)
    assert "02:42:ac:00:00:77" in client.box.run(f"ip -6 neigh show {server.ipv6} dev eth0")


async def test_an_address_that_somebody_adds_in_a_container_is_found(
    bridged: bool, box: Boxes, engine_on: Maker
) -> None:
    networks = engine_on()
    client, server = [await member(networks, box(), number) for number in (1, 2)]
    further = f"{server.ipv6.rpartition('::')[0]}::77"
    server.box.run(f"ip addr add {further}/64 dev eth0 nodad")
    _require_reachable(client, further)


async def test_a_duplicate_of_an_address_is_detected(bridged: bool, box: Boxes, engine_on: Maker) -> None:
    networks = engine_on()
    owner, other = [await member(networks, box(), number) for number in (1, 2)]
    other.box.run("sysctl -qw net.ipv6.conf.eth0.accept_dad=1")
    other.box.run(f"ip addr add {owner.ipv6}/64 dev eth0")
    await_true(lambda: "dadfailed" in other.box.run("ip -6 addr show dev eth0"))


async def test_neighbours_hear_nothing_of_a_start_but_of_groups_that_are_joined_later(
    bridged: bool, box: Boxes, engine_on: Maker
) -> None:
    networks = engine_on()
    neighbour = await member(networks, box(), 1)
    with _frames(neighbour.box) as heard:
        newcomer = await member(networks, box(), 2)
        await asyncio.sleep(1)
        said = _from(newcomer.endpoint.mac, heard)
        assert len(said) <= (0 if bridged else 2), said  # which groups its own addresses make it listen to
        with _ear(newcomer.box, _GROUP6):
            await_true(
                lambda: any(
                    socket.inet_pton(socket.AF_INET6, _GROUP6) in f for f in _from(newcomer.endpoint.mac, heard)
                )
            )


async def test_the_hosts_end_of_an_interface_says_nothing(box: Boxes, engine_on: Maker) -> None:
    web = await member(engine_on(), box(), 1)
    name = web.endpoint.host_interface
    mac = shell(f"ip -br link show {name}").split()[2]
    with _frames(web.box) as heard:
        await asyncio.sleep(2.5)  # a question for routers comes within a second, and again after four
        assert not _from(mac, heard)
    assert not shell(f"ip -6 addr show dev {name}")
    assert name not in shell("ip -6 route show table all")


@pytest.mark.alone
async def test_settings_in_many_containers_make_no_lookup_on_the_host_slower(machine: None) -> None:
    """In one procfs the kernel goes through the entries of all network namespaces that anything was looked up in."""
    home, held = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC), []
    before = _lookup_seconds()
    try:
        for _ in range(_CROWD):
            namespaces.unshare(namespaces.CLONE_NEWNET)
            held.append(os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC))
            switches.write_elsewhere("/proc/sys/net/ipv6/conf/lo/accept_ra", "0")
        assert Path("/proc/thread-self/net/if_inet6").exists()
        assert _read_here("/proc/sys/net/ipv6/conf/lo/accept_ra") == "0"
        namespaces.setns(home, namespaces.CLONE_NEWNET)
        assert _lookup_seconds() < 4 * before
    finally:
        namespaces.setns(home, namespaces.CLONE_NEWNET)
        for namespace in (*held, home):
            os.close(namespace)


def _lookup_seconds() -> float:
    """How long opening a setting takes at best."""
    best = 1.0
    for _ in range(_LOOKUPS):
        begun = time.perf_counter()
        os.close(os.open("/proc/sys/net/ipv6/conf/all/forwarding", os.O_RDONLY | os.O_CLOEXEC))
        best = min(best, time.perf_counter() - begun)
    return best


def _read_here(path: str) -> str:
    return Path(path).read_text().strip()


def _require_reachable(client: Member, address: str) -> None:
    assert " 0% packet loss" in client.box.run(f"ping -6 -c 1 -w {SETTLE_SECONDS:.0f} {address}")


@contextmanager
def _ear(box: Box, group: str) -> Iterator[socket.socket]:
    """What is sent to a group on eth0."""
    family = socket.AF_INET6 if ":" in group else socket.AF_INET
    with box.inside():
        ear, index = socket.socket(family, socket.SOCK_DGRAM), socket.if_nametoindex("eth0")
    with ear:
        ear.settimeout(SETTLE_SECONDS)
        ear.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        ear.bind(("", _PORT))
        packed = socket.inet_pton(family, group)
        if family == socket.AF_INET6:
            ear.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, packed + struct.pack("=I", index))
        else:
            ear.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, struct.pack("=4s4si", packed, b"", index))
        yield ear


@contextmanager
def _frames(box: Box) -> Iterator[socket.socket]:
    """All frames of IPv6 that come in at eth0."""
    with box.inside():
        heard = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETH_P_IPV6))
    with heard:
        heard.bind(("eth0", _ETH_P_IPV6))
        heard.setblocking(False)
        yield heard


def _from(mac: str, heard: socket.socket) -> list[bytes]:
    """Those frames that have come meanwhile from a hardware address."""
    sender, found = bytes.fromhex(mac.replace(":", "")), []
    while True:
        try:
            frame = heard.recv(2048)
        except BlockingIOError:
            return found
        if frame[6:12] == sender:
            found.append(frame)
