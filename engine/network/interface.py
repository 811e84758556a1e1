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
    return int(struct.unpack_from("16xi", _ask(name, _SIOCGIFMTU))[0])


def is_up(name: str) -> bool:
    """Whether the device is there and set up."""
    try:
        flags = struct.unpack_from("16xH", _ask(name, _SIOCGIFFLAGS))[0]
    except OSError:
        return False
    return bool(flags & _IFF_UP)


def address_of(name: str) -> IPv4Address | None:
    """The device's first IPv4 address; None without one or without the device."""
    from ipaddress import IPv4Address  # here, since whoever only counts traffic does without it

    try:
        answer = _ask(name, _SIOCGIFADDR)
    except OSError:
        return None
    return IPv4Address(answer[20:24])  # sin_addr of the struct sockaddr_in at offset 16


def _ask(name: str, request: int) -> bytes:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock:
        return fcntl.ioctl(sock, request, os.fsencode(name).ljust(_IFREQ_BYTES, b"\0"))
