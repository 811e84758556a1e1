"""Ports of the host's that lead to containers: from start to end, changed meanwhile, and left by the killed."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from engine import Engine, shims
from engine.errors import CommandNotFound, Conflict, InvalidRequest, NotFound
from engine.linux import namespaces
from engine.model import Container, ContainerRequest, PublishedPort
from engine.network import port_notation, port_table
from engine.runtime import protocol, status
from tests.engine.network.boxes import shell
from tests.free_ports import free_port

SLEEP = ("sleep", "1000")
PATIENCE_SECONDS = 15.0


def request(*texts: str, **further: object) -> ContainerRequest:
    ports = tuple(port for text in texts for port in port_notation.published(text))
    return ContainerRequest(image="base", command=SLEEP, ports=ports, **further)  # type: ignore[arg-type]


@contextmanager
def served(container: Container, port: int = 80) -> Iterator[None]:
    """A server on a port of a running container, which greets with its name."""
    namespace = os.open(f"/proc/{container.pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        with namespaces.entered(namespace, "net"):
            server = socket.create_server(("0.0.0.0", port))
    finally:
        os.close(namespace)
    threading.Thread(target=_greet, args=(server, container.name), daemon=True).start()
    with server:
        yield


def _greet(server: socket.socket, name: str) -> None:
    try:
        while True:
            with server.accept()[0] as connection:
                connection.sendall(name.encode())
    except OSError:
        return


def greeting(port: int, address: str = "127.0.0.1") -> str | None:
    """Who greets at a port of the host's; None where nobody is."""
    try:
        with socket.create_connection((address, port), timeout=PATIENCE_SECONDS) as connection:
            return connection.recv(100).decode()
    except OSError:
        return None


def is_free(port: int, kind: int = socket.SOCK_STREAM) -> bool:
    with socket.socket(socket.AF_INET, kind) as sock:
        try:
            sock.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def elements(engine: Engine) -> set[str]:
    """What leads to containers in the kernel, such as ``tcp . 8080 : 10.89.0.2 . 80``."""
    found: set[str] = set()
    for name in ("ports4", "everywhere4", "ports6", "everywhere6"):
        listing = shell(f"nft list map inet {engine.paths.table_name} {name} 2>/dev/null || true")
        inside = " ".join(listing.partition("elements = {")[2].partition("}")[0].split())
        found |= set(filter(None, inside.split(", ")))
    return found


def taken(engine: Engine) -> int:
    """How many elements the store knows of."""
    return len(port_table.every(engine.database))


async def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        await asyncio.sleep(0.02)


async def test_a_port_leads_to_its_container_for_as_long_as_that_runs(engine: Engine) -> None:
    port = free_port()
    container = await engine.containers.run(request(f"{port}:80"))
    with served(container):
        assert greeting(port) == container.name
    assert await engine.containers.ports.list(container.id)
    await engine.containers.kill(container.id)
    assert greeting(port) is None
    assert not elements(engine) and not taken(engine)
    assert await engine.containers.ports.list(container.id) == ()


async def test_nobody_else_can_have_the_port_meanwhile(engine: Engine) -> None:
    tcp, udp = free_port(), free_port(socket.SOCK_DGRAM)
    container = await engine.containers.run(request(f"{tcp}:80", f"{udp}:53/udp"))
    assert not is_free(tcp) and not is_free(udp, socket.SOCK_DGRAM)
    await engine.containers.kill(container.id)
    assert is_free(tcp) and is_free(udp, socket.SOCK_DGRAM)


