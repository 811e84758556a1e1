"""Rules of others that may keep traffic from containers: docker's, firewalld's, ufw's or a person's. Only read.

A packet that our table lets pass is still dropped by any other table that drops it (nft(8), "VERDICT STATEMENTS").
What is dropped at the end of a chain can have been accepted before, so these are warnings and no refusals.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from typing import NamedTuple

from engine.network import legacy_iptables, nft, transport

_FORWARD_HOOK = 2  # NF_INET_FORWARD
_DROP = 0  # NF_DROP
_FAMILIES = {0: "", 1: "inet", 2: "ip", 10: "ip6"}

# linux/netfilter/nf_tables.h
_CHAIN_TABLE, _CHAIN_NAME, _CHAIN_HOOK, _CHAIN_POLICY = 1, 3, 4, 5
_HOOK_NUMBER = 1
_RULE_EXPRESSIONS = 4
_EXPRESSION, _EXPRESSION_NAME, _EXPRESSION_DATA = 1, 1, 2
_IMMEDIATE_DATA, _DATA_VERDICT, _VERDICT_CODE = 2, 2, 1

_OUR_NAMES = (b"boxdeck", b"bdk")  # what bridges of ours are called


class _Chain(NamedTuple):
    family: int
    table: str
    name: str
    policy: int


def obstacles(own_table: str, bridge: str) -> tuple[str, ...]:
    """One sentence for each chain of forwarded packets that drops what none of its rules has accepted.

    Chains of which a rule mentions our bridges are taken to know of them.

    Args:
        bridge: the one that packets are to reach.

    Raises:
        OSError: EPERM without CAP_NET_ADMIN.
    """
    found = []
    with transport.open_socket(transport.NETLINK_NETFILTER) as sock:
        for chain in _forward_chains(sock):
            rules = b"" if chain.table == own_table else _rules_of_table(sock, chain)
            if chain.table == own_table or any(name in rules for name in _OUR_NAMES):
                continue
            if chain.policy == _DROP or _refuses_at_the_end(sock, chain):
                found.append(f"the chain {_FAMILIES[chain.family]} {chain.table} {chain.name}")
    found += [f"the legacy {name} chain FORWARD" for name in legacy_iptables.dropping()]
    remedy = f"have it let pass what comes from {bridge} or goes there"
    return tuple(f"{who} may drop what goes to containers: {remedy}" for who in found)


def _forward_chains(sock: socket.socket) -> Iterator[_Chain]:
    for message in transport.dump(sock, _request(nft.GETCHAIN, 0)):
        family = message.payload[0]
        parts = dict(transport.attributes(message.payload, nft.GENERIC_BYTES))
        hook = dict(transport.attributes(parts[_CHAIN_HOOK], 0)) if _CHAIN_HOOK in parts else {}
        if family in _FAMILIES and _HOOK_NUMBER in hook and _number(hook[_HOOK_NUMBER]) == _FORWARD_HOOK:
            policy = _number(parts[_CHAIN_POLICY]) if _CHAIN_POLICY in parts else 1
            yield _Chain(family, _text(parts[_CHAIN_TABLE]), _text(parts[_CHAIN_NAME]), policy)


def _rules_of_table(sock: socket.socket, chain: _Chain) -> bytes:
    """All rules of the table, as bytes in which a name can be looked for."""
    request = _request(nft.GETRULE, chain.family, nft.text(1, chain.table))
    return b"".join(bytes(message.payload) for message in transport.dump(sock, request))


def _refuses_at_the_end(sock: socket.socket, chain: _Chain) -> bool:
    """Whether the last rule drops or rejects whatever comes to it, as firewalld's does."""
    request = _request(nft.GETRULE, chain.family, nft.text(1, chain.table), nft.text(2, chain.name))
    rules = transport.dump(sock, request)
    if not rules:
        return False
    parts = dict(transport.attributes(rules[-1].payload, nft.GENERIC_BYTES))
    expressions = [value for _, value in transport.attributes(parts.get(_RULE_EXPRESSIONS, memoryview(b"")), 0)]
    said = [dict(transport.attributes(value, 0)) for value in expressions]
    telling = [each for each in said if _text(each[_EXPRESSION_NAME]) not in ("counter", "log", "limit")]
    return len(telling) == 1 and _refuses(telling[0])


def _refuses(expression: dict[int, memoryview]) -> bool:
    name = _text(expression[_EXPRESSION_NAME])
    if name != "immediate":
        return name == "reject"
    data = dict(transport.attributes(expression[_EXPRESSION_DATA], 0))
    value = dict(transport.attributes(data.get(_IMMEDIATE_DATA, memoryview(b"")), 0))
    verdict = dict(transport.attributes(value.get(_DATA_VERDICT, memoryview(b"")), 0))
    return _VERDICT_CODE in verdict and _number(verdict[_VERDICT_CODE]) == _DROP


def _request(kind: int, family: int, *attributes: bytes) -> bytes:
    """As `nft.request`, of any family; 0 is all of them."""
    made = bytearray(nft.request(kind, *attributes))
    made[nft.HEADER_BYTES] = family
    return bytes(made)


def _number(value: memoryview) -> int:
    return int(struct.unpack("!I", value)[0])


def _text(value: memoryview) -> str:
    return bytes(value).rstrip(b"\0").decode(errors="replace")
