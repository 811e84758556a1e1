"""Containers are put on networks and taken off them, whether they run or not, and what is cut short is undone."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest

from engine import Engine
from engine.errors import BoxdeckError, Conflict, InvalidRequest, NotFound
from engine.linux import namespaces
from engine.locks import ContainerLock
from engine.model import Attachment, Container, ContainerRequest, ExecRequest, NetworkRequest
from engine.network import interface, wiring
from engine.network.port_notation import published
from engine.strays import Strays
from tests.command_line import eventually

PATIENCE_SECONDS = 20.0


@pytest.fixture
async def wired(engine: Engine) -> AsyncIterator[Engine]:
    """An engine with two networks besides the default one; they are removed after the test."""
    for name in ("one", "two"):
        await engine.networks.create(NetworkRequest(name=name))
    yield engine
    for container in await engine.containers.list(all_states=True):
        await engine.containers.remove(container.id, force=True)
    await engine.networks.prune()


async def sleeper(engine: Engine, network: str = "one", **options: object) -> Container:
    request = ContainerRequest(image="base", command=("sleep", "1000"), network=network, **options)  # type: ignore[arg-type]
    return await engine.containers.run(request)


async def inside(engine: Engine, container: Container, command: str) -> str:
    """What a shell command prints in a container."""
    session = await engine.containers.exec(container.id, ExecRequest(argv=("sh", "-c", command)))
    printed = b""
    while (chunk := await session.read()) is not None:
        printed += chunk.data
    assert await session.wait() == 0, printed
    return printed.decode()


async def devices(engine: Engine, container: Container) -> list[str]:
    """Names and addresses of the interfaces in a container, but for those that every device has."""
    lines = (await inside(engine, container, "ip -br addr")).splitlines()
    words = [[word for word in line.split() if not word.startswith("fe80:")] for line in lines]
    return [f"{line[0].partition('@')[0]} {' '.join(line[2:])}".strip() for line in words if line[0] != "lo"]


async def ways_out(engine: Engine, container: Container) -> list[str]:
    printed = await inside(engine, container, "ip route show default; ip -6 route show default")
    return [line.split()[2] for line in printed.splitlines()]


async def test_a_running_container_is_connected_and_disconnected_at_once(wired: Engine) -> None:
    container = await sleeper(wired)
    endpoint = await wired.networks.connect("two", container.name, Attachment(network="two", aliases=("web",)))
    container = await wired.containers.get(container.id)
    first = container.endpoints[0]
    assert [end.network for end in container.endpoints] == ["one", "two"] and container.endpoints[1] == endpoint
    assert endpoint.aliases == ("web",)
    assert await devices(wired, container) == [
        f"eth0 {first.address} {first.address6}",
        f"eth1 {endpoint.address} {endpoint.address6}",
    ]
    assert await ways_out(wired, container) == [first.gateway, first.gateway6]
    hosts = await inside(wired, container, "cat /etc/hosts")
    assert f"{endpoint.address.partition('/')[0]}\t{container.short_id}" in hosts

    await wired.networks.disconnect("one", container.name)
    container = await wired.containers.get(container.id)
    assert container.endpoints == (endpoint,)
    assert await devices(wired, container) == [f"eth1 {endpoint.address} {endpoint.address6}"]
    assert await ways_out(wired, container) == [endpoint.gateway, endpoint.gateway6]
    assert first.address.partition("/")[0] not in await inside(wired, container, "cat /etc/hosts")
    assert interface.index_of(first.host_interface) is None

    await wired.networks.disconnect("two", container.name)
    assert await devices(wired, container) == [] and await ways_out(wired, container) == []


async def test_places_are_kept_over_a_restart(wired: Engine) -> None:
    container = await sleeper(wired)
    await wired.networks.connect("two", container.name)
    await wired.networks.disconnect("one", container.name)
    again = await wired.networks.connect("one", container.name)
    assert again.container_interface == "eth0"
    before = (await wired.containers.get(container.id)).endpoints
    container = await wired.containers.restart(container.id, 0)
    assert container.endpoints == before and len(before) == 2
    assert await devices(wired, container) == [
        f"{end.container_interface} {end.address} {end.address6}" for end in before
    ]


async def test_a_stopped_container_finds_itself_connected_when_it_starts(wired: Engine) -> None:
    request = ContainerRequest(image="base", command=("sleep", "1000"), network="none")
    container = await wired.containers.create(request)
    endpoint = await wired.networks.connect("two", container.id, Attachment(network="two", mac="02:42:aa:00:00:09"))
    assert interface.index_of(endpoint.host_interface) is None
    container = await wired.containers.start(container.id)
    assert await devices(wired, container) == [f"eth0 {endpoint.address} {endpoint.address6}"]
    assert await inside(wired, container, "cat /sys/class/net/eth0/address") == "02:42:aa:00:00:09\n"
    await wired.containers.stop(container.id, 0)
    await wired.networks.disconnect("two", container.id)
    container = await wired.containers.start(container.id)
    assert await devices(wired, container) == []


async def test_what_cannot_be_connected_is_refused_and_nothing_changes(wired: Engine) -> None:
    container = await sleeper(wired)
    guest = await sleeper(wired, network=f"container:{container.name}")
    host = await sleeper(wired, network="host", userns="host")
    refused = [
        ("one", container.name, {}, Conflict, "is on the network one already"),
        ("two", guest.name, {}, Conflict, "has no network of its own"),
        ("two", host.name, {}, Conflict, "has no network of its own (--network host)"),
        ("three", container.name, {}, NotFound, "there is no network 'three'"),
        ("two", "nobody", {}, NotFound, "there is no container 'nobody'"),
        ("two", container.name, {"ip": "192.0.2.9"}, InvalidRequest, "192.0.2.9 is no address of two"),
        ("two", container.name, {"mac": "ff:ff:ff:ff:ff:ff"}, InvalidRequest, "can't be a device's hardware address"),
    ]
    for network, name, wish, kind, words in refused:
        with pytest.raises(kind) as info:
            await wired.networks.connect(network, name, Attachment(network=network, **wish))  # type: ignore[arg-type]
        assert words in str(info.value)
    with pytest.raises(Conflict, match="isn't on the network two"):
        await wired.networks.disconnect("two", container.name)
    assert (await wired.containers.get(container.id)).endpoints == container.endpoints
    assert await wired.networks.members("two") == ()


async def test_an_interface_that_the_container_has_already_is_not_replaced(wired: Engine) -> None:
    container = await sleeper(wired, userns="host")
    pid = container.pid
    subprocess.run(["nsenter", "-t", str(pid), "-n", "ip", "link", "add", "eth1", "type", "bridge"], check=True)
    with pytest.raises(Exception, match="can't be connected to two"):
        await wired.networks.connect("two", container.name)
    assert (await wired.containers.get(container.id)).endpoints == container.endpoints
    assert await wired.networks.members("two") == ()


async def test_a_strangers_device_with_an_interfaces_name_is_told_in_one_sentence(wired: Engine) -> None:
    container = await wired.containers.create(ContainerRequest(image="base", command=("sleep", "1000")))
    name = wired.paths.veth_name(container.id)
    subprocess.run(["ip", "link", "add", name, "type", "bridge"], check=True)
    try:
        with pytest.raises(BoxdeckError) as info:
            await wired.containers.start(container.id)
        cause = f"the container's network can't be made (there is a device {name} on the host already, which isn't"
        assert str(info.value) == f"{cause} ours): remove it with: ip link del {name}"
        assert not (await wired.containers.get(container.id)).is_running
    finally:
        subprocess.run(["ip", "link", "del", name], check=True)
    assert (await wired.containers.start(container.id)).is_running
    name = wired.paths.veth_name(container.id, 1)
    subprocess.run(["ip", "link", "add", name, "type", "bridge"], check=True)
    try:
        with pytest.raises(BoxdeckError) as info:
            await wired.networks.connect("two", container.name)
        cause = f"{container.name} can't be connected to two (there is a device {name} on the host already, which isn't"
        assert str(info.value) == f"{cause} ours): remove it with: ip link del {name}"
    finally:
        subprocess.run(["ip", "link", "del", name], check=True)
    assert (await wired.networks.connect("two", container.name)).host_interface == name


async def test_published_ports_follow_a_container_from_network_to_network(wired: Engine) -> None:
    container = await sleeper(wired, ports=published("127.0.0.1::8080"))
    home = os.open(f"/proc/{container.pid}/ns/net", os.O_RDONLY)
    with namespaces.entered(home, "net"):
        server = socket.create_server(("0.0.0.0", 8080))
    os.close(home)
    threading.Thread(target=_greet, args=(server,), daemon=True).start()
    (port,) = container.ports
    for leave, join in (("one", "two"), ("two", "one")):
        await wired.networks.connect(join, container.id)
        await wired.networks.disconnect(leave, container.id)
        assert await settled(lambda: _greeting(port.host_port) == b"hello\n")
    await wired.networks.disconnect("one", container.id)
    assert _greeting(port.host_port) == b""
    server.shutdown(socket.SHUT_RDWR)
    server.close()


def _greet(server: socket.socket) -> None:
    with suppress(OSError):
        while True:
            with server.accept()[0] as connection:
                connection.sendall(b"hello\n")


def _greeting(port: int) -> bytes:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as client:
            return client.recv(64)
    except OSError:
        return b""


async def test_members_of_a_network_are_told_with_their_names(wired: Engine) -> None:
    first = await sleeper(wired, attachments=(Attachment(network="one", aliases=("db", "sql")),))
    second = await wired.containers.create(ContainerRequest(image="base", network="one"))
    members = await wired.networks.members("one")
    assert [(found, end.aliases) for found, end in members] == [(first.id, ("db", "sql")), (second.id, ())]
    with pytest.raises(Conflict, match="the network one is used by"):
        await wired.networks.remove("one")


async def test_changes_are_events(wired: Engine) -> None:
    container = await sleeper(wired)
    await wired.networks.connect("two", container.name)
    await wired.networks.disconnect("two", container.name)
    told = [(event.action, event.name) for event in wired.latest_events(2)]
    assert told == [("connect", "two"), ("disconnect", "two")]
    assert all(event.detail == container.id and event.kind == "network" for event in wired.latest_events(2))


async def test_twenty_connections_at_once(wired: Engine) -> None:
    containers = [await sleeper(wired) for _ in range(4)]
    await asyncio.gather(*(wired.networks.connect("two", each.id) for each in containers))
    members = await wired.networks.members("two")
    assert len({end.address for _, end in members}) == len({end.mac for _, end in members}) == 4
    await asyncio.gather(*(wired.networks.disconnect("two", each.id) for each in containers))
    assert await wired.networks.members("two") == ()


# What is cut short


async def test_a_connection_that_was_never_written_down_is_undone(wired: Engine) -> None:
    container = await sleeper(wired)
    with wired.database.transaction():
        endpoint = wired.networks.lease(container.id, Attachment(network="two"))
    home = os.open(f"/proc/{container.pid}/ns/net", os.O_RDONLY)
    wiring.connect(home, await wired.networks.plan((endpoint,), settled=container.endpoints))
    os.close(home)
    Strays(wired.paths, wired.database).remove()
    assert interface.index_of(endpoint.host_interface) is None
    assert await wired.networks.members("two") == ()
    assert (await wired.containers.get(container.id)).endpoints == container.endpoints
    assert [line.split()[0] for line in await devices(wired, container)] == ["eth0"]


async def test_an_interface_that_should_have_been_taken_away_is(wired: Engine) -> None:
    container = await sleeper(wired)
    endpoint = await wired.networks.connect("two", container.name)
    with wired.database.transaction():
        wired.networks.give_back(container.id, await wired.networks.get("two"))
    Strays(wired.paths, wired.database).remove()
    assert interface.index_of(endpoint.host_interface) is None
    assert interface.index_of(container.endpoints[0].host_interface) is not None


async def test_a_bridge_of_no_network_is_taken_away_and_others_stay(wired: Engine) -> None:
    stray = wired.paths.network_bridge("0123456789")
    others = [network.bridge for network in await wired.networks.list()]
    subprocess.run(["ip", "link", "add", stray, "type", "bridge"], check=True)
    Strays(wired.paths, wired.database).remove()
    assert interface.index_of(stray) is None
    assert all(interface.index_of(name) is not None for name in others)


async def test_an_interface_that_somebody_else_holds_goes_with_its_container(wired: Engine) -> None:
    container = await sleeper(wired)
    name = container.endpoints[0].host_interface
    holder = subprocess.Popen(["nsenter", "-t", str(container.pid), "-n", "sleep", "1000"])
    try:
        home = os.stat("/proc/self/ns/net").st_ino
        assert await settled(lambda: os.stat(f"/proc/{holder.pid}/ns/net").st_ino != home)
        await wired.containers.stop(container.id, 0)
        assert interface.index_of(name) is not None  # the holder keeps it alive
        Strays(wired.paths, wired.database).remove()
        assert interface.index_of(name) is None
    finally:
        holder.kill()
        holder.wait()


async def test_nothing_is_taken_from_the_living(wired: Engine) -> None:
    containers = [await sleeper(wired) for _ in range(3)]
    for each in containers:
        await wired.networks.connect("two", each.id)
    before = [await devices(wired, each) for each in containers]
    for _ in range(3):
        Strays(wired.paths, wired.database).remove()
    assert [await devices(wired, each) for each in containers] == before
    assert all(len(each) == 2 for each in before)


async def test_whoever_is_killed_at_any_moment_leaves_nothing_half_made(wired: Engine) -> None:
    container = await sleeper(wired)
    program = f"""
