"""Questions over real sockets: the test's own namespace plays the host, and boxes play containers."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from ipaddress import ip_address

import pytest

from engine.names import message, server
from engine.names.server import PORT, NameServer
from engine.names.zone import Member, Zone
from tests.engine.network.boxes import Box, shell

pytestmark = pytest.mark.alone

Boxes = Callable[[], Box]


OWN = "10.9.0.254"
PATIENCE_SECONDS = 20.0
WEB = Member(container_id="a", names=("web",), addresses=("10.9.0.2",))
PICKY = Member(container_id="b", names=("picky",), addresses=("10.9.0.3",), servers=("127.0.0.77",))


@asynccontextmanager
async def served(box: Box, servers: Sequence[str] = (), *zones: Zone) -> AsyncIterator[None]:
    """A name server in a box, whose other addresses play its neighbours."""
    box.run("ip link set lo up")
    for address in (OWN, "10.9.0.2", "10.9.0.3"):
        box.run(f"ip addr add {address}/24 dev lo")
    with box.inside():
        datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        datagrams.bind((OWN, PORT))
        listener = socket.create_server((OWN, PORT))
    found = zones or (Zone("one", (WEB, PICKY), set("abc")),)
    serving = NameServer(datagrams, listener, lambda _: found, lambda: servers)
    await serving.open()
    try:
        yield
    finally:
        serving.close()


async def ask(box: Box, name: str, kind: int = message.A, client: str = "10.9.0.2") -> tuple[int, list[str]]:
    """The code of an answer over UDP, and the addresses in it."""
    with box.inside():
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.bind((client, 0))
    with sock:
        sock.setblocking(False)
        sock.connect((OWN, PORT))
        query = message.query(name, kind, 7)
        await asyncio.get_running_loop().sock_sendall(sock, query)
        async with asyncio.timeout(PATIENCE_SECONDS):
            return read(await asyncio.get_running_loop().sock_recv(sock, 65535), query)


async def ask_by_connection(box: Box, *names: str) -> list[tuple[int, list[str]]]:
    """As `ask`, over TCP and one after the other on the same connection."""
    with box.inside():
        sock = socket.socket()
    with sock:
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, (OWN, PORT))
        reader, writer = await asyncio.open_connection(sock=sock)
        answers = []
        for name in names:
            query = message.query(name, message.A, 7)
            writer.write(struct.pack("!H", len(query)) + query)
            async with asyncio.timeout(PATIENCE_SECONDS):
                (length,) = struct.unpack("!H", await reader.readexactly(2))
                answers.append(read(await reader.readexactly(length), query))
        writer.close()
    return answers


def read(answer: bytes, query: bytes) -> tuple[int, list[str]]:
    """The code, and the addresses of the A records of an answer whose names are all pointers."""
    identity, flags, _, count = struct.unpack_from("!HHHH", answer)
    assert identity == 7 and flags & 0x8000
    data = answer[len(query) :]
    return flags & 0xF, [socket.inet_ntoa(data[16 * place + 12 : 16 * place + 16]) for place in range(count)]


@contextmanager
def upstream(address: str, answer_: str | int, limit: int = 65535) -> Iterator[list[str]]:
    """A name server of the host's, UDP and TCP, that has one answer to everything; what it was asked.

    Args:
        answer_: an address, or the code of an error.
        limit: of its answers over UDP, in bytes.
    """
    heard: list[str] = []
    datagrams, listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM), socket.create_server((address, PORT))
    datagrams.bind((address, PORT))

    def made(query: bytes, most: int = 65535) -> bytes:
        question = message.parse(query)
        assert question is not None
        heard.append(question.name)
        if isinstance(answer_, int):
            return message.refusal(query, question, answer_)
        return message.answer(query, question, [ip_address(answer_)], most)

    def answer_datagrams() -> None:
        with contextlib.suppress(OSError):
            while True:
                query, sender = datagrams.recvfrom(4096)
                if not query:
                    return
                datagrams.sendto(made(query, limit), sender)

    def answer_connections() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                with connection:
                    query = connection.recv(4096)[2:]
                    answer = made(query)
                    connection.sendall(struct.pack("!H", len(answer)) + answer)

    threads = [threading.Thread(target=each, daemon=True) for each in (answer_datagrams, answer_connections)]
    for thread in threads:
        thread.start()
    try:
        yield heard
    finally:
        for sock, thread in zip((datagrams, listener), threads, strict=True):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            thread.join(PATIENCE_SECONDS)  # until then it keeps the address, closed or not
            sock.close()


async def test_names_of_the_network_are_told_by_datagram_and_by_connection(box: Boxes) -> None:
    home = box()
    async with served(home):
        assert await ask(home, "web") == (0, ["10.9.0.2"])
        assert await ask(home, "web", message.AAAA) == (0, [])
        assert await ask_by_connection(home, "web", "picky") == [(0, ["10.9.0.2"]), (0, ["10.9.0.3"])]


async def test_all_else_is_asked_of_the_hosts_servers_on_loopback_too(box: Boxes) -> None:
    home = box()
    with upstream("127.0.0.53", "192.0.2.80") as heard:
        async with served(home, ["127.0.0.53"]):
            assert await ask(home, "example.org") == (0, ["192.0.2.80"])
            assert await ask_by_connection(home, "example.net") == [(0, ["192.0.2.80"])]
            await ask(home, "web")
    assert heard == ["example.org", "example.net"]  # what is ours is asked of nobody


async def test_a_container_with_servers_of_its_own_has_them_asked(box: Boxes) -> None:
    home = box()
    with upstream("127.0.0.53", "192.0.2.80"), upstream("127.0.0.77", "192.0.2.77"):
        async with served(home, ["127.0.0.53"]):
            assert await ask(home, "example.org", client="10.9.0.3") == (0, ["192.0.2.77"])
            assert await ask(home, "example.org", client="10.9.0.2") == (0, ["192.0.2.80"])


async def test_a_server_that_is_silent_is_passed_over(box: Boxes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "_PATIENCE_SECONDS", 0.3)
    home = box()
    shell("ip addr add 192.0.2.9/32 dev lo")
    deaf = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    deaf.bind(("192.0.2.9", PORT))
    with deaf, upstream("127.0.0.53", "192.0.2.80"):
        async with served(home, ["192.0.2.9", "127.0.0.54", "127.0.0.53"]):
            assert await ask(home, "example.org") == (0, ["192.0.2.80"])


@pytest.mark.parametrize("code", [message.SERVER_FAILURE, message.NOT_IMPLEMENTED, message.REFUSED])
async def test_a_server_that_refuses_is_passed_over_as_glibc_does(box: Boxes, code: int) -> None:
    home = box()
    with upstream("127.0.0.52", code), upstream("127.0.0.53", "192.0.2.80"):
        async with served(home, ["127.0.0.52", "127.0.0.53"]):
            assert await ask(home, "example.org") == (0, ["192.0.2.80"])
            assert await ask_by_connection(home, "example.org") == [(0, ["192.0.2.80"])]
    with upstream("127.0.0.52", code), upstream("127.0.0.53", message.NO_SUCH_NAME) as heard:
        home = box()
        async with served(home, ["127.0.0.53", "127.0.0.52"]):
            assert await ask(home, "example.org") == (message.NO_SUCH_NAME, [])  # which is an answer
    assert heard == ["example.org"]


async def test_where_all_refuse_the_first_ones_word_is_passed_on(box: Boxes) -> None:
    home = box()
    with upstream("127.0.0.52", message.REFUSED), upstream("127.0.0.53", message.SERVER_FAILURE):
        async with served(home, ["127.0.0.52", "127.0.0.53"]):
            assert await ask(home, "example.org") == (message.REFUSED, [])


async def test_what_is_cut_off_over_udp_is_whole_over_tcp(box: Boxes) -> None:
    """Of the host's servers, and of names that many containers have."""
    home = box()
    many = [Member(container_id=f"c{n}", names=("many",), addresses=(f"10.9.1.{n}",)) for n in range(100)]
    zone = Zone("one", many, {member.container_id for member in many})
    with upstream("127.0.0.53", "192.0.2.80", limit=20):
        async with served(home, ["127.0.0.53"], zone):
            for name, expected in (("example.org", {"192.0.2.80"}), ("many", {m.addresses[0] for m in many})):
                whole = await asyncio.to_thread(home.run, f"dig +noedns +short @{OWN} {name}")
                assert set(whole.split()) == expected
                cut = await asyncio.to_thread(home.run, f"dig +noedns +ignore @{OWN} {name}")
                assert " tc " in cut.replace(";", " ")


