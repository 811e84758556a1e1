"""Containers find each other by name, for programs that look into files first (getent) and for those that ask DNS."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from pathlib import Path

import pytest

from engine import Engine, etc_files
from engine.linux import namespaces
from engine.model import Attachment, Container, ContainerRequest, ExecRequest, NetworkRequest
from engine.names import message
from engine.names.service import NAME
from tests.engine.network.boxes import shell

pytestmark = pytest.mark.alone

PATIENCE_SECONDS = 30.0
NGINX = Path("build/peers/nginx/usr/sbin/nginx").absolute()


@pytest.fixture
async def named(engine: Engine) -> AsyncIterator[Engine]:
    """An engine with two networks besides the default one; they are removed after the test."""
    for name in ("one", "two"):
        await engine.networks.create(NetworkRequest(name=name))
    yield engine
    for container in await engine.containers.list(all_states=True):
        await engine.containers.remove(container.id, force=True)
    await engine.networks.prune()


async def sleeper(engine: Engine, name: str, *networks: str, **options: object) -> Container:
    wishes = tuple(Attachment(network=each, aliases=(f"{name}-alias",)) for each in networks)
    request = ContainerRequest(
        image="base",
        name=name,
        command=("sleep", "1000"),
        network=networks[0],
        attachments=wishes,
        **options,  # type: ignore[arg-type]
    )
    return await engine.containers.run(request)


async def inside(engine: Engine, container: Container, *argv: str) -> tuple[int, str]:
    """Exit status and output of a command in a container."""
    session = await engine.containers.exec(container.id, ExecRequest(argv=argv))
    printed = b""
    while (chunk := await session.read()) is not None:
        printed += chunk.data
    return await session.wait(), printed.decode()


async def look_up(engine: Engine, asker: Container, name: str, kind: str = "ahosts") -> set[str]:
    """Addresses of a name, or none."""
    _, printed = await inside(engine, asker, "getent", kind, name)
    return {line.split()[0] for line in printed.splitlines()}


async def until(engine: Engine, asker: Container, name: str, expected: set[str]) -> bool:
    """Whether a name comes to mean something: who serves it has to be started first."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while await look_up(engine, asker, name) != expected:
            await asyncio.sleep(0.05)
    return True


def addresses(container: Container, place: int = 0) -> set[str]:
    endpoint = container.endpoints[place]
    return {address.partition("/")[0] for address in (endpoint.address, endpoint.address6)}


@contextmanager
def in_network_of(container: Container) -> Iterator[None]:
    """Sockets made here are the container's."""
    home = os.open(f"/proc/{container.pid}/ns/net", os.O_RDONLY)
    try:
        with namespaces.entered(home, "net"):
            yield
    finally:
        os.close(home)


def asked(container: Container, name: str, kind: int) -> bytes:
    """What a container is answered by DNS."""
    with in_network_of(container):
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with sock:
        sock.settimeout(PATIENCE_SECONDS)
        sock.sendto(message.query(name, kind), (container.endpoints[0].name_server, 53))
        return sock.recv(4096)


def servers(engine: Engine) -> list[int]:
    """Processes that serve this root's names."""
    found = []
    for pid in filter(str.isdecimal, os.listdir("/proc")):
        try:
            is_one = Path(f"/proc/{pid}/comm").read_text().strip() == NAME
            if is_one and str(engine.paths.runroot) in Path(f"/proc/{pid}/cmdline").read_text():
                found.append(int(pid))
        except OSError:
            continue
    return found


async def test_containers_find_each_other_by_name_alias_and_short_id(named: Engine) -> None:
    web, client = await sleeper(named, "web", "one"), await sleeper(named, "client", "one")
    assert await until(named, client, "web", addresses(web))
    for name in ("web-alias", web.short_id, "WEB", "web.one"):
        assert await look_up(named, client, name) == addresses(web)
    drawn = {bridge.network: bridge for bridge in (await named.topology()).bridges}["one"]
    shown = {(port.container_name, (port.address or "").partition("/")[0]) for port in drawn.ports}
    assert ("(names)", web.endpoints[0].name_server) in shown and len(shown) == 3
    assert await look_up(named, client, "web", "ahostsv4") == {min(addresses(web), key=len)}
    for address in addresses(web):
        assert (await inside(named, client, "getent", "hosts", address))[1].split()[-1] == "web.one"
    for kind, address in zip((message.A, message.AAAA), sorted(addresses(web), key=len), strict=True):
        assert asked(client, "web", kind).endswith(ip_address(address).packed)
        assert asked(client, ip_address(address).reverse_pointer, message.PTR).endswith(b"\3web\3one\0")