import asyncio
from engine import Engine

async def main():
    async with Engine.open({str(wired.paths.root)!r}, {str(wired.paths.runroot)!r}) as engine:
        print("ready", flush=True)
        while True:
            await engine.networks.connect("two", {container.id!r})
            await engine.networks.disconnect("two", {container.id!r})

asyncio.run(main())
"""
    for turn in range(20):
        worker = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)
        assert worker.stdout is not None and worker.stdout.readline() == b"ready\n"
        await asyncio.sleep(0.05 + 0.011 * turn)
        worker.send_signal(signal.SIGKILL)
        worker.wait()
        worker.stdout.close()
        Strays(wired.paths, wired.database).remove()
        found = await wired.containers.get(container.id)
        shown = [f"{end.container_interface} {end.address} {end.address6}" for end in found.endpoints]
        assert await devices(wired, container) == shown
        if len(found.endpoints) > 1:
            await wired.networks.disconnect("two", container.id)


async def settled(condition: object) -> bool:
    assert callable(condition)
    return await asyncio.to_thread(eventually, condition, PATIENCE_SECONDS)


async def test_who_is_removed_before_his_turn_can_not_be_connected(wired: Engine) -> None:
    container = await wired.containers.create(ContainerRequest(image="base", command=("true",), network="one"))
    async with ContainerLock(wired.paths, container.id).held():
        connecting = asyncio.create_task(wired.networks.connect("two", container.id))
        await asyncio.sleep(0.1)
        await wired.containers._crew.removal.delete_locked(container.id)
    with pytest.raises(NotFound, match="no container"):
        await connecting
    assert await wired.networks.members("two") == ()