async def test_a_name_whose_container_stands_still_is_asked_of_nobody(box: Boxes) -> None:
    home, living = box(), {"b"}
    dotted = Member(container_id="d", names=("db.example.org",), addresses=("10.9.0.9",))
    with upstream("127.0.0.53", "192.0.2.80") as heard:
        async with served(home, ["127.0.0.53"], Zone("one", (WEB, PICKY, dotted), living)):
            for name in ("web", "WEB.one", "2.0.9.10.in-addr.arpa"):
                assert await ask(home, name) == (message.NO_SUCH_NAME, [])
            assert await ask(home, "db.example.org") == (0, ["192.0.2.80"])  # it may be one of the world's
            living.add("a")
            assert await ask(home, "web") == (0, ["10.9.0.2"])
    assert heard == ["db.example.org"]


async def test_dig_finds_nothing_amiss(box: Boxes) -> None:
    home = box()
    async with served(home):
        said = await asyncio.to_thread(
            home.run, f"dig @{OWN} web; dig @{OWN} -x 10.9.0.2; dig @{OWN} -c CH version TXT"
        )
    forward, reverse, other = said.split("<<>> DiG")[1:]
    assert "status: NOERROR" in forward and "EDNS: version: 0" in forward and "web.\t\t\t0\tIN\tA\t10.9.0.2" in forward
    assert "PTR\tweb.one." in reverse and "status: NOTIMP" in other
    assert "WARNING" not in forward + reverse and "malformed" not in said.lower()


