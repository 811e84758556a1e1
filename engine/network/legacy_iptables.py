"""The policy of the FORWARD chain of iptables-legacy, which nf_tables knows nothing of (linux/netfilter/x_tables.h)."""

from __future__ import annotations

import ctypes
import os
import socket
import struct
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

# struct ipt_getinfo and ip6t_getinfo: name, valid hooks, entries of hooks, ends of chains, number of entries, size
_INFO = struct.Struct("=32sI5I5III")
_GET_INFO, _GET_ENTRIES = 64, 65
_FORWARD = 2  # NF_INET_FORWARD
_DROP = -1  # -NF_DROP - 1

_FAMILIES = (
    # name, address family, level of its options, size of struct ipt_entry or ip6t_entry
    ("iptables", socket.AF_INET, socket.IPPROTO_IP, 112),
    ("ip6tables", socket.AF_INET6, socket.IPPROTO_IPV6, 168),
)
_TARGET_BYTES = 32  # struct xt_entry_target
_ENTRIES_HEADER = 40  # struct ipt_get_entries: name, size, and room for alignment


def dropping() -> tuple[str, ...]:
    """Which of ``iptables`` and ``ip6tables`` drop what is forwarded and none of their rules accepts."""
    return tuple(_dropping())


def _dropping() -> Iterator[str]:
    for name, family, level, entry_bytes in _FAMILIES:
        file = Path("/proc/net") / ("ip_tables_names" if family == socket.AF_INET else "ip6_tables_names")
        with suppress(OSError, struct.error):
            if "filter" in file.read_text().split() and _policy(family, level, entry_bytes) == _DROP:
                yield name


def _policy(family: int, level: int, entry_bytes: int) -> int:
    """The verdict at the end of FORWARD."""
    with socket.socket(family, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.IPPROTO_RAW) as sock:
        info = _asked(sock, level, _GET_INFO, b"filter".ljust(_INFO.size, b"\0"))
        fields = _INFO.unpack(info)
        end, size = fields[7 + _FORWARD], fields[13]
        query = struct.pack("=32sI4x", b"filter", size).ljust(_ENTRIES_HEADER + size, b"\0")
        entries = _asked(sock, level, _GET_ENTRIES, query)[_ENTRIES_HEADER:]
    return int(struct.unpack_from("=i", entries, end + entry_bytes + _TARGET_BYTES)[0])


def _asked(sock: socket.socket, level: int, option: int, query: bytes) -> bytes:
    """getsockopt(2) that reads its buffer, too, which Python's doesn't."""
    buffer = ctypes.create_string_buffer(query, len(query))
    length = ctypes.c_uint32(len(query))
    if ctypes.CDLL(None, use_errno=True).getsockopt(sock.fileno(), level, option, buffer, ctypes.byref(length)) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return buffer.raw
