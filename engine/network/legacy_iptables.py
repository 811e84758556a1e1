"""What the chain FORWARD of iptables-legacy does with a packet."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address

from engine.network import conntrack_match, legacy_tables
from engine.network.legacy_tables import Entry, Table
from engine.network.passage import Fate, Packet, Rule, is_dropped

_DEVICES = struct.Struct("=16s16s16s16s")  # incoming and outgoing, and which of their bytes count
_FATES = {-1: Fate.DROP, -2: Fate.ACCEPT, -5: Fate.RETURN}  # -NF_DROP - 1, -NF_ACCEPT - 1, XT_RETURN
_VIA_IN, _VIA_OUT, _SOURCE, _DESTINATION = 1, 2, 8, 16  # IPT_INV_*, IP6T_INV_*
_IS_GOTO = {4: 0x02, 6: 0x04}  # IPT_F_GOTO, IP6T_F_GOTO


def dropping(packet: Packet) -> list[str]:
    """``iptables`` or ``ip6tables``, if it surely drops a packet that is forwarded."""
    family = legacy_tables.FAMILIES[packet.address.version]
    with suppress(OSError, struct.error):
        table = legacy_tables.read(family, "filter", legacy_tables.FORWARD)
        if table is not None and _drops(table, packet):
            return [family.name]
    return []


def _drops(table: Table, packet: Packet) -> bool:
    def rules(place: object) -> Iterator[Rule]:
        assert isinstance(place, int)
        return _matching(table, place, packet)

    return is_dropped(table.first, rules, Fate.ACCEPT)  # the policy is a rule


def _matching(table: Table, place: int, packet: Packet) -> Iterator[Rule]:
    """The rules from a place on that surely match and decide something."""
    for entry in table.chain(place):
        if not (_matches(entry, packet) and _asks_no_more(entry, packet)):
            continue
        if entry.target.name == "REJECT":
            yield Rule(Fate.DROP)
        elif not entry.target.name:
            verdict = entry.target.verdict
            is_goto = entry.flags & _IS_GOTO[packet.address.version]
            if verdict >= 0 and verdict != entry.after:
                yield Rule(Fate.GOTO if is_goto else Fate.JUMP, verdict)
            elif verdict in _FATES:
                yield Rule(_FATES[verdict])


def _matches(entry: Entry, packet: Packet) -> bool:
    """Whether devices and addresses surely match, and no protocol is asked for."""
    inverted = entry.inverted
    place = entry.place + entry.family.devices_at
    wanted_in, wanted_out, mask_in, mask_out = _DEVICES.unpack_from(entry.entries, place)
    source, destination, source_mask, destination_mask = entry.addresses
    sender, receiver = (None, packet.address) if packet.to_bridge else (packet.address, None)
    return (
        not entry.protocol
        and _agrees(_device(packet.incoming), wanted_in, mask_in, inverted & _VIA_IN)
        and _agrees(_device(packet.outgoing), wanted_out, mask_out, inverted & _VIA_OUT)
        and _agrees(_packed(sender), source, source_mask, inverted & _SOURCE)
        and _agrees(_packed(receiver), destination, destination_mask, inverted & _DESTINATION)
    )


def _asks_no_more(entry: Entry, packet: Packet) -> bool:
    for match in entry.matches:
        if match.name == "conntrack" and match.revision >= 2:
            if conntrack_match.matches(match.info, packet) is not True:
                return False
        elif match.name != "comment":
            return False
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