async def test_where_nobody_answers_that_is_said(box: Boxes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "_PATIENCE_SECONDS", 0.3)
    home = box()
    async with served(home, ["127.0.0.54"]):
        assert await ask(home, "example.org") == (message.SERVER_FAILURE, [])


async def test_without_a_way_out_other_names_are_unknown(box: Boxes) -> None:
    home = box()
    async with served(home):
        assert await ask(home, "example.org") == (message.NO_SUCH_NAME, [])


async def test_names_of_further_networks_are_known_after_those_of_this_one(box: Boxes) -> None:
    home = box()
    other = Member(container_id="c", names=("web", "far"), addresses=("10.10.0.2",))
    zones = (Zone("one", (WEB,), set("abc")), Zone("two", (other,), set("abc")))
    async with served(home, (), *zones):
        assert await ask(home, "web") == (0, ["10.9.0.2"]) and await ask(home, "far") == (0, ["10.10.0.2"])


async def test_nonsense_neither_ends_nor_stops_it(box: Boxes) -> None:
    home = box()
    async with served(home):
        with home.inside():
            sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            cut_off = socket.create_connection((OWN, PORT))
        with sock, cut_off:
            for data in (b"", b"\0", b"\xff" * 600, message.query("web", 1)[:15]):
                sock.sendto(data, (OWN, PORT))
            cut_off.sendall(b"\xff\xff" + b"x" * 100)
            assert await ask(home, "web") == (0, ["10.9.0.2"])


async def test_many_questions_at_once_are_all_answered(box: Boxes) -> None:
    home = box()
    with upstream("127.0.0.53", "192.0.2.80"):
        async with served(home, ["127.0.0.53"]):
            names = [name for number in range(50) for name in ("web", f"host{number}.example.org")]
            answers = await asyncio.gather(*(ask(home, name) for name in names))
    assert answers == [(0, ["10.9.0.2"]), (0, ["192.0.2.80"])] * 50
