"""Who has a port of the host's: found by the sockets in /proc/net and the descriptors in /proc/PID/fd (proc(5))."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

_ANYWHERE = frozenset(("0.0.0.0", "::"))


def holder_of(address: str, port: int, protocol: str) -> str:
    """Such as ``nginx (pid 4711)``; empty when nobody is found, as for sockets of the kernel's or of TIME_WAIT."""
    inodes = set(_inodes(address, port, protocol))
    for pid in filter(str.isdigit, os.listdir("/proc")) if inodes else ():
        if inodes & set(_sockets_of(pid)):
            return f"{_name_of(pid)} (pid {pid})"
    return ""


def _inodes(address: str, port: int, protocol: str) -> Iterator[str]:
    """Of the sockets that are in the way of one at this place."""
    for suffix in ("", "6"):
        with suppress(OSError, IndexError, ValueError):
            for line in Path(f"/proc/net/{protocol}{suffix}").read_text().splitlines()[1:]:
                fields = line.split()
                raw, _, number = fields[1].partition(":")
                if int(number, 16) == port and _clashes(_decoded(raw), address):
                    yield fields[9]


def _clashes(theirs: str, ours: str) -> bool:
    """A socket of all IPv6 addresses mostly has the IPv4 ones as well."""
    if theirs in _ANYWHERE or ours in _ANYWHERE:
        return theirs == "::" or ":" in theirs or ":" not in ours
    return theirs == ours


def _decoded(raw: str) -> str:
    words = [int(raw[start : start + 8], 16) for start in range(0, len(raw), 8)]
    packed = b"".join(struct.pack("=I", word) for word in words)
    if len(packed) == 4:
        return str(IPv4Address(packed))
    address = IPv6Address(packed)
    return str(address.ipv4_mapped or address)


def _sockets_of(pid: str) -> Iterator[str]:
    with suppress(OSError):
        for name in os.listdir(f"/proc/{pid}/fd"):
            with suppress(OSError):
                target = os.readlink(f"/proc/{pid}/fd/{name}")
                if target.startswith("socket:["):
                    yield target[8:-1]


def _name_of(pid: str) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return "somebody"
