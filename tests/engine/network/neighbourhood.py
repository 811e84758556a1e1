"""A machine with networks, containers on them, a server in each, and a neighbour on its LAN."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack, suppress
from ipaddress import ip_address
from typing import NamedTuple

from engine.model import Attachment, Endpoint
from engine.network.networks import Networks
from engine.network.ruleset import PortMapping
from tests.engine.network.boxes import Box, add_container, shell

HOST4, HOST6 = "192.0.2.5", "2001:db8::5"
NEIGHBOUR4, NEIGHBOUR6 = "192.0.2.1", "2001:db8::1"
SERVED = 80
PATIENCE_SECONDS = 10.0
SILENCE_SECONDS = 0.7  # what hasn't been answered by then was dropped; a positive control beside it shows the way works

_KINDS = {"tcp": socket.SOCK_STREAM, "udp": socket.SOCK_DGRAM}
_SCTP = 132
_FAMILIES = (socket.AF_INET, socket.AF_INET6)


class Member(NamedTuple):
    """A container: its namespace and its place."""

    box: Box
    endpoint: Endpoint

    @property
    def ipv4(self) -> str:
        return self.endpoint.address.partition("/")[0]

    @property
    def ipv6(self) -> str:
        return self.endpoint.address6.partition("/")[0]


class Neighbourhood:
    """Made inside a network namespace of the test's (the fixture `machine`), which plays the host."""

    def __init__(self, networks: Networks, box: Callable[[], Box], stack: ExitStack) -> None:
        self.networks = networks
        self._box = box
        self._stack = stack
        self._numbers = iter(range(1, 100))
        # Frames between bridge ports pass ip6tables on some kernels, and answers to ::1 are lost there.
        shell("test ! -e /proc/sys/net/bridge || echo 0 > /proc/sys/net/bridge/bridge-nf-call-ip6tables")
        self.neighbour = box()
        shell(f"ip link add uplink type veth peer name wire netns {self.neighbour.pid}")
        shell(f"ip addr add {HOST4}/24 dev uplink; ip addr add {HOST6}/64 dev uplink nodad; ip link set uplink up")
        shell(f"ip route add default via {NEIGHBOUR4}; ip route add default via {NEIGHBOUR6}")
        self.neighbour.run(f"ip addr add {NEIGHBOUR4}/24 dev wire; ip addr add {NEIGHBOUR6}/64 dev wire nodad")
        self.neighbour.run("ip link set lo up; ip link set wire up")

    async def member(self, network: str = "bridge") -> Member:
        """A container on a network, with a server of TCP and UDP on port 80."""
        await self.networks.ensure(network)
        box = self._box()
        container_id = add_container(self.networks, next(self._numbers))
        with self.networks._database.transaction():
            endpoint = self.networks.lease(container_id, Attachment(network=network))
        box.apply(await self.networks.plan([endpoint]))
        box.run("ip link set lo up")
        for protocol in _KINDS:
            self.serve(box, protocol)
        self._lead_neighbour_to(endpoint)
        return Member(box, endpoint)

    def publish(self, member: Member, *places: tuple[str, int], protocol: str = "tcp") -> list[PortMapping]:
        """Have addresses and ports of the host lead to a member's server."""
        mappings = [
            PortMapping(
                host_address=ip_address(address),
                host_port=port,
                protocol=protocol,
                container_address=ip_address(member.ipv6 if ":" in address else member.ipv4),
                container_port=SERVED,
            )
            for address, port in places
        ]
        self.networks.firewall.publish(mappings)
        return mappings

    def _lead_neighbour_to(self, endpoint: Endpoint) -> None:
        """The neighbour knows the way to the containers, as one on the same LAN can."""
        self.neighbour.run(f"ip route replace {endpoint.address.partition('/')[0]} via {HOST4}")
        if endpoint.address6:
            self.neighbour.run(f"ip route replace {endpoint.address6.partition('/')[0]} via {HOST6}")

    def serve(self, box: Box, protocol: str, port: int = SERVED, answer: str = "") -> None:
        """A server in a box, which answers with that, or with the client's address."""
        kind = _KINDS[protocol]
        with box.inside():
            server = socket.socket(socket.AF_INET6, kind)
        self._stack.callback(server.close)
        server.bind(("::", port))
        if kind == socket.SOCK_STREAM:
            server.listen()
        threading.Thread(target=_answer_all, args=(server, kind, answer), daemon=True).start()


