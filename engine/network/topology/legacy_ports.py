"""Published ports of others by iptables-legacy, whose rules nf_tables doesn't tell of; certain ones only."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import suppress
from ipaddress import ip_address

from msgspec.structs import replace

from engine.model import PortMap
from engine.network import legacy_tables
from engine.network.legacy_tables import Entry, Table
from engine.network.topology.port_rule import PROTOCOLS, PortRule

_DESTINATION, _PROTOCOL = 0x10, 0x40  # IPT_INV_DSTIP, IPT_INV_PROTO, and those of ip6_tables.h
_OLD_RANGE = struct.Struct("!8x4s4sHH")  # struct nf_nat_ipv4_multi_range_compat with one range
_DEEPEST = 8


def read() -> Iterator[PortMap]:
    """Those of the network namespace of the calling thread."""
    for version, family in legacy_tables.FAMILIES.items():
        with suppress(OSError, struct.error):
            table = legacy_tables.read(family, "nat", legacy_tables.PREROUTING)
            if table is not None:
                yield from _of_chain(table, table.first, PortRule(), version, table.chain_names(), _DEEPEST)


def _of_chain(
    table: Table, place: int, asked: PortRule, version: int, names: dict[int, str], depth: int
) -> Iterator[PortMap]:
    for entry in table.chain(place) if depth else ():
        rule = replace(asked)
        if not _is_understood(entry, rule):
            continue
        if not entry.target.name and entry.target.verdict >= 0 and entry.target.verdict != entry.after:
            yield from _of_chain(table, entry.target.verdict, rule, version, names, depth - 1)
        elif entry.target.name == "DNAT" and _leads(entry, rule):
            by = f"the legacy {table.family.name} chain {names.get(place, 'PREROUTING')}"
            if port := rule.port_map(by, version):
                yield port


def _is_understood(entry: Entry, rule: PortRule) -> bool:
    """Note what a rule asks for; False where that isn't certain. Devices only narrow who may come."""
    _, destination, source_mask, destination_mask = entry.addresses
    if any(source_mask):
        return False
    if any(destination_mask) and not entry.inverted & _DESTINATION:
        is_one = not destination_mask.strip(b"\xff")
        if not (is_one and rule.asks("host_address", str(ip_address(destination)))):
            return False
    if entry.protocol:
        is_known = not entry.inverted & _PROTOCOL and entry.protocol in PROTOCOLS
        if not is_known or not rule.asks("protocol", PROTOCOLS[entry.protocol]):
            return False
    return all(rule.asks_by_match(match.name, bytes(match.info)) for match in entry.matches)


def _leads(entry: Entry, rule: PortRule) -> bool:
    info = entry.target.info
    if entry.target.revision:
        return rule.leads_to_range(info)
    first, last, first_port, last_port = _OLD_RANGE.unpack_from(info)
    return bool(first == last and first_port == last_port and rule.leads_to(str(ip_address(first)), first_port))
