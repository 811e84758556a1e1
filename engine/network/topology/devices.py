"""All of a network namespace's devices, addresses and routes, by three netlink dumps (rtnetlink(7)).

Unpacked by hand, as in `engine.network.links`: it is done for every namespace of the machine, once a second while
somebody looks.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from ipaddress import ip_address

from msgspec import Struct

from engine.model import LinkCounters, NetworkRoute
from engine.network import transport

# linux/rtnetlink.h, linux/if_link.h, linux/if_addr.h, linux/if.h
_RTM_GETLINK, _RTM_GETADDR, _RTM_GETROUTE = 18, 22, 26
_IFLA_ADDRESS, _IFLA_IFNAME, _IFLA_MTU, _IFLA_LINK, _IFLA_MASTER = 1, 3, 4, 5, 10
_IFLA_LINKINFO, _IFLA_STATS64, _IFLA_EXT_MASK, _IFLA_LINK_NETNSID = 18, 23, 29, 37
_IFLA_INFO_KIND, _IFLA_INFO_DATA = 1, 2
_RTEXT_FILTER_SKIP_STATS = 1 << 3  # leaves out the protocols' statistics, not IFLA_STATS64
_IFF_UP, _IFF_LOWER_UP = 1, 1 << 16
_IFA_ADDRESS, _IFA_LOCAL = 1, 2
_RTA_DST, _RTA_OIF, _RTA_GATEWAY, _RTA_PRIORITY, _RTA_MULTIPATH, _RTA_TABLE = 1, 4, 5, 6, 9, 15
_RTN_UNICAST, _RT_TABLE_LOCAL, _RTM_F_CLONED = 1, 255, 0x200

_IFINFO = struct.Struct("=BxHiII")  # struct ifinfomsg: family, type, index, flags, change
_IFADDR = struct.Struct("=BBBBI")  # struct ifaddrmsg: family, prefix length, flags, scope, index
_RTMSG = struct.Struct("=8BI")  # struct rtmsg: family, dst_len, src_len, tos, table, protocol, scope, type, flags
_NEXTHOP = struct.Struct("=HBBi")  # struct rtnexthop: length, flags, hops, index
_STATS = struct.Struct("=8Q")  # struct rtnl_link_stats64: packets, bytes, errors, dropped, each rx then tx
_U16, _U32, _I32 = struct.Struct("=H"), struct.Struct("=I"), struct.Struct("=i")

_WITHOUT_STATS = transport.attribute(_IFLA_EXT_MASK, _U32.pack(_RTEXT_FILTER_SKIP_STATS))
_LINKS = transport.request(_RTM_GETLINK, 0, _IFINFO.pack(0, 0, 0, 0, 0) + _WITHOUT_STATS)
_ADDRESSES = transport.request(_RTM_GETADDR, 0, _IFADDR.pack(0, 0, 0, 0, 0))
_ROUTES = transport.request(_RTM_GETROUTE, 0, _RTMSG.pack(0, 0, 0, 0, 0, 0, 0, 0, 0))

_LINK_PARTS = (_IFLA_LINKINFO, _IFLA_STATS64, _IFLA_LINK_NETNSID)
_TOLD = frozenset((_IFLA_ADDRESS, _IFLA_IFNAME, _IFLA_MTU, _IFLA_LINK, _IFLA_MASTER, *_LINK_PARTS))
"""What is read of a device, which the kernel tells sixty things of."""

_NOTHING = memoryview(b"")
_Parts = Mapping[int, memoryview]


class RawDevice(Struct, frozen=True, kw_only=True):
    """A device as its own namespace shows it.

    Attributes:
        link: the index of its other end, or of the device below it; 0 for none.
        link_namespace: the number, here, of the namespace that `link` counts in; None for this one.
    """

    index: int
    name: str
    kind: str
    is_up: bool
    has_carrier: bool
    mtu: int
    mac: str
    master: int
    link: int
    link_namespace: int | None
    detail: str
    counters: LinkCounters


def devices(sock: socket.socket) -> list[RawDevice]:
    """The devices of a NETLINK_ROUTE socket's namespace, by index.

    Raises:
        OSError: the kernel doesn't answer.
    """
    return [_device(message.payload) for message in transport.dump(sock, _LINKS)]


def addresses(sock: socket.socket) -> dict[int, tuple[str, ...]]:
    """Addresses in CIDR form by the index of their device, those of links alone (fe80::/10) last.

    Raises:
        OSError: as `devices`.
    """
    found: dict[int, list[str]] = {}
    for message in transport.dump(sock, _ADDRESSES):
        _, prefix, _, _, index = _IFADDR.unpack_from(message.payload)
        parts = dict(transport.attributes(message.payload, _IFADDR.size))
        packed = parts.get(_IFA_LOCAL) or parts.get(_IFA_ADDRESS)
        if packed is not None:
            found.setdefault(index, []).append(f"{_address(packed)}/{prefix}")
    return {index: tuple(sorted(each, key=lambda one: one.startswith("fe80:"))) for index, each in found.items()}


def routes(sock: socket.socket) -> tuple[NetworkRoute, ...]:
    """The unicast routes, default ones first.

    Raises:
        OSError: as `devices`.
    """
    found = [route for message in transport.dump(sock, _ROUTES) for route in _routes(message.payload)]
    return tuple(sorted(found, key=lambda route: (route.destination != "default", route.version, route.metric)))


def _device(payload: memoryview) -> RawDevice:
    _, _, index, flags, _ = _IFINFO.unpack_from(payload)
    parts = transport.chosen_attributes(payload, _IFINFO.size, _TOLD)
    info = dict(transport.attributes(parts.get(_IFLA_LINKINFO, _NOTHING), 0))
    kind = _text(info.get(_IFLA_INFO_KIND, _NOTHING))
    link_namespace = _I32.unpack(parts[_IFLA_LINK_NETNSID])[0] if _IFLA_LINK_NETNSID in parts else None
    link = _number(parts, _IFLA_LINK)
    return RawDevice(
        index=index,
        name=_text(parts.get(_IFLA_IFNAME, _NOTHING)),
        kind=kind,
        is_up=bool(flags & _IFF_UP),
        has_carrier=bool(flags & _IFF_LOWER_UP),
        mtu=_number(parts, _IFLA_MTU),
        mac=_mac(parts.get(_IFLA_ADDRESS, _NOTHING)),
        master=_number(parts, _IFLA_MASTER),
        link=0 if link == index and link_namespace is None else link,
        link_namespace=link_namespace,
        detail=_detail(kind, dict(transport.attributes(info.get(_IFLA_INFO_DATA, _NOTHING), 0))),
        counters=_counters(parts.get(_IFLA_STATS64)),
    )


def _counters(packed: memoryview | None) -> LinkCounters:
    if packed is None:
        return LinkCounters()
    rx_packets, tx_packets, rx_bytes, tx_bytes, rx_errors, tx_errors, rx_dropped, tx_dropped = _STATS.unpack_from(
        packed
    )
    return LinkCounters(
        received_bytes=rx_bytes, received_packets=rx_packets, received_errors=rx_errors, received_dropped=rx_dropped,
        sent_bytes=tx_bytes, sent_packets=tx_packets, sent_errors=tx_errors, sent_dropped=tx_dropped,
    )  # fmt: skip


def _routes(payload: memoryview) -> Iterator[NetworkRoute]:
    family, length, _, _, table, _, _, kind, flags = _RTMSG.unpack_from(payload)
    if kind != _RTN_UNICAST or table == _RT_TABLE_LOCAL or flags & _RTM_F_CLONED:
        return  # most of them, before anything is unpacked
    parts = dict(transport.attributes(payload, _RTMSG.size))
    table = _number(parts, _RTA_TABLE) or table
    destination = f"{_address(parts[_RTA_DST])}/{length}" if length and _RTA_DST in parts else "default"
    for index, gateway in _ways(parts):
        yield NetworkRoute(
            destination=destination,
            index=index,
            version=6 if family == socket.AF_INET6 else 4,
            table=table,
            gateway=gateway,
            metric=_number(parts, _RTA_PRIORITY),
        )


def _ways(parts: _Parts) -> Iterator[tuple[int, str]]:
    """Index and gateway of each next hop."""
    if _RTA_OIF in parts:
        yield _number(parts, _RTA_OIF), _address(parts[_RTA_GATEWAY]) if _RTA_GATEWAY in parts else ""
        return
    hops = parts.get(_RTA_MULTIPATH, _NOTHING)
    while len(hops) >= _NEXTHOP.size:
        length, _, _, index = _NEXTHOP.unpack_from(hops)
        own = dict(transport.attributes(hops[:length], _NEXTHOP.size))
        yield index, _address(own[_RTA_GATEWAY]) if _RTA_GATEWAY in own else ""
        hops = hops[max(length, _NEXTHOP.size) :]


_MACVLAN_MODES = {1: "private", 2: "vepa", 4: "bridge", 8: "passthru", 16: "source"}
_IPVLAN_MODES = {0: "l2", 1: "l3", 2: "l3s"}


def _vlan(data: _Parts) -> str:
    return f"vlan {_U16.unpack(data[1])[0]}"


def _macvlan(data: _Parts) -> str:
    return _MACVLAN_MODES.get(_number(data, 1), "")


def _ipvlan(data: _Parts) -> str:
    return _IPVLAN_MODES.get(_U16.unpack(data[1])[0], "")


def _vxlan(data: _Parts) -> str:
    """linux/if_link.h, IFLA_VXLAN_ID, GROUP, LOCAL, GROUP6 and LOCAL6."""
    return f"vni {_number(data, 1)}" + _between(data, (4, 17), (2, 16))


def _geneve(data: _Parts) -> str:
    """IFLA_GENEVE_ID, REMOTE and REMOTE6."""
    return f"vni {_number(data, 1)}" + _between(data, (), (2, 7))


def _tunnel(data: _Parts) -> str:
    """linux/if_tunnel.h, IFLA_IPTUN_LOCAL and REMOTE."""
    return _between(data, (2,), (3,)).lstrip()


def _gre(data: _Parts) -> str:
    """IFLA_GRE_LOCAL and REMOTE."""
    return _between(data, (6,), (7,)).lstrip()


_DETAILS: dict[str, Callable[[_Parts], str]] = {
    "vlan": _vlan, "macvlan": _macvlan, "macvtap": _macvlan, "ipvlan": _ipvlan, "ipvtap": _ipvlan,
    "vxlan": _vxlan, "geneve": _geneve, "ipip": _tunnel, "sit": _tunnel, "ip6tnl": _tunnel,
    "gre": _gre, "gretap": _gre, "ip6gre": _gre, "ip6gretap": _gre, "erspan": _gre,
}  # fmt: skip


def _detail(kind: str, data: _Parts) -> str:
    describe = _DETAILS.get(kind)
    try:
        return describe(data) if describe is not None else ""
    except (KeyError, struct.error, ValueError):  # a kernel that says less, or more, of such a device
        return ""


def _between(data: _Parts, near: tuple[int, ...], far: tuple[int, ...]) -> str:
    """The ends of a tunnel, as far as they are set."""
    ends = []
    for word, kinds in (("from", near), ("to", far)):
        found = [_address(data[kind]) for kind in kinds if kind in data]
        ends += [f" {word} {address}" for address in found if not ip_address(address).is_unspecified]
    return "".join(ends)


def _number(parts: _Parts, kind: int) -> int:
    return int(_U32.unpack(parts[kind])[0]) if kind in parts else 0


def _address(packed: memoryview) -> str:
    return _address_words(bytes(packed))


@lru_cache(4096)
def _address_words(packed: bytes) -> str:
    """The same ones are asked for at every look."""
    return str(ip_address(packed))


def _mac(packed: memoryview) -> str:
    return packed.hex(":") if len(packed) == 6 and any(packed) else ""


def _text(value: memoryview) -> str:
    return bytes(value).rstrip(b"\0").decode(errors="replace")
