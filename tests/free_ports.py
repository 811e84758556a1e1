"""Ports of this machine that nobody has, and that no outgoing connection gets by chance (ip_local_port_range)."""

from __future__ import annotations

import random
import socket

_BELOW_OUTGOING = range(10000, 20000)


def free_port(kind: int = socket.SOCK_STREAM) -> int:
    """One of them."""
    for number in random.sample(_BELOW_OUTGOING, 200):
        with socket.socket(socket.AF_INET, kind) as sock:
            try:
                sock.bind(("0.0.0.0", number))
            except OSError:
                continue
        return number
    raise AssertionError("this machine has no free port")