@pytest.mark.skipif(shutil.which("dig") is None, reason="dig isn't installed: apt-get install bind9-dnsutils")
async def test_dig_is_told_all_names_forward_and_reverse(named: Engine) -> None:
    web, client = await sleeper(named, "web", "one"), await sleeper(named, "client", "one")
    assert await until(named, client, "web", addresses(web))
    four, six = sorted(addresses(web), key=len)
    questions = (
        *((words, four) for words in ("web", "web A", "web-alias A", "WEB.one A", f"{web.short_id} A", "+tcp web A")),
        *((f"{name} AAAA", six) for name in ("web", "web-alias", web.short_id, "+tcp web.one")),
        *((f"-x {address}", "web.one.") for address in (four, six)),
        ("web MX", ""),
        ("web-alias TXT", ""),
    )
    digging = f"dig @{client.endpoints[0].name_server} +short "
    with in_network_of(client):
        said = shell("; echo =; ".join(digging + words for words, _ in questions))
    assert [part.strip() for part in said.split("=\n")] == [answer for _, answer in questions]
    await named.containers.stop("web", 0)
    with in_network_of(client):
        server = client.endpoints[0].name_server
        gone = shell("; ".join(f"dig @{server} {words}" for words in ("web", f"-x {four}", web.short_id)))
    assert gone.count("status: NXDOMAIN") == 3


@pytest.mark.skipif(not NGINX.exists(), reason="nginx isn't installed: run .ci/setup peers")
async def test_nginx_finds_who_starts_after_it(named: Engine, tmp_path: Path) -> None:
    front, web = await sleeper(named, "front", "one"), await sleeper(named, "web", "one")
    await named.containers.stop("web", 0)
    assert await until(named, front, "front-alias", addresses(front))
    (tmp_path / "nginx.conf").write_text(_NGINX_CONF.format(folder=tmp_path, server=front.endpoints[0].name_server))
    with in_network_of(front):
        nginx = subprocess.Popen([NGINX, "-p", tmp_path, "-c", tmp_path / "nginx.conf", "-e", tmp_path / "errors"])
    try:
        assert await asyncio.to_thread(_fetched, front) == b"502"
        web = await named.containers.start("web")
        with in_network_of(web):
            served = socket.create_server(("::", 80), family=socket.AF_INET6, dualstack_ipv6=True)
        with served:
            threading.Thread(target=_greet_once, args=(served,), daemon=True).start()
            assert await asyncio.to_thread(_fetched, front) == b"200"
    finally:
        nginx.terminate()
        nginx.wait()


_NGINX_CONF = """
daemon off; master_process off; user root; pid {folder}/pid; error_log {folder}/errors;
events {{}}
http {{
    access_log off; resolver {server};
    client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder}; uwsgi_temp_path {folder};
    scgi_temp_path {folder};
    server {{ listen 127.0.0.1:8080; set $name web; location / {{ proxy_pass http://$name/; }} }}
}}
"""


