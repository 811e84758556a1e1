"""Questions about one network device by its name (netdevice(7)): two microseconds each, no netlink.

They are asked in the network namespace of the calling thread.
"""

from __future__ import annotations

import fcntl
import os
import socket
import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ipaddress import IPv4Address

_SIOCGIFFLAGS = 0x8913
_SIOCGIFADDR = 0x8915
_SIOCGIFMTU = 0x8921
_SIOCGIFINDEX = 0x8933
_IFF_UP = 1
_IFREQ_BYTES = 40  # sizeof(struct ifreq)


def index_of(name: str) -> int | None:
    """A device's index; None when there is no such device."""
    try:
        return socket.if_nametoindex(name)
    except OSError:
        return None


def mtu_of(name: str) -> int:
    """How many bytes a packet may have.

    Raises:
        OSError: ENODEV, no such device.
    """
    return int(struct.unpack_from("16xi", _ask(name, _SIOCGIFMTU)[0])[0])


def index_and_mtu_of(name: str) -> tuple[int, int]:
    """Both, with one socket.

    Raises:
        OSError: ENODEV, no such device.
    """
    index, mtu = _ask(name, _SIOCGIFINDEX, _SIOCGIFMTU)
    return int(struct.unpack_from("16xi", index)[0]), int(struct.unpack_from("16xi", mtu)[0])


def has_address(name: str, address: str) -> bool:
    """Whether the device is there, set up, and has an IPv4 address as its first."""
    try:
        flags, first = _ask(name, _SIOCGIFFLAGS, _SIOCGIFADDR)
    except OSError:
        return False
    return bool(struct.unpack_from("16xH", flags)[0] & _IFF_UP) and _packed_address(first) == socket.inet_aton(address)


def is_up(name: str) -> bool:
    """Whether the device is there and set up."""
    try:
        flags = struct.unpack_from("16xH", _ask(name, _SIOCGIFFLAGS)[0])[0]
    except OSError:
        return False
    return bool(flags & _IFF_UP)


def address_of(name: str) -> IPv4Address | None:
    """The device's first IPv4 address; None without one or without the device."""
    from ipaddress import IPv4Address  # here, since whoever only counts traffic does without it

    try:
        (answer,) = _ask(name, _SIOCGIFADDR)
    except OSError:
        return None
    return IPv4Address(_packed_address(answer))


def _packed_address(answer: bytes) -> bytes:
    return answer[20:24]  # sin_addr of the struct sockaddr_in at offset 16


def _ask(name: str, *requests: int) -> list[bytes]:
    argument = os.fsencode(name).ljust(_IFREQ_BYTES, b"\0")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock:
        return [fcntl.ioctl(sock, request, argument) for request in requests]
