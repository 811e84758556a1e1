"""What chains of nf_tables that aren't ours do with a packet (linux/netfilter/nf_tables.h). Only read.

A rule is a row of expressions that work on registers; those that load what is known of the packet are followed, and
what others leave in a register counts as unknown.
"""

from __future__ import annotations

import socket
import struct
import sys
from collections.abc import Iterator
from functools import cached_property
from typing import NamedTuple

from engine.network import conntrack_match, nft, nft_rules, transport
from engine.network.passage import Fate, Packet, Rule, is_dropped

_HOOKS = (2, 4)  # NF_INET_FORWARD, NF_INET_POST_ROUTING
_FAMILIES = {1: "inet", 2: "ip", 10: "ip6"}
_NFPROTO = {4: 2, 6: 10}

_CHAIN_TABLE, _CHAIN_NAME, _CHAIN_HOOK, _CHAIN_POLICY, _HOOK_NUMBER = 1, 3, 4, 5, 1
_TABLE, _CHAIN = 1, 2  # of a rule
_RULE_EXPRESSIONS, _EXPRESSION_NAME, _EXPRESSION_DATA = 4, 1, 2
_VERDICT, _VERDICT_CODE, _VERDICT_CHAIN = 2, 1, 2
_FATES = {0: Fate.DROP, 1: Fate.ACCEPT, -3: Fate.JUMP, -4: Fate.GOTO, -5: Fate.RETURN}

_DESTINATION, _KEY = 1, 2  # of meta and ct
_IIFNAME, _OIFNAME, _META_FAMILY = 6, 7, 15
_CT_STATE, _CT_STATUS, _ESTABLISHED, _NEW, _IS_DNATTED = 0, 2, 2, 8, 0x20
_PAYLOAD_REGISTER, _PAYLOAD_BASE, _PAYLOAD_OFFSET, _PAYLOAD_LENGTH = 1, 2, 3, 4
_NETWORK_HEADER = 1
_ADDRESSES = {4: (12, 16, 4), 6: (8, 24, 16)}  # where source and destination are in the header, and their length
_PASSED_OVER = frozenset(("counter", "log", "flow_offload"))


class _Chain(NamedTuple):
    family: int
    table: str
    name: str
    policy: Fate

    def __str__(self) -> str:
        return f"{_FAMILIES[self.family]} {self.table} {self.name}"


class ForeignChains:
    """Chains of tables that aren't ours, each asked for once.

    Args:
        sock: of NETLINK_NETFILTER.
        own_table: is left out.
    """

    def __init__(self, sock: socket.socket, own_table: str) -> None:
        self._sock = sock
        self._own_table = own_table
        self._rules: dict[_Chain, list[bytes]] = {}

    def dropping(self, packet: Packet) -> list[str]:
        """The base chains that surely drop a packet, as nft(8) names them.

        Raises:
            OSError: EPERM without CAP_NET_ADMIN.
        """

        def rules(chain: object) -> Iterator[Rule]:
            assert isinstance(chain, _Chain)
            for expressions in self._rules_of(chain):
                rule = _Reader(packet, self._sock, chain).rule(memoryview(expressions))
                if rule is not None:
                    yield rule

        families = (1, _NFPROTO[packet.address.version])
        chains = [chain for chain in self._base_chains if chain.family in families]
        return [str(chain) for chain in chains if is_dropped(chain, rules, chain.policy)]

    @cached_property
    def _base_chains(self) -> list[_Chain]:
        found = []
        for message in transport.dump(self._sock, nft_rules.request(nft.GETCHAIN, 0)):
            parts = dict(transport.attributes(message.payload, nft.GENERIC_BYTES))
            hook = dict(transport.attributes(parts.get(_CHAIN_HOOK, memoryview(b"")), 0))
            family, table = message.payload[0], nft_rules.text(parts[_CHAIN_TABLE])
            if _HOOK_NUMBER in hook and nft_rules.number(hook[_HOOK_NUMBER]) in _HOOKS and table != self._own_table:
                drops = _CHAIN_POLICY in parts and not nft_rules.number(parts[_CHAIN_POLICY])
                policy = Fate.DROP if drops else Fate.ACCEPT
                found.append(_Chain(family, table, nft_rules.text(parts[_CHAIN_NAME]), policy))
        return found

    def _rules_of(self, chain: _Chain) -> list[bytes]:
        """The expressions of each rule."""
        if chain not in self._rules:
            found = [
                dict(transport.attributes(message.payload, nft.GENERIC_BYTES)).get(_RULE_EXPRESSIONS, memoryview(b""))
                for message in transport.dump(self._sock, _rules_of(chain))
            ]
            self._rules[chain] = [bytes(each) for each in found]
        return self._rules[chain]