async def test_a_port_of_another_program_is_refused_with_its_name(engine: Engine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        name = Path("/proc/self/comm").read_text().strip()
        with pytest.raises(Conflict, match=rf"port {port}/tcp of the host is in use by {name} \(pid {os.getpid()}\)"):
            await engine.containers.run(request(f"{free_port()}:81", f"{port}:80"))
    assert await engine.containers.list(all_states=True) == ()
    assert not elements(engine) and not taken(engine)


async def test_a_port_of_another_container_is_refused_with_its_name(engine: Engine) -> None:
    port = free_port()
    await engine.containers.run(request(f"127.0.0.1:{port}:80", name="first"))
    second = await engine.containers.create(request(f"{port}:80", name="second"))
    with pytest.raises(Conflict, match=f"port {port}/tcp of the host is in use by the container first"):
        await engine.containers.start(second.id)
    assert len(elements(engine)) == taken(engine) == 1
    await engine.containers.kill("first")
    await engine.containers.start(second.id)


async def test_an_address_that_the_host_has_not_got_is_refused(engine: Engine) -> None:
    with pytest.raises(Conflict, match=r"this machine has no address 203\.0\.113\.77"):
        await engine.containers.run(request("203.0.113.77:8080:80"))
    assert not elements(engine) and not taken(engine)


async def test_a_start_that_fails_gives_its_ports_back(engine: Engine) -> None:
    port = free_port()
    with pytest.raises(CommandNotFound):
        await engine.containers.run(
            ContainerRequest(image="base", command=("/no/such",), ports=port_notation.published(f"{port}:80"))
        )
    assert is_free(port) and not elements(engine) and not taken(engine)


async def test_ranges_lead_port_by_port(engine: Engine) -> None:
    container = await engine.containers.run(request("127.0.0.1:28000-28003:80-83"))
    assert container.endpoint is not None
    address = container.endpoint.address.partition("/")[0]
    assert sorted(elements(engine)) == [f"127.0.0.1 . tcp . {28000 + n} : {address} . {80 + n}" for n in range(4)]
    with served(container, 82):
        assert greeting(28002) == container.name


async def test_a_port_that_was_chosen_is_kept(engine: Engine) -> None:
    container = await engine.containers.run(request("80", "28010-28020:81"))
    ports = (await engine.containers.get(container.id)).ports
    assert ports[0].host_port and 28010 <= ports[1].host_port <= 28020
    await engine.containers.restart(container.id, timeout_seconds=0.1)
    assert (await engine.containers.get(container.id)).ports == ports


async def test_a_chosen_port_that_somebody_took_meanwhile_is_chosen_anew(engine: Engine) -> None:
    container = await engine.containers.run(request("80"))
    first = (await engine.containers.get(container.id)).ports[0].host_port
    await engine.containers.kill(container.id)
    with socket.create_server(("0.0.0.0", first)):
        await engine.containers.start(container.id)
        second = (await engine.containers.get(container.id)).ports[0].host_port
    assert second not in (0, first)


async def test_ports_come_and_go_while_it_runs_and_are_kept(engine: Engine) -> None:
    first, second = free_port(), free_port()
    container = await engine.containers.run(request(f"{first}:80", name="web"))
    with served(container):
        assert await engine.containers.ports.add("web", port_notation.published(f"127.0.0.1:{second}:80"))
        assert greeting(second) == greeting(first) == "web"
        assert not is_free(second)
        await engine.containers.ports.remove("web", port_notation.published(f"{first}:80"))
        assert greeting(first) is None and greeting(second) == "web"
        assert is_free(first)
    await engine.containers.restart("web", timeout_seconds=0.1)
    restarted = await engine.containers.get("web")
    with served(restarted):
        assert greeting(second) == "web" and greeting(first) is None
    await engine.containers.kill("web")
    assert not elements(engine) and not taken(engine) and is_free(second)


async def test_connections_through_a_withdrawn_port_end(engine: Engine) -> None:
    port = free_port()
    container = await engine.containers.run(request(f"{port}:80"))
    with ExitStack() as stack:
        namespace = os.open(f"/proc/{container.pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        stack.callback(os.close, namespace)
        with namespaces.entered(namespace, "net"):
            server = stack.enter_context(socket.create_server(("0.0.0.0", 80)))
        client = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS))
        connection = stack.enter_context(server.accept()[0])
        connection.sendall(b"before")
        assert client.recv(10) == b"before"
        await engine.containers.ports.remove(container.id, port_notation.published(f"{port}:80"))
        await until(lambda: not _still_sends(client))


def _still_sends(client: socket.socket) -> bool:
    try:
        client.sendall(b"after")
    except ConnectionError:
        return False
    return True


async def test_a_port_that_cannot_be_added_changes_nothing(engine: Engine) -> None:
    free = free_port()
    await engine.containers.run(request(name="web"))
    with socket.create_server(("0.0.0.0", 0)) as server:
        taken_port = server.getsockname()[1]
        wanted = port_notation.published(f"{free}:80") + port_notation.published(f"{taken_port}:80")
        with pytest.raises(Conflict):
            await engine.containers.ports.add("web", wanted)
    assert (await engine.containers.get("web")).ports == ()
    assert is_free(free) and not elements(engine) and not taken(engine)
    with pytest.raises(NotFound, match="web has no published port 80/tcp"):
        await engine.containers.ports.remove("web", port_notation.published("80"))


