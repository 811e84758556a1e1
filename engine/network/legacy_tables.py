"""Tables of iptables-legacy as the kernel gives them; nf_tables knows nothing of those. Only read.

All rules of a table are one block of memory (linux/netfilter/x_tables.h): each is a struct ipt_entry or ip6t_entry,
with what it asks for and its target behind it, and a jump names the offset of the rule that it leads to.
"""

from __future__ import annotations

import ctypes
import os
import socket
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

PREROUTING, FORWARD = 0, 2  # NF_INET_*

# struct ipt_getinfo and ip6t_getinfo: name, valid hooks, entries of hooks, ends of chains, number of entries, size
_INFO = struct.Struct("=32sI5I5III")
_GET_INFO, _GET_ENTRIES = 64, 65
_ENTRIES_HEADER = 40  # struct ipt_get_entries: name, size, and room for alignment
_PART = struct.Struct("=H29sB")  # struct xt_entry_match and xt_entry_target: size, name, revision
_PART_BYTES = 32
_VERDICT = struct.Struct("=i")
_ERROR = "ERROR"  # the target of the entry that a chain begins with, which has its name


class Family(NamedTuple):
    """Where things are in an entry."""

    name: str
    names_file: str
    family: int
    level: int
    address_bytes: int
    devices_at: int
    flags_at: int  # flags, then what is inverted
    protocol_at: int
    offsets_at: int  # of the target, and of the next entry
    entry_bytes: int


FAMILIES = {
    4: Family("iptables", "ip_tables_names", socket.AF_INET, socket.IPPROTO_IP, 4, 16, 82, 80, 88, 112),
    6: Family("ip6tables", "ip6_tables_names", socket.AF_INET6, socket.IPPROTO_IPV6, 16, 64, 131, 128, 140, 168),
}


class Part(NamedTuple):
    """A match or the target of a rule; the standard target has no name."""

    name: str
    revision: int
    info: memoryview

    @property
    def verdict(self) -> int:
        """Of the standard target: the offset of a rule, or below 0 what becomes of the packet."""
        return int(_VERDICT.unpack_from(self.info)[0])


class Entry(NamedTuple):
    """A rule.

    Attributes:
        place, after: its offset in the table, and that of the next.
    """

    family: Family
    entries: bytes
    place: int
    after: int
    target: Part

    @property
    def matches(self) -> Iterator[Part]:
        """What it asks for besides addresses, devices and protocol."""
        at = self.place + self.family.entry_bytes
        end = self.place + struct.unpack_from("=H", self.entries, self.place + self.family.offsets_at)[0]
        while at < end:
            part, size = _part(self.entries, at)
            yield part
            at += size

    @property
    def addresses(self) -> tuple[bytes, ...]:
        """Of source and destination, and which of their bits count."""
        size = self.family.address_bytes
        return tuple(self.entries[self.place + size * n : self.place + size * (n + 1)] for n in range(4))

    @property
    def protocol(self) -> int:
        """The number; 0 for any."""
        return int(struct.unpack_from("=H", self.entries, self.place + self.family.protocol_at)[0])

    @property
    def flags(self) -> int:
        """IPT_F_* or IP6T_F_*."""
        return self.entries[self.place + self.family.flags_at]

    @property
    def inverted(self) -> int:
        """IPT_INV_* or IP6T_INV_*."""
        return self.entries[self.place + self.family.flags_at + 1]


class Table(NamedTuple):
    """All rules of a table.

    Attributes:
        first, last: of a hook's chain: its first rule, and the one that is its policy.
    """

    family: Family
    entries: bytes
    first: int
    last: int

    def chain(self, place: int) -> Iterator[Entry]:
        """The rules from a place on, to the end of their chain."""
        while place < len(self.entries):
            entry = self._entry(place)
            if entry.target.name == _ERROR:  # the beginning of the next chain
                return
            yield entry
            if place == self.last:
                return
            place = entry.after

    def chain_names(self) -> dict[int, str]:
        """What chains of one's own are called, by the offset of their first rule."""
        found, place = {}, 0
        while place < len(self.entries):
            entry = self._entry(place)
            if entry.target.name == _ERROR:
                found[entry.after] = bytes(entry.target.info).split(b"\0")[0].decode(errors="replace")
            place = entry.after
        return found

    def _entry(self, place: int) -> Entry:
        target, after = struct.unpack_from("=HH", self.entries, place + self.family.offsets_at)
        return Entry(self.family, self.entries, place, place + after, _part(self.entries, place + target)[0])


def read(family: Family, name: str, hook: int) -> Table | None:
    """A table, seen from one of its hooks; None where nobody has used it.

    Raises:
        OSError: EPERM without CAP_NET_ADMIN.
        struct.error: a kernel that lays it out otherwise.
    """
    try:
        if name not in (Path("/proc/thread-self/net") / family.names_file).read_text().split():
            return None  # to ask for it would have it made
    except FileNotFoundError:
        return None
    wanted = name.encode()
    with socket.socket(family.family, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.IPPROTO_RAW) as sock:
        fields = _INFO.unpack(_asked(sock, family.level, _GET_INFO, wanted.ljust(_INFO.size, b"\0")))
        size = fields[13]
        query = struct.pack("=32sI4x", wanted, size).ljust(_ENTRIES_HEADER + size, b"\0")
        entries = _asked(sock, family.level, _GET_ENTRIES, query)[_ENTRIES_HEADER:]
    return Table(family, entries, fields[2 + hook], fields[7 + hook])


def _part(entries: bytes, at: int) -> tuple[Part, int]:
    """A match or target, and its size."""
    size, name, revision = _PART.unpack_from(entries, at)
    text = name.split(b"\0")[0].decode(errors="replace")
    return Part(text, revision, memoryview(entries)[at + _PART_BYTES : at + size]), size


def _asked(sock: socket.socket, level: int, option: int, query: bytes) -> bytes:
    """getsockopt(2) that reads its buffer, too, which Python's doesn't."""
    buffer = ctypes.create_string_buffer(query, len(query))
    length = ctypes.c_uint32(len(query))
    if ctypes.CDLL(None, use_errno=True).getsockopt(sock.fileno(), level, option, buffer, ctypes.byref(length)) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return buffer.raw
