"""The loopback device of a new network namespace, which starts out down (netdevice(7))."""

from __future__ import annotations

import fcntl
import socket
import struct

from engine.linux import trace

_SIOCSIFFLAGS = 0x8914
_IFF_UP = 0x1
_REQUEST = struct.pack("16sH22x", b"lo", _IFF_UP)  # struct ifreq


def bring_up() -> None:
    """Bring ``lo`` up in our own network namespace.

    Raises:
        OSError: EPERM without CAP_NET_ADMIN there.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        trace.call(fcntl.ioctl, sock, _SIOCSIFFLAGS, _REQUEST, path="lo")
