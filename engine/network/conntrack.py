"""Connections that the kernel remembers the way of (linux/netfilter/nfnetlink_conntrack.h), forgotten where it changed.

A flow of UDP is remembered for as long as packets come, so a port that comes or goes would mean nothing to it. The
standard library alone: shims import this.
"""

from __future__ import annotations

import errno
import socket
import struct
from collections.abc import Callable, Collection, Iterator
from typing import NamedTuple

from engine.network import transport

_GET = 1 << 8 | 1  # NFNL_SUBSYS_CTNETLINK, IPCTNL_MSG_CT_GET
_DELETE = 1 << 8 | 2
_TUPLE_ORIG, _TUPLE_REPLY, _FILTER = 1, 2, 25
_TUPLE_IP, _TUPLE_PROTO = 1, 2
_SOURCES, _DESTINATIONS = (1, 3), (2, 4)  # of IPv4 and IPv6
_PROTO_NUM, _PROTO_SRC_PORT, _PROTO_DST_PORT = 1, 2, 3
_FILTER_ORIG_FLAGS, _FILTER_REPLY_FLAGS = 1, 2
_BY_PROTOCOL, _BY_DESTINATION_PORT = 1 << 3, 1 << 5
_NESTED = 0x8000
_PROTOCOLS = {"tcp": 6, "udp": 17, "sctp": 132}

_HEADER = struct.Struct("=IHHII")
_GENERIC_BYTES = 4


class Flow(NamedTuple):
    """A connection: where it was sent to, and who answers.

    Attributes:
        port: of the destination.
        name: by which the kernel knows it, an encoded CTA_TUPLE_ORIG.
    """

    destination: str
    port: int
    answering_address: str
    answering_port: int
    name: bytes


def forget(protocol: str, ports: Collection[int], version: int, is_ours: Callable[[Flow], bool]) -> int:
    """Have the connections to some ports forgotten that `is_ours` says yes to; how many there were.

    The kernel looks through all that it has: once for all ports.

    Raises:
        OSError: EPERM without CAP_NET_ADMIN.
    """
    family = socket.AF_INET if version == 4 else socket.AF_INET6
    with transport.open_socket(transport.NETLINK_NETFILTER) as sock:
        found = [flow for flow in _flows(sock, family, protocol, ports) if flow.port in ports and is_ours(flow)]
        for flow in found:
            _delete(sock, family, flow)
    return len(found)


def _flows(sock: socket.socket, family: int, protocol: str, ports: Collection[int]) -> Iterator[Flow]:
    """Of a protocol; the kernel picks those to a port where there is one."""
    wanted = _attribute(_PROTO_NUM, bytes([_PROTOCOLS[protocol]]))
    wanted += _attribute(_PROTO_DST_PORT, struct.pack("!H", next(iter(ports), 0)))
    flags = struct.pack("=I", _BY_PROTOCOL | (_BY_DESTINATION_PORT if len(ports) == 1 else 0))
    request = _request(
        _GET,
        family,
        _attribute(_TUPLE_ORIG | _NESTED, _attribute(_TUPLE_PROTO | _NESTED, wanted)),
        _attribute(
            _FILTER | _NESTED, _attribute(_FILTER_ORIG_FLAGS, flags) + _attribute(_FILTER_REPLY_FLAGS, bytes(4))
        ),
    )
    for message in transport.dump(sock, request):
        flow = _parsed(message.payload)
        if flow is not None:
            yield flow


def _parsed(payload: memoryview) -> Flow | None:
    parts = dict(transport.attributes(payload, _GENERIC_BYTES))
    original, reply = parts.get(_TUPLE_ORIG), parts.get(_TUPLE_REPLY)
    if original is None or reply is None:
        return None
    sent, answered = _tuple(original), _tuple(reply)
    name = _attribute(_TUPLE_ORIG | _NESTED, bytes(original))
    return Flow(
        destination=_address(sent[0], _DESTINATIONS),
        port=_port(sent[1], _PROTO_DST_PORT),
        answering_address=_address(answered[0], _SOURCES),
        answering_port=_port(answered[1], _PROTO_SRC_PORT),
        name=name,
    )


def _tuple(value: memoryview) -> tuple[dict[int, memoryview], dict[int, memoryview]]:
    parts = dict(transport.attributes(value, 0))
    empty = memoryview(b"")
    ip, protocol = parts.get(_TUPLE_IP, empty), parts.get(_TUPLE_PROTO, empty)
    return dict(transport.attributes(ip, 0)), dict(transport.attributes(protocol, 0))


def _address(parts: dict[int, memoryview], kinds: tuple[int, int]) -> str:
    packed = next((bytes(parts[kind]) for kind in kinds if kind in parts), b"")
    return socket.inet_ntop(socket.AF_INET if len(packed) == 4 else socket.AF_INET6, packed) if packed else ""


def _port(parts: dict[int, memoryview], kind: int) -> int:
    value = parts.get(kind)
    return int.from_bytes(value, "big") if value is not None else 0


def _delete(sock: socket.socket, family: int, flow: Flow) -> None:
    try:
        transport.send_requests(sock, (_request(_DELETE, family, flow.name),))
    except OSError as error:
        if error.errno != errno.ENOENT:  # it has ended meanwhile
            raise


def _request(kind: int, family: int, *attributes: bytes) -> bytes:
    body = struct.pack("!BBH", family, 0, 0) + b"".join(attributes)
    return _HEADER.pack(_HEADER.size + len(body), kind, 0, 0, 0) + body


def _attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("=HH", 4 + len(value), kind) + value + bytes(-len(value) % 4)
