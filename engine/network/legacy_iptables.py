"""What the chain FORWARD of iptables-legacy does with a packet; nf_tables knows nothing of it. Only read.

All rules are one block of memory (linux/netfilter/x_tables.h): each is a struct ipt_entry or ip6t_entry, with what it
asks for and its target behind it, and a jump names the offset of the rule that it leads to.
"""

from __future__ import annotations

import ctypes
import os
import socket
import struct
from collections.abc import Iterator
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import NamedTuple

from engine.network import conntrack_match
from engine.network.passage import Fate, Packet, Rule, is_dropped

# struct ipt_getinfo and ip6t_getinfo: name, valid hooks, entries of hooks, ends of chains, number of entries, size
_INFO = struct.Struct("=32sI5I5III")
_GET_INFO, _GET_ENTRIES = 64, 65
_FORWARD = 2  # NF_INET_FORWARD
_ENTRIES_HEADER = 40  # struct ipt_get_entries: name, size, and room for alignment
_PART = struct.Struct("=H29sB")  # struct xt_entry_match and xt_entry_target: size, name, revision
_PART_BYTES = 32
_DEVICES = struct.Struct("=16s16s16s16s")  # incoming and outgoing, and which of their bytes count
_FATES = {-1: Fate.DROP, -2: Fate.ACCEPT, -5: Fate.RETURN}  # -NF_DROP - 1, -NF_ACCEPT - 1, XT_RETURN
_VIA_IN, _VIA_OUT, _SOURCE, _DESTINATION = 1, 2, 8, 16  # IPT_INV_*, IP6T_INV_*
_IS_GOTO = {4: 0x02, 6: 0x04}  # IPT_F_GOTO, IP6T_F_GOTO


class _Family(NamedTuple):
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


_FAMILIES = {
    4: _Family("iptables", "ip_tables_names", socket.AF_INET, socket.IPPROTO_IP, 4, 16, 82, 80, 88, 112),
    6: _Family("ip6tables", "ip6_tables_names", socket.AF_INET6, socket.IPPROTO_IPV6, 16, 64, 131, 128, 140, 168),
}


class _Table(NamedTuple):
    entries: bytes
    first: int  # of FORWARD
    last: int  # what becomes of a packet at its end


def dropping(packet: Packet) -> list[str]:
    """``iptables`` or ``ip6tables``, if it surely drops a packet that is forwarded."""
    family = _FAMILIES[packet.address.version]
    with suppress(OSError, struct.error):
        if "filter" in (Path("/proc/net") / family.names_file).read_text().split():
            table = _read(family)

            def rules(place: object) -> Iterator[Rule]:
                assert isinstance(place, int)
                return _matching(family, table.entries, place, packet)

            if is_dropped(table.first, rules, Fate.ACCEPT):  # the policy is a rule
                return [family.name]
    return []


def _matching(family: _Family, entries: bytes, place: int, packet: Packet) -> Iterator[Rule]:
    """The rules from a place on that surely match and decide something."""
    while place < len(entries):
        target, after = struct.unpack_from("=HH", entries, place + family.offsets_at)
        _, name, _ = _PART.unpack_from(entries, place + target)
        kind = name.split(b"\0")[0]
        if kind == b"ERROR":  # the beginning of the next chain
            return
        if _matches(family, entries, place, packet) and _asks_no_more(family, entries, place, target, packet):
            if kind == b"REJECT":
                yield Rule(Fate.DROP)
            elif not kind:  # the standard target
                (verdict,) = struct.unpack_from("=i", entries, place + target + _PART_BYTES)
                is_goto = entries[place + family.flags_at] & _IS_GOTO[packet.address.version]
                if verdict >= 0 and verdict != place + after:
                    yield Rule(Fate.GOTO if is_goto else Fate.JUMP, verdict)
                elif verdict in _FATES:
                    yield Rule(_FATES[verdict])
        place += after


def _matches(family: _Family, entries: bytes, place: int, packet: Packet) -> bool:
    """Whether devices and addresses surely match, and no protocol is asked for."""
    inverted = entries[place + family.flags_at + 1]
    wanted_in, wanted_out, mask_in, mask_out = _DEVICES.unpack_from(entries, place + family.devices_at)
    size = family.address_bytes
    source, destination, source_mask, destination_mask = (
        entries[place + size * number : place + size * (number + 1)] for number in range(4)
    )
    sender, receiver = (None, packet.address) if packet.to_bridge else (packet.address, None)
    return (
        not struct.unpack_from("=H", entries, place + family.protocol_at)[0]
        and _agrees(_device(packet.incoming), wanted_in, mask_in, inverted & _VIA_IN)
        and _agrees(_device(packet.outgoing), wanted_out, mask_out, inverted & _VIA_OUT)
        and _agrees(_packed(sender), source, source_mask, inverted & _SOURCE)
        and _agrees(_packed(receiver), destination, destination_mask, inverted & _DESTINATION)
    )


def _asks_no_more(family: _Family, entries: bytes, place: int, target: int, packet: Packet) -> bool:
    at = place + family.entry_bytes
    while at < place + target:
        size, name, revision = _PART.unpack_from(entries, at)
        kind = name.split(b"\0")[0]
        if kind == b"conntrack" and revision >= 2:
            info = memoryview(entries)[at + _PART_BYTES : at + size]
            if conntrack_match.matches(info, packet) is not True:
                return False
        elif kind != b"comment":
            return False
        at += size
    return True


def _agrees(known: bytes | None, wanted: bytes, mask: bytes, is_inverted: int) -> bool:
    if not any(mask):
        return True
    if known is None:
        return False
    return all(a & m == b & m for a, b, m in zip(known, wanted, mask, strict=True)) != bool(is_inverted)


def _device(name: str | None) -> bytes | None:
    return name.encode().ljust(16, b"\0") if name else None


def _packed(address: IPv4Address | IPv6Address | None) -> bytes | None:
    return address.packed if address is not None else None


def _read(family: _Family) -> _Table:
    with socket.socket(family.family, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.IPPROTO_RAW) as sock:
        info = _asked(sock, family.level, _GET_INFO, b"filter".ljust(_INFO.size, b"\0"))
        fields = _INFO.unpack(info)
        size = fields[13]
        query = struct.pack("=32sI4x", b"filter", size).ljust(_ENTRIES_HEADER + size, b"\0")
        entries = _asked(sock, family.level, _GET_ENTRIES, query)[_ENTRIES_HEADER:]
    return _Table(entries, fields[2 + _FORWARD], fields[7 + _FORWARD])


def _asked(sock: socket.socket, level: int, option: int, query: bytes) -> bytes:
    """getsockopt(2) that reads its buffer, too, which Python's doesn't."""
    buffer = ctypes.create_string_buffer(query, len(query))
    length = ctypes.c_uint32(len(query))
    if ctypes.CDLL(None, use_errno=True).getsockopt(sock.fileno(), level, option, buffer, ctypes.byref(length)) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return buffer.raw
