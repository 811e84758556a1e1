"""Network devices with their counters, by one netlink dump (rtnetlink(7)).

This is read every second for as long as somebody looks, so the five fields that matter are unpacked by hand:
pyroute2 decodes all of a device's two hundred attributes, which takes fifty times as long.
"""

from __future__ import annotations

import socket
import struct

from msgspec import Struct

from engine.network import transport

# linux/rtnetlink.h, linux/if_link.h, linux/if.h
_RTM_GETLINK = 18
_IFLA_IFNAME = 3
_IFLA_MASTER = 10
_IFLA_STATS64 = 23
_IFLA_EXT_MASK = 29
_RTEXT_FILTER_SKIP_STATS = 1 << 3  # leaves out the protocols' statistics, hundreds of numbers, not IFLA_STATS64
_IFF_UP = 1

_HEADER = struct.Struct("=IHHII")  # struct nlmsghdr
_IFINFO = struct.Struct("=BxHiII")  # struct ifinfomsg: family, type, index, flags, change
_NUMBER = struct.Struct("=HHI")  # struct nlattr with a 32 bit value
_STATS = struct.Struct("=8Q")  # struct rtnl_link_stats64: packets, bytes, errors, dropped, each rx then tx


class LinkStatistics(Struct, frozen=True):
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


def read(sock: socket.socket, master: int = 0) -> list[Link]:
    """The devices of the network namespace of a NETLINK_ROUTE socket, in the order of their indices.

    Args:
        master: index of a bridge, to get only what is on it; 0 for all devices.

    Raises:
        OSError: the kernel doesn't answer.
    """
    found = [_parsed(message.payload) for message in transport.dump(sock, _request(master))]
    return [link for link in found if not master or link.master == master]  # kernels before 4.6 don't filter


def _request(master: int) -> bytes:
    body = _IFINFO.pack(0, 0, 0, 0, 0) + _NUMBER.pack(_NUMBER.size, _IFLA_EXT_MASK, _RTEXT_FILTER_SKIP_STATS)
    if master:
        body += _NUMBER.pack(_NUMBER.size, _IFLA_MASTER, master)
    return _HEADER.pack(_HEADER.size + len(body), _RTM_GETLINK, 0, 0, 0) + body


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