def _fetched(container: Container) -> bytes:
    """The status of an answer of the nginx in a container's network."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        with in_network_of(container):
            client = socket.socket()
        with client:
            try:
                client.connect(("127.0.0.1", 8080))
            except ConnectionRefusedError:  # it is about to listen
                time.sleep(0.05)
                continue
            client.sendall(b"GET / HTTP/1.0\r\n\r\n")
            return client.recv(100).split()[1]
    return b"nobody"


def _greet_once(server: socket.socket) -> None:
    connection, _ = server.accept()
    with connection:
        connection.recv(4096)
        connection.sendall(b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi")


async def test_who_starts_is_found_at_once_and_who_stops_no_longer(named: Engine) -> None:
    client = await sleeper(named, "client", "one")
    assert await until(named, client, "client-alias", addresses(client))  # names are served from now on
    web = await sleeper(named, "web", "one")
    assert await look_up(named, client, "web") == addresses(web)
    await named.containers.stop(web.id, 0)
    assert await look_up(named, client, "web") == set()
    web = await named.containers.start(web.id)
    assert await look_up(named, client, "web") == addresses(web)
    await named.networks.disconnect("one", "web")
    assert await look_up(named, client, "web") == set()
    await named.networks.connect("one", "web", Attachment(network="one", aliases=("www",)))
    web = await named.containers.get("web")
    assert await look_up(named, client, "www") == addresses(web)
    await named.containers.remove("web", force=True)
    assert await look_up(named, client, "www") == set()


async def test_names_are_those_of_the_networks_that_a_container_is_on(named: Engine) -> None:
    front = await sleeper(named, "front", "one")
    middle = await sleeper(named, "middle", "one", "two")
    back = await sleeper(named, "back", "two")
    assert await until(named, middle, "front", addresses(front))
    assert await until(named, middle, "back", addresses(back))
    assert await until(named, back, "middle", addresses(middle, 1))
    assert await look_up(named, front, "middle") == addresses(middle)
    assert await look_up(named, front, "back") == set()


async def test_where_addresses_of_ipv4_are_few_names_are_asked_by_ipv6(named: Engine) -> None:
    subnet = (await named.networks.get("one")).subnets[0].subnet.partition("/")[0]
    await named.networks.remove("one")
    await named.networks.create(NetworkRequest(name="one", subnets=(f"{subnet}/29",)))
    web, client = await sleeper(named, "web", "one"), await sleeper(named, "client", "one")
    assert ":" in web.endpoints[0].name_server
    assert await until(named, client, "web", addresses(web))


async def test_a_shared_alias_is_all_who_have_it(named: Engine) -> None:
    wish = (Attachment(network="one", aliases=("pool",)),)
    request = ContainerRequest(image="base", command=("sleep", "1000"), network="one", attachments=wish)
    pool = [await named.containers.run(request) for _ in range(3)]
    assert await until(named, pool[0], "pool", set().union(*(addresses(each) for each in pool)))


async def test_nobody_listens_on_the_host_and_a_container_may_serve_names_itself(named: Engine) -> None:
    web = await sleeper(named, "web", "one")
    assert await until(named, web, "web-alias", addresses(web))
    listening = subprocess.run(["ss", "-Hlnptu"], capture_output=True, text=True, check=True).stdout
    assert NAME not in listening
    assert web.endpoints[0].name_server not in listening
    with in_network_of(web):
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
            with socket.socket(socket.AF_INET, kind) as own:
                own.bind(("0.0.0.0", 53))


async def test_a_container_with_servers_of_its_own_still_finds_its_neighbours(named: Engine) -> None:
    web = await sleeper(named, "web", "one")
    picky = await sleeper(named, "picky", "one", dns=("192.0.2.53",), dns_search=("example.org",))
    assert await until(named, picky, "web", addresses(web))
    _, printed = await inside(named, picky, "cat", "/etc/resolv.conf")
    assert printed.splitlines()[0] == f"nameserver {picky.endpoints[0].name_server}"
    assert "search example.org" in printed and "192.0.2.53" not in printed


async def test_it_is_served_while_somebody_lives_and_by_one_alone(named: Engine) -> None:
    pair = [await sleeper(named, name, "one") for name in ("web", "client")]
    assert await until(named, pair[1], "web", addresses(pair[0]))
    (first,) = servers(named)
    os.kill(first, signal.SIGKILL)  # any of our processes may be
    async with asyncio.timeout(PATIENCE_SECONDS):
        while servers(named) in ([], [first]):
            await asyncio.sleep(0.02)
    assert await until(named, pair[1], "web", addresses(pair[0]))  # though nobody has started anything
    third = await sleeper(named, "third", "two")
    assert await until(named, third, "third", addresses(third))
    (second,) = servers(named)
    assert second != first
    await sleeper(named, "other", "bridge")  # with whom there is a recorder
    for each in (*pair, third):
        await named.containers.remove(each.id, force=True)
    async with asyncio.timeout(PATIENCE_SECONDS):
        while servers(named) or any(name.startswith(f"bdn{named.paths.tag}") for name in os.listdir("/sys/class/net")):
            await asyncio.sleep(0.1)
    await asyncio.sleep(2.5)
    assert servers(named) == []


async def test_the_default_network_has_the_hosts_servers(named: Engine) -> None:
    container = await sleeper(named, "web", "bridge")
    assert servers(named) == []
    host = Path("/etc/resolv.conf").read_text()
    _, printed = await inside(named, container, "cat", "/etc/resolv.conf")
    assert all(line in host for line in printed.splitlines())


async def test_where_the_hosts_servers_are_on_loopback_alone_the_default_network_is_served_too(
    named: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "resolv.conf").write_text("nameserver 127.0.0.1\n")
    monkeypatch.setattr(etc_files, "_HOSTS_RESOLVER", tmp_path / "resolv.conf")
    monkeypatch.setattr(etc_files, "_BEHIND_SYSTEMD", tmp_path / "none")
    web = await sleeper(named, "web", "bridge")
    _, printed = await inside(named, web, "cat", "/etc/resolv.conf")
    assert printed.splitlines()[0] == f"nameserver {web.endpoints[0].name_server}"
    assert await until(named, web, "web-alias", addresses(web))