class _Reader:
    """Follows the expressions of one rule with what is known of a packet."""

    def __init__(self, packet: Packet, sock: socket.socket, chain: _Chain) -> None:
        self._packet = packet
        self._sock = sock
        self._chain = chain
        self._registers: dict[int, bytes | None] = {}

    def rule(self, expressions: memoryview) -> Rule | None:
        """What it does to the packet; None where it doesn't match for sure, or decides nothing."""
        for _, value in transport.attributes(expressions, 0):
            parts = dict(transport.attributes(value, 0))
            name, data = nft_rules.text(parts[_EXPRESSION_NAME]), parts.get(_EXPRESSION_DATA, memoryview(b""))
            attributes = dict(transport.attributes(data, 0))
            if name == "reject" or (name == "target" and nft_rules.text(attributes[1]) == "REJECT"):
                return Rule(Fate.DROP)
            if name == "immediate" and nft_rules.register(attributes, 1) == 0:
                return self._verdict(attributes)
            if name not in _PASSED_OVER and not self._goes_on(name, attributes):
                return None
        return None

    def _verdict(self, attributes: nft_rules.Attributes) -> Rule | None:
        value = dict(transport.attributes(attributes[2], 0))
        verdict = dict(transport.attributes(value.get(_VERDICT, memoryview(b"")), 0))
        fate = _FATES.get(struct.unpack("!i", verdict[_VERDICT_CODE])[0])
        if fate is None:
            return None
        target = self._chain._replace(name=nft_rules.text(verdict.get(_VERDICT_CHAIN, memoryview(b""))))
        return Rule(fate, target)

    def _goes_on(self, name: str, attributes: nft_rules.Attributes) -> bool:
        """Whether a rule surely goes on after an expression."""
        if name in ("meta", "ct", "payload", "immediate", "bitwise"):
            if (2 if name == "bitwise" else 1) in attributes:  # else it sets something of the packet
                register, value = self._loaded(name, attributes)
                self._registers[register] = value
            return True
        if name == "match":
            return self._is_matched(nft_rules.text(attributes[1]), attributes[3])
        if name not in ("cmp", "lookup"):
            return False
        known = self._registers.get(nft_rules.register(attributes, 2 if name == "lookup" else 1))
        if known is None:
            return False
        return self._compares(known, attributes) if name == "cmp" else self._is_in_set(known, attributes)

    def _is_matched(self, name: str, info: memoryview) -> bool:
        """By a match of iptables' own."""
        return name == "comment" or (name == "conntrack" and conntrack_match.matches(info, self._packet) is True)

    def _loaded(self, name: str, attributes: nft_rules.Attributes) -> tuple[int, bytes | None]:
        if name == "payload":
            return nft_rules.register(attributes, _PAYLOAD_REGISTER), self._payload(attributes)
        if name == "bitwise":
            return nft_rules.register(attributes, 2), self._masked(attributes)
        key = nft_rules.number(attributes[_KEY]) if name != "immediate" else -1
        register = nft_rules.register(attributes, _DESTINATION)
        return register, self._meta(key) if name == "meta" else self._connection(key) if name == "ct" else None

    def _meta(self, key: int) -> bytes | None:
        if key == _META_FAMILY:
            return bytes([_NFPROTO[self._packet.address.version]])
        device = {_IIFNAME: self._packet.incoming, _OIFNAME: self._packet.outgoing}.get(key)
        return device.encode().ljust(16, b"\0") if device else None

    def _connection(self, key: int) -> bytes | None:
        state = _NEW if self._packet.is_new else _ESTABLISHED
        known = {_CT_STATE: state, _CT_STATUS: _IS_DNATTED if self._packet.is_published else 0}.get(key)
        return known.to_bytes(4, sys.byteorder) if known is not None else None

    def _payload(self, attributes: nft_rules.Attributes) -> bytes | None:
        source, destination, length = _ADDRESSES[self._packet.address.version]
        offset, wanted = nft_rules.number(attributes[_PAYLOAD_OFFSET]), nft_rules.number(attributes[_PAYLOAD_LENGTH])
        known_at = destination if self._packet.to_bridge else source
        if nft_rules.number(attributes[_PAYLOAD_BASE]) != _NETWORK_HEADER or offset != known_at or wanted > length:
            return None
        return self._packet.address.packed[:wanted]

    def _masked(self, attributes: nft_rules.Attributes) -> bytes | None:
        known = self._registers.get(nft_rules.register(attributes, 1))
        if known is None or 4 not in attributes or 5 not in attributes:
            return None
        mask, flipped = (nft_rules.value(attributes[kind]) for kind in (4, 5))
        return bytes(a & b ^ c for a, b, c in zip(known, mask, flipped, strict=False))

    def _compares(self, known: bytes, attributes: nft_rules.Attributes) -> bool:
        value, operation = nft_rules.value(attributes[3]), nft_rules.number(attributes[2])
        return operation in (0, 1) and (known[: len(value)] == value) == (operation == 0)

    def _is_in_set(self, known: bytes, attributes: nft_rules.Attributes) -> bool:
        """Whether it is one of a set's elements; ranges and maps aren't looked into."""
        if 3 in attributes:
            return False
        table, name = nft.text(1, self._chain.table), nft.text(2, nft_rules.text(attributes[1]))
        request = nft_rules.request(nft.GETSETELEM, self._chain.family, table, name)
        keys = {key for message in transport.dump(self._sock, request) for key in nft.keys_in(message.payload)}
        is_inverted = 5 in attributes and bool(nft_rules.number(attributes[5]) & 1)
        return None not in keys and (known in keys) != is_inverted


def _rules_of(chain: _Chain) -> bytes:
    return nft_rules.request(nft.GETRULE, chain.family, nft.text(_TABLE, chain.table), nft.text(_CHAIN, chain.name))