def ask(box: Box | None, address: str, port: int, protocol: str = "tcp", is_silent: bool = False) -> str | None:
    """What a server answers, which is the client's address as it sees it; None when nobody does.

    Args:
        box: who asks; None for the host.
        is_silent: no answer is expected, so that it is not waited for long.
    """
    deadline = time.monotonic() + (SILENCE_SECONDS if is_silent else PATIENCE_SECONDS)
    while time.monotonic() < deadline:
        with ExitStack() as stack:
            if box is not None:
                stack.enter_context(box.inside())
            client = socket.socket(_family(address), _KINDS[protocol])
        answer = _asked(client, (address, port), protocol, SILENCE_SECONDS if is_silent else 2.0)
        if answer is not None or is_silent:
            return answer
        time.sleep(0.05)
    return None


def answering(boxes: Iterable[Box], places: Sequence[tuple[str, int]], protocol: str) -> list[tuple[str, int]]:
    """The addresses and ports from which any of several boxes is answered; they ask all at once."""
    with ExitStack() as stack:
        clients = []
        for box in boxes:
            with box.inside():
                clients += [(stack.enter_context(socket.socket(_family(p[0]), _KINDS[protocol])), p) for p in places]
        for client, place in clients:
            client.setblocking(False)
            with suppress(OSError):  # among them the news that the answer isn't there yet
                client.connect(place)
            with suppress(OSError):
                client.send(b"who am I?" if protocol == "udp" else b"")
        time.sleep(SILENCE_SECONDS)
        return [place for client, place in clients if _has_answer(client)]


def _has_answer(client: socket.socket) -> bool:
    try:
        return bool(client.recv(100))
    except OSError:
        return False


def _asked(client: socket.socket, place: tuple[str, int], protocol: str, seconds: float) -> str | None:
    with client:
        client.settimeout(seconds)
        try:
            client.connect(place)
            if protocol == "udp":
                client.send(b"who am I?")
            return client.recv(100).decode().removeprefix("::ffff:") or None
        except OSError:
            return None


def _answer_all(server: socket.socket, kind: int, answer: str) -> None:
    try:
        while True:
            if kind == socket.SOCK_STREAM:
                connection, peer = server.accept()
                with connection:
                    connection.sendall((answer or peer[0]).encode())
            else:
                _, peer = server.recvfrom(100)
                server.sendto((answer or peer[0]).encode(), peer)
    except OSError:
        return


def sctp_arrives(sender: Box | None, receiver: Box, address: str, port: int) -> bool:
    """Whether the first packet of an association comes to port 80 of a box: no kernel need have sockets for that."""
    family = _family(address)
    with receiver.inside():
        ear = socket.socket(family, socket.SOCK_RAW, _SCTP)
    with ExitStack() as stack:
        if sender is not None:
            stack.enter_context(sender.inside())
        mouth = socket.socket(family, socket.SOCK_RAW, _SCTP)
    with ear, mouth:
        ear.settimeout(0.3)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            mouth.sendto(_sctp_init(port), (address, 0))
            try:
                packet = ear.recv(200)
            except TimeoutError:
                continue
            if _is_for_the_server(packet, family):
                return True
    return False


def sctp_strays(senders: Iterable[Box], receiver: Box, places: Sequence[tuple[str, int]]) -> int:
    """How many first packets of associations to addresses and ports come to port 80 of a box."""
    found = 0
    with ExitStack() as stack:
        with receiver.inside():
            ears = [stack.enter_context(socket.socket(family, socket.SOCK_RAW, _SCTP)) for family in _FAMILIES]
        for sender in senders:
            with sender.inside():
                mouths = {
                    family: stack.enter_context(socket.socket(family, socket.SOCK_RAW, _SCTP)) for family in _FAMILIES
                }
            for address, port in places:
                with suppress(OSError):
                    mouths[_family(address)].sendto(_sctp_init(port), (address, 0))
        time.sleep(SILENCE_SECONDS)
        for ear, family in zip(ears, _FAMILIES, strict=True):
            with suppress(BlockingIOError):
                while packet := ear.recv(200, socket.MSG_DONTWAIT):
                    found += _is_for_the_server(packet, family)
    return found


def _family(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def _is_for_the_server(packet: bytes, family: int) -> bool:
    """Raw sockets of IPv4 show the header of IP as well (raw(7))."""
    header = packet if family == socket.AF_INET6 else packet[(packet[0] & 15) * 4 :]
    return bool(struct.unpack_from("!H", header, 2)[0] == SERVED)


def _sctp_init(port: int) -> bytes:
    """A packet with an INIT chunk (RFC 9260, 3.3.2)."""
    chunk = struct.pack("!BBHIIHHI", 1, 0, 20, 0x01020304, 65536, 1, 1, 1)
    header = struct.pack("!HHI", 40000, port, 0)
    return header + struct.pack("<I", _crc32c(header + bytes(4) + chunk)) + chunk


def _crc32c(data: bytes) -> int:
    """RFC 9260, Appendix A."""
    value = 0xFFFFFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
    return value ^ 0xFFFFFFFF
