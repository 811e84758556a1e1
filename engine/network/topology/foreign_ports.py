"""Published ports of others, as rules of their firewall tables have them that translate destinations.

Only what is certain is told: a rule counts when all that it asks for is known here, and it leads one port to one place.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from ipaddress import ip_address

from msgspec.structs import replace

from engine.model import PortMap
from engine.network import nft, nft_rules, transport
from engine.network.topology.port_rule import PROTOCOLS, PortRule

# linux/netfilter/nf_tables.h, linux/netfilter.h
_PREROUTING = 0
_FAMILIES = {1: "inet", 2: "ip", 10: "ip6"}
_VERSIONS = {2: 4, 10: 6}
_CHAIN_TABLE, _CHAIN_NAME, _CHAIN_HOOK, _CHAIN_TYPE, _HOOK_NUMBER = 1, 3, 4, 7, 1
_TABLE, _CHAIN, _RULE_EXPRESSIONS = 1, 2, 4
_NAME, _DATA = 1, 2
_VERDICT, _VERDICT_CHAIN, _VERDICT_CODE = 2, 2, 1
_JUMPS = (-3, -4)
_L4PROTO = 16
_DNAT = 1
_NETWORK, _TRANSPORT = 1, 2
_DESTINATIONS = {(16, 4), (24, 16)}  # where the address is in headers of IPv4 and IPv6, and how long
_PROTOCOL_BYTE = (9, 1)
_PORT_BYTES = (2, 2)
_IGNORED = frozenset(("counter", "log"))
_NARROWING = frozenset((6, 7, 15))  # of meta: iifname, oifname, nfproto; who may come that way, not where it leads

_DEEPEST = 8


def read(sock: socket.socket, own_table: str) -> Iterator[PortMap]:
    """Those of nf_tables, and of iptables where it is written for that.

    Args:
        sock: of NETLINK_NETFILTER.
        own_table: is left out.

    Raises:
        OSError: the kernel doesn't answer.
    """
    for message in transport.dump(sock, nft_rules.request(nft.GETCHAIN, 0)):
        parts = dict(transport.attributes(message.payload, nft.GENERIC_BYTES))
        hook = dict(transport.attributes(parts.get(_CHAIN_HOOK, memoryview(b"")), 0))
        family, table = message.payload[0], nft_rules.text(parts[_CHAIN_TABLE])
        is_base = _HOOK_NUMBER in hook and nft_rules.number(hook[_HOOK_NUMBER]) == _PREROUTING
        if is_base and family in _FAMILIES and table != own_table and nft_rules.text(parts[_CHAIN_TYPE]) == "nat":
            yield from _of_chain(sock, family, table, nft_rules.text(parts[_CHAIN_NAME]), PortRule(), _DEEPEST)


def _of_chain(
    sock: socket.socket, family: int, table: str, chain: str, asked: PortRule, depth: int
) -> Iterator[PortMap]:
    request = nft_rules.request(nft.GETRULE, family, nft.text(_TABLE, table), nft.text(_CHAIN, chain))
    rules = [bytes(_expressions(message.payload)) for message in transport.dump(sock, request)] if depth else []
    for rule in rules:
        reader = _Reader(replace(asked))
        target = reader.follow(memoryview(rule))
        if target is None:
            continue
        if target:
            yield from _of_chain(sock, family, table, target, reader.found, depth - 1)
        elif port := reader.found.port_map(f"the chain {_FAMILIES[family]} {table} {chain}", _VERSIONS.get(family, 0)):
            yield port


class _Reader:
    """Follows a rule's expressions.

    Attributes:
        found: what it asks for.
    """

    def __init__(self, asked: PortRule) -> None:
        self.found = asked
        self._registers: dict[int, tuple[str, bytes]] = {}  # what was loaded, or the value that was

    def follow(self, expressions: memoryview) -> str | None:
        """The chain that it jumps to; empty where it translates; None where that isn't sure, or it does neither."""
        for _, value in transport.attributes(expressions, 0):
            parts = dict(transport.attributes(value, 0))
            name = nft_rules.text(parts[_NAME])
            attributes = dict(transport.attributes(parts.get(_DATA, memoryview(b"")), 0))
            if name == "nat":
                return "" if self._translates(attributes) else None
            if name == "target":
                is_dnat = nft_rules.text(attributes[1]) == "DNAT"
                return "" if is_dnat and self.found.leads_to_range(attributes[3]) else None
            if name == "immediate" and not nft_rules.register(attributes, 1):
                return _jump(attributes)
            if name not in _IGNORED and not self._understands(name, attributes):
                return None
        return None

    def _understands(self, name: str, attributes: nft_rules.Attributes) -> bool:
        if name == "immediate":
            self._registers[nft_rules.register(attributes, 1)] = ("value", nft_rules.value(attributes[2]))
        elif name == "meta" and 1 in attributes:
            self._registers[nft_rules.register(attributes, 1)] = (_meta(nft_rules.number(attributes[2])), b"")
        elif name == "payload" and 1 in attributes:
            self._registers[nft_rules.register(attributes, 1)] = (_payload(attributes), b"")
        elif name == "fib":
            # Whether the address is one of the host's.
            self._registers[nft_rules.register(attributes, 1)] = ("local", b"")
        elif name == "cmp":
            return self._compares(attributes)
        elif name == "match":
            return self.found.asks_by_match(nft_rules.text(attributes[1]), bytes(attributes[3]))
        else:
            return False
        return True

    def _compares(self, attributes: nft_rules.Attributes) -> bool:
        what, _ = self._registers.get(nft_rules.register(attributes, 1), ("", b""))
        value, is_equal = nft_rules.value(attributes[3]), nft_rules.number(attributes[2]) == 0
        if what == "narrowing":
            return True
        if not is_equal:
            return what == "address"  # all but one: such as 127.0.0.0/8
        if what == "protocol":
            return self.found.asks("protocol", PROTOCOLS.get(value[0], ""))
        if what == "port" and len(value) == _PORT_BYTES[1]:
            return self.found.asks("host_port", int.from_bytes(value, "big"))
        if what == "address" and len(value) in (4, 16):
            return self.found.asks("host_address", str(ip_address(value)))
        return what == "local"

    def _translates(self, attributes: nft_rules.Attributes) -> bool:
        """NFTA_NAT_TYPE 1, _REG_ADDR_MIN 3, _REG_PROTO_MIN 5, and where ranges end, _REG_ADDR_MAX 4, _PROTO_MAX 6."""
        if nft_rules.number(attributes[1]) != _DNAT or 3 not in attributes:
            return False
        address = self._known(nft_rules.register(attributes, 3))
        port = self._known(nft_rules.register(attributes, 5)) if 5 in attributes else b""
        ends = [(attributes[low], attributes[high]) for low, high in ((3, 4), (5, 6)) if high in attributes]
        if len(address) not in (4, 16) or any(bytes(low) != bytes(high) for low, high in ends):
            return False
        return self.found.leads_to(str(ip_address(address)), int.from_bytes(port[:2], "big"))

    def _known(self, register: int) -> bytes:
        what, value = self._registers.get(register, ("", b""))
        return value if what == "value" else b""


def _meta(key: int) -> str:
    return "protocol" if key == _L4PROTO else "narrowing" if key in _NARROWING else ""


def _payload(attributes: nft_rules.Attributes) -> str:
    base, place = nft_rules.number(attributes[2]), (nft_rules.number(attributes[3]), nft_rules.number(attributes[4]))
    if base == _TRANSPORT:
        return "port" if place == _PORT_BYTES else ""
    if base != _NETWORK:
        return ""
    return "protocol" if place == _PROTOCOL_BYTE else "address" if place in _DESTINATIONS else ""


def _jump(attributes: nft_rules.Attributes) -> str | None:
    verdict = dict(transport.attributes(dict(transport.attributes(attributes[2], 0)).get(_VERDICT, memoryview(b"")), 0))
    (code,) = struct.unpack("!i", verdict[_VERDICT_CODE])
    return nft_rules.text(verdict[_VERDICT_CHAIN]) if code in _JUMPS else None


def _expressions(payload: memoryview) -> memoryview:
    return dict(transport.attributes(payload, nft.GENERIC_BYTES)).get(_RULE_EXPRESSIONS, memoryview(b""))
