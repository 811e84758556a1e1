"""Messages of rtnetlink as people read them: ``RTM_NEWLINK {bd1a2b, up, master 5, veth …}``."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from ipaddress import ip_address

from engine.network import transport

_HEADER_BYTES = 16
_IFINFO = struct.Struct("=BxHiII")  # struct ifinfomsg: family, type, index, flags, change
_IFADDR = struct.Struct("=BBBBI")  # struct ifaddrmsg: family, prefix length, flags, scope, index
_ROUTE_BYTES = 12  # struct rtmsg
_TYPES = {
    16: "RTM_NEWLINK", 17: "RTM_DELLINK", 18: "RTM_GETLINK", 19: "RTM_SETLINK", 20: "RTM_NEWADDR", 21: "RTM_DELADDR",
    22: "RTM_GETADDR", 24: "RTM_NEWROUTE", 25: "RTM_DELROUTE", 26: "RTM_GETROUTE", 28: "RTM_NEWNEIGH",
    29: "RTM_DELNEIGH", 32: "RTM_NEWRULE",
}  # fmt: skip
_UP = 1
_EXCLUSIVE, _CREATE = 0x200, 0x400


def message(request: bytes) -> str:
    """One request, without its sequence number."""
    _, kind, flags = struct.unpack_from("=IHH", request)
    name = _TYPES.get(kind, f"type {kind}")
    payload = memoryview(request)[_HEADER_BYTES:]
    words = list(_BODIES.get(name.partition("_")[2][3:], _unknown)(payload))
    words += [word for bit, word in ((_CREATE, "NLM_F_CREATE"), (_EXCLUSIVE, "NLM_F_EXCL")) if flags & bit]
    return f"{name} {{{', '.join(words)}}}"


def _link(payload: memoryview) -> Iterator[str]:
    _, _, index, flags, change = _IFINFO.unpack_from(payload)
    if index:
        yield f"index {index}"
    yield from _link_attributes(payload, _IFINFO.size)
    if change & _UP:
        yield "up" if flags & _UP else "down"


def _link_attributes(payload: memoryview, offset: int) -> Iterator[str]:
    for kind, value in transport.attributes(payload, offset):
        if kind == 18:  # IFLA_LINKINFO
            yield from _link_info(value)
        elif kind in _LINK:
            label, read = _LINK[kind]
            yield f"{label} {read(value)}"


def _link_info(value: memoryview) -> Iterator[str]:
    for kind, inner in transport.attributes(value, 0):
        if kind == 1:  # IFLA_INFO_KIND
            yield f"kind {_text(inner)}"
        elif kind == 2:  # IFLA_INFO_DATA, of a veth
            for peer_kind, peer in transport.attributes(inner, 0):
                if peer_kind == 1 and len(peer) >= _IFINFO.size:  # VETH_INFO_PEER
                    yield f"peer {{{', '.join(_link_attributes(peer, _IFINFO.size))}}}"


def _address(payload: memoryview) -> Iterator[str]:
    _, length, _, _, index = _IFADDR.unpack_from(payload)
    found = dict(transport.attributes(payload, _IFADDR.size))
    own = found.get(2, found.get(1))  # IFA_LOCAL, or IFA_ADDRESS
    if own is not None:
        yield f"{_ip(own)}/{length}"
    if 4 in found:  # IFA_BROADCAST
        yield f"broadcast {_ip(found[4])}"
    yield f"on device {index}"


def _route(payload: memoryview) -> Iterator[str]:
    length = payload[1]
    found = dict(transport.attributes(payload, _ROUTE_BYTES))
    yield f"{_ip(found[1])}/{length}" if 1 in found else "default"  # RTA_DST
    if 5 in found:  # RTA_GATEWAY
        yield f"via {_ip(found[5])}"
    if 4 in found:  # RTA_OIF
        yield f"out of device {_number(found[4])}"


def _unknown(payload: memoryview) -> Iterator[str]:
    yield f"{len(payload)} bytes"


def _text(value: memoryview) -> str:
    return bytes(value).rstrip(b"\0").decode(errors="replace")


def _number(value: memoryview) -> str:
    return str(int.from_bytes(value[:4], "little" if struct.pack("=H", 1)[0] else "big"))


def _mac(value: memoryview) -> str:
    return bytes(value).hex(":")


def _ip(value: memoryview) -> str:
    return str(ip_address(bytes(value))) if len(value) in (4, 16) else bytes(value).hex()


_LINK: dict[int, tuple[str, Callable[[memoryview], str]]] = {  # linux/if_link.h
    1: ("address", _mac),
    3: ("name", _text),
    4: ("mtu", _number),
    10: ("master", _number),
    19: ("into the network namespace of pid", _number),
    20: ("alias", _text),
    28: ("into the network namespace of descriptor", _number),
}
_BODIES: dict[str, Callable[[memoryview], Iterator[str]]] = {"LINK": _link, "ADDR": _address, "ROUTE": _route}
