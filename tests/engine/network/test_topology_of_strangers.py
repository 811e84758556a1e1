"""The map of a machine on which others have made links as well: docker's bridge, pairs by hand, vlans, tunnels."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from msgspec.structs import replace

from engine.model import Container, LinkEnd, NetworkDevice, NetworkSpace, Topology
from engine.network import watch
from engine.network.networks import Networks
from engine.network.topology import reader
from engine.network.topology.places import Place, Places, parse_control_group
from tests.engine.network.boxes import Box, shell
from tests.engine.network.test_topology import connected, endpoint_of, send_a_million_bytes

Maker = Callable[..., Networks]
Boxes = Callable[[], Box]


def space_of(topology: Topology, box: Box) -> NetworkSpace:
    found = topology.space(os.fstat(box.namespace).st_ino)
    assert found is not None
    return found


def device(space: NetworkSpace, name: str) -> NetworkDevice:
    return next(each for each in space.devices if each.name == name)


def end(space: NetworkSpace, name: str) -> LinkEnd:
    return LinkEnd(namespace=space.inode, index=device(space, name).index)


async def running(networks: Networks, box: Box, number: int) -> Container:
    return replace(await connected(networks, box, number), pid=box.pid)


async def test_dockers_bridge_a_pair_by_hand_and_ours_are_one_right_map(box: Boxes, engine_on: Maker) -> None:
    networks, web, dockers, left, right = engine_on(), box(), box(), box(), box()
    shell("ip link add wan type bridge; ip addr add 192.0.2.5/24 dev wan; ip link set wan up")
    shell("ip route add default via 192.0.2.1")
    ours = await running(networks, web, 1)
    shell("ip link add docker0 type bridge; ip addr add 172.17.0.1/16 dev docker0; ip link set docker0 up")
    shell(f"ip link add veth1 up master docker0 type veth peer name eth0 netns {dockers.pid}")
    dockers.run("ip addr add 172.17.0.2/16 dev eth0; ip link set eth0 up")
    left.run(f"ip link add name left0 type veth peer name right0 netns {right.pid}; ip link set left0 up mtu 1400")
    right.run("ip link set right0 up; ip addr add 10.1.2.3/24 dev right0")

    found = await networks.topology([ours])
    assert found.uplink is not None and found.uplink.interface == "wan" and found.uplinks == (found.uplink,)
    assert [(b.name, b.network) for b in found.bridges] == [
        (networks._paths.bridge_name, "bridge"), ("wan", ""), ("docker0", ""),
    ]  # fmt: skip
    (port,) = found.bridges[0].ports
    assert (port.container_name, port.container_id, port.container_interface) == ("box-1", ours.id, "eth0")
    (port,) = found.bridges[2].ports
    assert (port.host_interface, port.container_interface, port.address) == ("veth1", "eth0", "172.17.0.2/16")
    assert (port.container_name, port.container_id, port.state) == (f"sleep ({dockers.pid})", None, "up")
    assert space_of(found, web).container_names == ("box-1",) and space_of(found, web).holder == "box-1"

    one, other = space_of(found, left), space_of(found, right)
    assert (one.pid, one.command, one.holder) == (left.pid, "sleep", f"sleep ({left.pid})")
    assert device(one, "left0").peer == end(other, "right0") and device(other, "right0").peer == end(one, "left0")
    assert (device(one, "left0").mtu, device(other, "right0").addresses[0]) == (1400, "10.1.2.3/24")
    assert found.device(end(one, "left0")) == device(one, "left0")
    assert [(r.destination, r.gateway) for r in found.spaces[0].routes[:1]] == [("default", "192.0.2.1")]
    assert ("10.1.2.0/24", 4) in [(r.destination, r.version) for r in other.routes]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"0::/system.slice/docker-{'3f2a9c' * 10}abcd.scope", "docker 3f2a9c3f2a9c"),
        (f"4:memory:/docker/{'3f2a9c' * 10}abcd", "docker 3f2a9c3f2a9c"),
        (f"0::/machine.slice/libpod-{'ab' * 32}.scope/container", "podman abababababab"),
        (f"0::/kubepods.slice/cri-containerd-{'cd' * 32}.scope", "cri-containerd cdcdcdcdcdcd"),
        (f"3:pids:/boxdeck-7c8ed6/{'ef' * 32}", "boxdeck efefefefefef"),
        ("0::/user.slice/user-1000.slice/session-2.scope", ""),
    ],
)
def test_containers_of_other_programs_are_known_by_their_control_group(text: str, expected: str) -> None:
    assert parse_control_group(text) == expected


async def test_where_pairs_come_one_after_the_other_descriptors_are_looked_at_seldom(
    machine: None, engine_on: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    look, looks = Places.look, []

    def counted(self: Places, is_thorough: bool = False) -> dict[int, Place]:
        looks.append(is_thorough)
        return look(self, is_thorough)

    monkeypatch.setattr(Places, "look", counted)
    monkeypatch.setattr(reader, "_THOROUGH_SECONDS", 60)
    networks, held = engine_on(), []
    for number in range(4):
        hidden = Box()
        shell(f"ip link add left{number} type veth peer name eth0 netns {hidden.pid}")
        held.append(os.dup(hidden.namespace))  # we aren't looked at
        hidden.end()
        found = await networks.topology([])
        assert device(found.spaces[0], f"left{number}").peer is None
    assert looks.count(True) == 1
    for each in held:
        os.close(each)


async def test_two_pairs_with_the_same_indices_are_told_apart(box: Boxes, engine_on: Maker) -> None:
    """Every namespace counts its devices anew, so an index alone says nothing."""
    boxes = [box() for _ in range(4)]
    for near, far in ((boxes[0], boxes[1]), (boxes[2], boxes[3])):
        near.run(f"ip link add name pair index 77 type veth peer name pair index 77 netns {far.pid}")
    found = await engine_on().topology([])
    spaces = [space_of(found, each) for each in boxes]
    assert [device(each, "pair").peer for each in spaces] == [
        LinkEnd(namespace=spaces[place].inode, index=77) for place in (1, 0, 3, 2)
    ]


async def test_macvlans_and_tunnels_lead_to_what_they_go_through(box: Boxes, engine_on: Maker) -> None:
    inner = box()
    shell("ip link add lan type veth peer name far; ip link set lan up; ip link set far up")
    shell(f"ip link add link lan name mac0 netns {inner.pid} type macvlan mode bridge")
    shell("ip link add vx type vxlan id 42 local 192.0.2.1 remote 192.0.2.9 dstport 4789 dev lan")
    found = await engine_on().topology([])
    host, inside = found.spaces[0], space_of(found, inner)
    assert device(host, "lan").peer == end(host, "far") and device(host, "lan").is_pair
    vxlan, macvlan = device(host, "vx"), device(inside, "mac0")
    assert (macvlan.kind, macvlan.detail, macvlan.parent) == ("macvlan", "bridge", end(host, "lan"))
    assert (vxlan.kind, vxlan.detail) == ("vxlan", "vni 42 from 192.0.2.1 to 192.0.2.9")


@pytest.mark.parametrize(
    ("kind", "detail"),
    [
        ("vlan id 7", "vlan 7"),
        ("ipip local 192.0.2.1 remote 192.0.2.9", "from 192.0.2.1 to 192.0.2.9"),
        ("gre local 192.0.2.1 remote 192.0.2.9", "from 192.0.2.1 to 192.0.2.9"),
        ("geneve id 3 remote 192.0.2.9", "vni 3 to 192.0.2.9"),
        ("ipvlan mode l3", "l3"),
    ],
)
async def test_what_is_particular_to_a_kind_is_told(machine: None, engine_on: Maker, kind: str, detail: str) -> None:
    shell("ip link add lan type veth peer name far")
    try:
        shell(f"ip link add link lan name one type {kind}")
    except subprocess.CalledProcessError as error:
        pytest.skip(f"this kernel: {error.stderr.strip()}")
    made = device((await engine_on().topology([])).spaces[0], "one")
    assert (made.kind, made.detail) == (kind.partition(" ")[0], detail)
    assert made.kind not in ("vlan", "ipvlan") or made.parent is not None


@contextmanager
def mounted(box: Box, place: Path) -> Iterator[None]:
    place.touch()
    shell(f"mount --bind /proc/{box.pid}/ns/net {place}")
    try:
        yield
    finally:
        shell(f"umount --lazy {place}")  # somebody may be looking at it


async def test_namespaces_that_only_a_mount_or_a_descriptor_keeps_are_found(
    machine: None, engine_on: Maker, tmp_path: Path
) -> None:
    networks, named, held = engine_on(), Box(), Box()
    await networks.topology([])
    shell(f"ip link add to-held type veth peer name eth0 netns {held.pid}")
    keeper = subprocess.Popen(["sleep", "infinity"], pass_fds=(held.namespace,))
    inode = os.fstat(held.namespace).st_ino
    with mounted(named, tmp_path / "blue"):
        named_inode = os.fstat(named.namespace).st_ino
        named.end()
        held.end()
        try:
            async with asyncio.timeout(30):
                while (found := await networks.topology([])).space(inode) is None:
                    await asyncio.sleep(0.1)  # somebody else's pair was looked for just before
        finally:
            keeper.kill()
            keeper.wait()
    by_mount, by_descriptor = found.space(named_inode), found.space(inode)
    assert by_mount is not None and (by_mount.holder, by_mount.pid) == ("blue", None)
    assert by_descriptor is not None and by_descriptor.holder == f"sleep ({keeper.pid})"
    assert device(found.spaces[0], "to-held").peer == end(by_descriptor, "eth0")


async def test_rates_and_what_is_dropped_are_of_each_link(box: Boxes, engine_on: Maker) -> None:
    networks, sender, receiver = engine_on(), box(), box()
    containers = [await running(networks, sender, 1), await running(networks, receiver, 2)]
    assert (await networks.topology(containers)).bridges[0].ports[0].rates is None
    send_a_million_bytes(sender, receiver, endpoint_of(containers[1]).address.partition("/")[0])
    await asyncio.sleep(0.4)
    found = await networks.topology(containers)
    first, second = (port.rates for port in found.bridges[0].ports)
    assert first is not None and second is not None
    assert first.sent_bytes_per_second > 300_000 < second.received_bytes_per_second
    assert first.sent_packets_per_second > 10
    assert device(space_of(found, sender), "eth0").rates is not None


async def test_a_change_costs_no_look_at_what_has_not_changed(
    box: Boxes, engine_on: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "_FRESH_SECONDS", 60)
    networks, web, db = engine_on(), box(), box()
    containers = [await running(networks, web, 1), await running(networks, db, 2)]
    looks = networks._topology
    looks.forget({watch.HERE})
    for last in range(128, 133):
        before = await networks.topology(containers)
        web.run(f"ip addr add 192.0.2.{last}/32 dev lo")
        (number,) = (n for n, inode in looks._known[before.spaces[0].inode].numbers.items() if is_inode(web, inode))
        looks.forget({number})
        after = await networks.topology(containers)
        assert f"192.0.2.{last}/32" in device(space_of(after, web), "lo").addresses
        if space_of(after, db) is space_of(before, db):  # unless somebody on this machine has a new pair meanwhile
            break
    else:
        pytest.fail("everything was read again")
    looks.forget({watch.EVERYWHERE})
    assert space_of(await networks.topology(containers), db) is not space_of(before, db)


def is_inode(box: Box, inode: int) -> bool:
    return os.fstat(box.namespace).st_ino == inode


async def test_a_change_between_two_strangers_is_told_as_well(box: Boxes, engine_on: Maker) -> None:
    networks, left, right = engine_on(), box(), box()
    left.run(f"ip link add name left0 up type veth peer name right0 netns {right.pid}")
    right.run("ip link set right0 up")
    changes = networks.changes()
    pending = asyncio.ensure_future(anext(changes))
    await asyncio.sleep(0.05)
    shell("ip link add one type bridge")
    await pending
    assert device(space_of(await networks.topology([]), left), "left0").state == "up"
    right.run("ip link set right0 down")
    await asyncio.wait_for(anext(changes), 1)
    assert device(space_of(await networks.topology([]), left), "left0").state == "no carrier"


async def test_a_read_leaves_no_namespace_alive_and_the_thread_where_it_was(machine: None, engine_on: Maker) -> None:
    networks, guest = engine_on(), Box()
    shell(f"ip link add gone type veth peer name eth0 netns {guest.pid}")
    home = os.stat("/proc/thread-self/ns/net").st_ino
    before = await asyncio.to_thread(lambda: os.stat("/proc/thread-self/ns/net").st_ino)
    await networks.topology([])
    assert os.stat("/proc/thread-self/ns/net").st_ino == home
    assert await asyncio.to_thread(lambda: os.stat("/proc/thread-self/ns/net").st_ino) == before
    guest.end()
    for _ in range(100):
        if "gone" not in shell("ip link"):
            return
        await asyncio.sleep(0.02)
    pytest.fail("something keeps the namespace")
