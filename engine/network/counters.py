"""Traffic counters of everything on a bridge: one netlink dump a tick, through a socket that stays open.

This is read every second for as long as somebody looks, so its few fields are unpacked by hand: pyroute2 decodes
all of a device's two hundred attributes, at a hundred times the cost.
"""

from __future__ import annotations

import struct
from types import TracebackType

from msgspec import Struct

from engine.network import interface, transport

# linux/rtnetlink.h, linux/if_link.h
_RTM_NEWLINK = 16
_RTM_GETLINK = 18
_IFLA_IFNAME = 3
_IFLA_MASTER = 10
_IFLA_STATS64 = 23
_IFLA_EXT_MASK = 29
_RTEXT_FILTER_SKIP_STATS = 1 << 3  # leaves out the protocol statistics, hundreds of numbers, not IFLA_STATS64
_IFINFOMSG_BYTES = 16

_HEADER = struct.Struct("=IHHII")  # struct nlmsghdr
_NUMBER = struct.Struct("=HHI")  # struct nlattr with a 32 bit value
_STATS = struct.Struct("=8Q")  # struct rtnl_link_stats64: packets, bytes, errors, dropped, each rx then tx


class InterfaceCounters(Struct, frozen=True, kw_only=True):
    """What went through a container's veth pair since it was made, seen from inside the container."""

    received_bytes: int = 0
    received_packets: int = 0
    received_errors: int = 0
    received_dropped: int = 0
    sent_bytes: int = 0
    sent_packets: int = 0
    sent_errors: int = 0
    sent_dropped: int = 0


class CounterReader:
    """Reads the counters of a bridge's ports in the network namespace that the opening thread is in.

    Args:
        bridge: the bridge device's name; it may come later, go, and come again.
    """

    def __init__(self, bridge: str) -> None:
        self._bridge = bridge
        self._socket = transport.open_socket()

    def read(self) -> dict[str, InterfaceCounters]:
        """Counters by name of the host's interface; empty without the bridge. Doesn't block.

        Raises:
            OSError: the kernel doesn't answer.
        """
        index = interface.index_of(self._bridge)
        if index is None:
            return {}
        found = (_parsed(message.payload) for message in transport.dump(self._socket, _request(index)))
        return {name: counters for name, master, counters in found if master == index}

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def __enter__(self) -> CounterReader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _request(bridge_index: int) -> bytes:
    """RTM_GETLINK for the devices of one master only; a kernel too old to filter (before 4.6) lists all of them."""
    body = bytes(_IFINFOMSG_BYTES)
    body += _NUMBER.pack(_NUMBER.size, _IFLA_MASTER, bridge_index)
    body += _NUMBER.pack(_NUMBER.size, _IFLA_EXT_MASK, _RTEXT_FILTER_SKIP_STATS)
    return _HEADER.pack(_HEADER.size + len(body), _RTM_GETLINK, 0, 0, 0) + body


def _parsed(payload: memoryview) -> tuple[str, int, InterfaceCounters]:
    """Name, index of the master and counters of one device."""
    name, master, counters = "", 0, InterfaceCounters()
    for kind, value in transport.attributes(payload, _IFINFOMSG_BYTES):
        if kind == _IFLA_IFNAME:
            name = bytes(value[:-1]).decode()
        elif kind == _IFLA_MASTER:
            (master,) = struct.unpack("=I", value)
        elif kind == _IFLA_STATS64:
            counters = _from_inside(value)
    return name, master, counters


def _from_inside(stats: memoryview) -> InterfaceCounters:
    """What the host's end sends is what the container receives."""
    rx_packets, tx_packets, rx_bytes, tx_bytes, rx_errors, tx_errors, rx_dropped, tx_dropped = _STATS.unpack_from(stats)
    return InterfaceCounters(
        received_bytes=tx_bytes,
        received_packets=tx_packets,
        received_errors=tx_errors,
        received_dropped=tx_dropped,
        sent_bytes=rx_bytes,
        sent_packets=rx_packets,
        sent_errors=rx_errors,
        sent_dropped=rx_dropped,
    )
