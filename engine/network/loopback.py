"""The loopback device of a new network namespace, which starts out down (netdevice(7))."""

from __future__ import annotations

import fcntl
import os
import socket
import struct

from engine.linux import namespaces

_SIOCSIFFLAGS = 0x8914
_IFF_UP = 0x1


def bring_up(pid: int) -> None:
    """Bring ``lo`` up in the network namespace of a process."""
    inside = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        with namespaces.entered(inside, "net"), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            fcntl.ioctl(sock, _SIOCSIFFLAGS, struct.pack("16sH22x", b"lo", _IFF_UP))
    finally:
        os.close(inside)
