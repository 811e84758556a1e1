"""Network devices with their counters, by one netlink dump (rtnetlink(7)).

The counters are read every second for as long as somebody looks, so they have a dump of their own, and what matters
is unpacked by hand: pyroute2 decodes all of a device's two hundred attributes, which takes fifty times as long.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
from collections.abc import Iterable

from msgspec import Struct

from engine.network import transport

# linux/rtnetlink.h, linux/if_link.h, linux/if.h
_RTM_GETLINK = 18
_RTM_GETSTATS = 94
_IFLA_STATS_LINK_64 = 1
_IFLA_IFNAME = 3
_IFLA_MASTER = 10
_IFLA_LINKINFO = 18
_IFLA_LINK_NETNSID = 37
_IFLA_INFO_KIND = 1
_SIGNED = struct.Struct("=i")
_NO_NAMESPACE = _SIGNED.pack(-1)
_IFLA_STATS64 = 23
_IFLA_EXT_MASK = 29
_RTEXT_FILTER_SKIP_STATS = 1 << 3  # leaves out the protocols' statistics, hundreds of numbers, not IFLA_STATS64
_IFF_UP = 1

_HEADER = struct.Struct("=IHHII")  # struct nlmsghdr
_IFINFO = struct.Struct("=BxHiII")  # struct ifinfomsg: family, type, index, flags, change
_STATS = struct.Struct("=8Q")  # struct rtnl_link_stats64: packets, bytes, errors, dropped, each rx then tx
_LINK_REQUEST = (
    _HEADER.pack(_HEADER.size + _IFINFO.size + 8, _RTM_GETLINK, 0, 0, 0)
    + _IFINFO.pack(0, 0, 0, 0, 0)
    + struct.pack("=HHI", 8, _IFLA_EXT_MASK, _RTEXT_FILTER_SKIP_STATS)
)  # fmt: skip
_STATS_HEADER = struct.Struct("=BxxxII")  # struct if_stats_msg: family, index, mask of attributes
_STATS_MESSAGE = struct.Struct("=4xI4x2xH64s")  # that, with its only attribute


class LinkStatistics(Struct, frozen=True, gc=False):
    """What went through a device, in the order of the kernel's struct rtnl_link_stats64."""

    rx_packets: int = 0
    tx_packets: int = 0
    rx_bytes: int = 0
    tx_bytes: int = 0
    rx_errors: int = 0
    tx_errors: int = 0
    rx_dropped: int = 0
    tx_dropped: int = 0


class Link(Struct, frozen=True, kw_only=True):
    """A network device; `master` is the index of the bridge that it is on, 0 for none."""

    index: int
    name: str
    is_up: bool
    master: int
    statistics: LinkStatistics


class Device(Struct, frozen=True, kw_only=True):
    """What a network device is.

    Attributes:
        kind: such as ``bridge`` or ``veth``; empty for hardware.
        master: index of the bridge that it is on, 0 for none.
        peer_namespace: our number of the network namespace that its other end is in; None where that is our own, or
            is being taken down.
    """

    kind: str
    master: int
    peer_namespace: int | None


def read(sock: socket.socket) -> list[Link]:
    """The devices of the network namespace of a NETLINK_ROUTE socket, in the order of their indices.

    Raises:
        OSError: the kernel doesn't answer.
    """
    return [_parsed(message.payload) for message in transport.dump(sock, _LINK_REQUEST)]


class StatisticsReader:
    """Reads the counters alone of all devices of a NETLINK_ROUTE socket's network namespace, again and again.

    A device takes a third of a microsecond of it, and some forty times that in `read`.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._dump = transport.PackedDump(sock, _stats_request(0), _STATS_MESSAGE)

    def read(self) -> dict[int, bytes]:
        """By index what `statistics` takes apart (Linux 4.7).

        Raises:
            OSError: the kernel doesn't answer.
        """
        return {index: packed for _, index, kind, packed in self._dump.read() if kind == _IFLA_STATS_LINK_64}


class FewStatisticsReader:
    """As `StatisticsReader`, of a few devices alone, whatever else there is.

    Args:
        sock: of their network namespace.
        indices: of the devices.
    """

    def __init__(self, sock: socket.socket, indices: Iterable[int]) -> None:
        self._questions = transport.PackedQuestions(sock, [*map(_stats_request, indices)], _STATS_MESSAGE)

    def read(self) -> dict[int, bytes]:
        """As `StatisticsReader.read`; devices that have gone are left out."""
        return {index: packed for _, index, kind, packed in self._questions.read() if kind == _IFLA_STATS_LINK_64}


def _stats_request(index: int) -> bytes:
    """For the counters of a device; of index 0 for a dump of all."""
    body = _STATS_HEADER.pack(0, index, 1 << _IFLA_STATS_LINK_64 - 1)
    return transport.request(_RTM_GETSTATS, 0, body)


def statistics(packed: bytes) -> LinkStatistics:
    """A device's counters, as a `StatisticsReader` reads them."""
    return LinkStatistics(*_STATS.unpack(packed))


def kind(sock: socket.socket, name: str) -> str | None:
    """What kind of device has a name; None without one, and as `named` otherwise."""
    device = named(sock, name)
    return device.kind if device is not None else None


def named(sock: socket.socket, name: str) -> Device | None:
    """The device of that name in the socket's network namespace, if there is one.

    Raises:
        OSError: the kernel doesn't answer.
    """
    body = _IFINFO.pack(0, 0, 0, 0, 0) + transport.attribute(_IFLA_IFNAME, os.fsencode(name) + b"\0")
    try:
        answer = transport.ask(sock, transport.request(_RTM_GETLINK, 0, body))
    except OSError as error:
        if error.errno == errno.ENODEV:
            return None
        raise
    found = dict(transport.attributes(memoryview(answer or b""), _IFINFO.size))
    info = dict(transport.attributes(found.get(_IFLA_LINKINFO, memoryview(b"")), 0))
    (namespace,) = _SIGNED.unpack(found.get(_IFLA_LINK_NETNSID, _NO_NAMESPACE))
    return Device(
        kind=bytes(info.get(_IFLA_INFO_KIND, b"")).rstrip(b"\0").decode(errors="replace"),
        master=_SIGNED.unpack(found.get(_IFLA_MASTER, bytes(4)))[0],
        peer_namespace=namespace if namespace >= 0 else None,
    )


def _parsed(payload: memoryview) -> Link:
    _, _, index, flags, _ = _IFINFO.unpack_from(payload)
    name, master, statistics = "", 0, LinkStatistics()
    for kind, value in transport.attributes(payload, _IFINFO.size):
        if kind == _IFLA_IFNAME:
            name = bytes(value[:-1]).decode(errors="replace")
        elif kind == _IFLA_MASTER:
            (master,) = struct.unpack("=I", value)
        elif kind == _IFLA_STATS64:
            statistics = LinkStatistics(*_STATS.unpack_from(value))
            break  # the kernel writes it after the others (rtnl_fill_ifinfo)
    return Link(index=index, name=name, is_up=bool(flags & _IFF_UP), master=master, statistics=statistics)