async def test_ports_of_a_container_that_stands_still_are_for_its_next_start(engine: Engine) -> None:
    port = free_port()
    container = await engine.containers.create(request(name="web"))
    await engine.containers.ports.add("web", port_notation.published(f"{port}:80"))
    assert is_free(port)
    await engine.containers.start("web")
    assert not is_free(port)
    await engine.containers.kill(container.id)
    await engine.containers.ports.remove("web", port_notation.published(f"{port}:80"))
    await engine.containers.start("web")
    assert is_free(port)


async def test_all_that_is_exposed_is_published_when_asked_for(engine: Engine) -> None:
    container = await engine.containers.run(request(publish_all=True, exposed_ports=("80", "53/udp")))
    ports = (await engine.containers.get(container.id)).ports
    assert [port.container_words for port in ports] == ["80/tcp", "53/udp"]
    assert all(port.host_port for port in ports)


async def test_without_a_network_of_its_own_there_is_nothing_to_publish(engine: Engine) -> None:
    with pytest.raises(InvalidRequest, match="ports can't be published with --network none"):
        await engine.containers.create(request("8080:80", network="none"))
    container = await engine.containers.create(request("8080:80", network="host"))
    assert container.ports == () and "the container's ports are the host's" in container.warnings[-1]


async def test_one_port_of_the_hosts_cannot_lead_to_two(engine: Engine) -> None:
    with pytest.raises(InvalidRequest, match="port 8080/tcp of the host would lead to two ports"):
        await engine.containers.create(request("8080:80", "8080:81"))
    with pytest.raises(InvalidRequest, match="port 8080/tcp of the host leads to 80/tcp already: name it once"):
        await engine.containers.create(request("8080:80", "8080:80"))


async def test_ports_lead_nowhere_while_a_container_is_on_no_network(engine: Engine) -> None:
    first, second = free_port(), free_port()
    container = await engine.containers.run(request(f"{first}:80", f"127.0.0.1:{second}:81"))
    assert {port.host_port for port in await engine.containers.ports.list(container.id)} == {first, second}
    await engine.networks.disconnect("bridge", container.id)
    assert await engine.containers.ports.list(container.id) == () and not elements(engine)
    await engine.networks.connect("bridge", container.id)
    assert {port.host_port for port in await engine.containers.ports.list(container.id)} == {first, second}
    assert elements(engine)


# What the killed leave


async def test_the_ports_of_a_killed_shim_are_taken_away_and_nobody_elses(engine: Engine) -> None:
    first, second = free_port(), free_port()
    victim = await engine.containers.run(request(f"{first}:80", name="victim"))
    other = await engine.containers.run(request(f"{second}:80", name="other"))
    shim = status.read(engine.paths.status(victim.id))
    assert shim is not None
    os.kill(shim.shim_pid, signal.SIGKILL)
    await until(lambda: not Path(f"/proc/{victim.pid}").exists())
    assert not (await engine.containers.get(victim.id)).is_running
    assert {element.split(" : ")[0] for element in elements(engine)} == {f"tcp . {second}"}
    assert is_free(first)
    with served(other):
        assert greeting(second) == "other"


async def test_a_killed_shims_port_can_be_had_by_the_next_container(engine: Engine) -> None:
    port = free_port()
    victim = await engine.containers.run(request(f"{port}:80"))
    shim = status.read(engine.paths.status(victim.id))
    assert shim is not None
    os.kill(shim.shim_pid, signal.SIGKILL)
    await until(lambda: is_free(port))
    heir = await engine.containers.run(request(f"{port}:80", name="heir"))
    with served(heir):
        assert greeting(port) == "heir"


async def test_an_unfinished_change_is_undone_by_the_next_engine(
    engine: Engine, engine_folders: tuple[str, str]
) -> None:
    """As an engine leaves it that is killed after the element and before the record."""
    first, second = free_port(), free_port()
    container = await engine.containers.run(request(f"{first}:80", name="web"))
    ports = engine.containers._ports
    further = PublishedPort(container_port=80, host_port=second)
    with ports.reserved(container, [further]) as (hold, _):
        await shims.ask(engine.paths.runtime(container.id), protocol.Reserve(), [hold.fileno()])
    ports.follow(_with(container, further))
    assert any(f"tcp . {second} " in element for element in elements(engine))
    async with Engine.open(*engine_folders):
        pass
    assert {element.split(" : ")[0] for element in elements(engine)} == {f"tcp . {first}"}
    await engine.containers.ports.add("web", [further])  # nor is its shim in the way
    with served(container):
        assert greeting(first) == greeting(second) == "web"


def _with(container: Container, port: PublishedPort) -> Container:
    from msgspec.structs import replace

    return replace(container, ports=(*container.ports, port))


async def test_a_flushed_ruleset_is_made_again_by_the_next_start_with_all_ports(engine: Engine) -> None:
    port = free_port()
    container = await engine.containers.run(request(f"{port}:80", name="web"))
    before = elements(engine)
    shell(f"nft delete table inet {engine.paths.table_name}")
    await engine.containers.run(request(name="another"))
    assert elements(engine) == before
    with served(container):
        assert greeting(port) == "web"


async def test_a_flushed_ruleset_does_not_open_the_hosts_loopback_to_containers(engine: Engine) -> None:
    """CVE-2020-8558, until the next start, which has published ports lead from 127.0.0.1 again."""
    port, table = free_port(), engine.paths.table_name
    web = await engine.containers.run(request(f"{port}:80", name="web"))
    await engine.containers.run(request(name="later"))
    assert web.endpoint is not None
    switch = Path(f"/proc/sys/net/ipv4/conf/{web.endpoint.bridge}/route_localnet")
    for _ in range(3):  # nobody is alarmed by what others do, nor by a table that is made anew
        await engine.containers.ports.add("later", port_notation.published(f"{port + 1}:80"))
        await engine.containers.ports.remove("later", port_notation.published(f"{port + 1}:80"))
    shell("nft add table inet bdk_stranger; nft delete table inet bdk_stranger")
    engine.networks.firewall.make_anew()
    with served(web):
        assert greeting(port) == "web" and switch.read_text() == "1\n"
    await engine.containers.kill("web")
    await engine.containers.start("web")
    shell(f"nft delete table inet {table}")
    await until(lambda: switch.read_text() == "0\n")
    await engine.containers.run(request(name="next"))
    web = await engine.containers.get("web")
    with served(web):
        assert greeting(port) == "web" and switch.read_text() == "1\n"
    await engine.containers.kill("web")
    await engine.containers.ports.add("later", port_notation.published(f"127.0.0.1:{port}:80"))
    shell(f"nft delete table inet {table}")
    await until(lambda: switch.read_text() == "0\n")


async def test_a_container_reaches_itself_and_others_by_the_host(engine: Engine) -> None:
    port = free_port()
    web = await engine.containers.run(request(f"{port}:80", name="web"))
    other = await engine.containers.run(request(name="other"))
    assert web.endpoint is not None
    with served(web):
        for container in (web, other):
            assert await asyncio.to_thread(_greeting_inside, container, web.endpoint.gateway, port) == "web"


def _greeting_inside(container: Container, address: str, port: int) -> str | None:
    namespace = os.open(f"/proc/{container.pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        with namespaces.entered(namespace, "net"):
            return greeting(port, address)
    finally:
        os.close(namespace)


async def test_a_flow_that_began_before_its_port_was_published_leads_to_the_container(engine: Engine) -> None:
    port = free_port(socket.SOCK_DGRAM)
    container = await engine.containers.run(request(name="web"))
    namespace = os.open(f"/proc/{container.pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    with ExitStack() as stack:
        stack.callback(os.close, namespace)
        with namespaces.entered(namespace, "net"):
            server = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        server.bind(("0.0.0.0", 53))
        server.setblocking(False)
        client = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        client.connect(("127.0.0.1", port))
        assert not _heard(client, server)
        await engine.containers.ports.add("web", port_notation.published(f"127.0.0.1:{port}:53/udp"))
        await until(lambda: _heard(client, server))
        await engine.containers.ports.remove("web", port_notation.published("53/udp"))
        while _heard(client, server):  # what was on its way
            await asyncio.sleep(0.02)
        assert not _heard(client, server)


def _heard(client: socket.socket, server: socket.socket) -> bool:
    try:
        client.send(b"anybody?")
        time.sleep(0.02)
        return bool(server.recv(100))
    except OSError:
        return False


async def test_thousands_of_ports_come_and_go(engine: Engine) -> None:
    container = await engine.containers.run(request("127.0.0.1:20000-23999:1-4000", name="web"))
    assert taken(engine) == 4000
    await engine.containers.ports.remove("web", port_notation.published("127.0.0.1:20000-23998:1-3999"))
    assert taken(engine) == 1 and is_free(20000) and not is_free(23999)
    await engine.containers.kill(container.id)
    assert not elements(engine) and is_free(23999)
