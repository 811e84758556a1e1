"""What is in our one nftables table, as messages: chains whose rules never change, and sets and maps that do.

A network or a published port is elements, so adding one takes no rule, and a packet's way through the chains is as
long with one port as with a thousand. What the chains do, as nft(8) would say it, is beside their code.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable, Sequence
from functools import cache, lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from msgspec import Struct

from engine.network import nft

# Bits of conntrack, linux/netfilter/nf_conntrack_common.h
_CT_STATE, _CT_STATUS = 0, 2
_ESTABLISHED_OR_RELATED = 2 | 4
_IS_DNATTED = 0x20

# linux/netfilter/nf_tables.h, linux/netfilter.h, linux/netfilter_ipv4.h
_IIFNAME, _OIFNAME, _NFPROTO, _L4PROTO = 6, 7, 15, 16
_NETWORK, _TRANSPORT = 1, 2
_PREROUTING, _FORWARD, _OUTPUT, _POSTROUTING = 0, 2, 3, 4
_RAW, _DSTNAT, _OUTPUT_DSTNAT, _FILTER, _SRCNAT = -300, -100, -100, 0, 100
_DROP, _ACCEPT, _JUMP, _RETURN = 0, 1, -3, -5
_INTERVAL_END = 1
_NAME_BYTES = 16  # IFNAMSIZ

_MOST_ELEMENTS = 500  # in one message: an attribute has at most 64 KiB

_NAME = nft.INTERFACE_NAME
_LOOPBACK6 = IPv6Address("::1").packed
_PROTOCOLS = {"tcp": 6, "udp": 17, "sctp": 132}

Subnet = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address


class GuardedNetwork(Struct, frozen=True, kw_only=True):
    """A network as the firewall sees it.

    Attributes:
        bridge: the name of its device on the host.
        subnets: what its containers' addresses are from, of either family.
        is_internal: nothing goes in or out but between its own containers and the host.
    """

    bridge: str
    subnets: tuple[Subnet, ...]
    is_internal: bool = False


class PortMapping(Struct, frozen=True, kw_only=True):
    """One port of the host that leads to one of a container's; both addresses are of one family.

    Attributes:
        host_address: where it is published; the unspecified address (0.0.0.0, ::) for all of the host's.
        protocol: tcp, udp or sctp.
    """

    host_address: Address
    host_port: int
    protocol: str
    container_address: Address
    container_port: int


def is_of_loopback(host_address: Address) -> bool:
    """Whether what is published there is at 127.0.0.1, too."""
    return host_address.version == 4 and (host_address.is_loopback or host_address.is_unspecified)


class _Family(Struct, frozen=True):
    number: int  # NFPROTO_*
    suffix: str
    address: tuple[int, int]
    source: int  # offset in the header, as the next
    destination: int
    port_register: int  # where a mapped port is, behind an address in register 1
    second_register: int  # the registers behind an address in register 1
    third_register: int


_V4 = _Family(2, "4", nft.IPV4, 12, 16, port_register=9, second_register=9, third_register=10)
_V6 = _Family(10, "6", nft.IPV6, 8, 24, port_register=2, second_register=2, third_register=13)
_FAMILIES = (_V4, _V6)


def make_table(table: str) -> list[bytes]:
    """An empty table of ours in place of any that there is, for the beginning of a transaction."""
    base = [nft.add_table(table, ""), nft.delete_table(table), nft.add_table(table, stamp())]
    return base + _sets(table) + _chains(table)


def remove_table(table: str) -> list[bytes]:
    """No table, whether there was one or not."""
    return [nft.add_table(table, ""), nft.delete_table(table)]


def add_network(table: str, network: GuardedNetwork) -> list[bytes]:
    """The elements of a network; that they are there already is no error."""
    return [nft.change_elements(nft.NEWSETELEM, table, name, found) for name, found in _network(network)]


def remove_network(table: str, network: GuardedNetwork) -> list[bytes]:
    """None of these elements, whether they were there or not."""
    return _removed(table, _network(network))


@lru_cache(maxsize=64)
def ask_for_bridge(table: str, bridge: str) -> bytes:
    """Ask for the element that tells of a network, see `described`."""
    return nft.change_elements(nft.GETSETELEM, table, "bridges", [nft.element(_name(bridge))])


@lru_cache(maxsize=64)
def described(network: GuardedNetwork) -> str:
    """What the comment of a network's bridge is: all of the network, and which edition of the chains it is in."""
    kind = "internal " if network.is_internal else ""
    return f"{kind}{' '.join(str(subnet) for subnet in network.subnets)} in {stamp()}"


def add_ports(table: str, mappings: Iterable[PortMapping]) -> list[bytes]:
    """The elements of published ports; that the very same are there already is no error, others are EEXIST."""
    return [nft.change_elements(nft.NEWSETELEM, table, name, found) for name, found in _ports(mappings)]


def replace_ports(table: str, mappings: Sequence[PortMapping]) -> list[bytes]:
    """These elements in place of others; something has to be there (else ENOENT, and nothing is changed)."""
    gone = [nft.change_elements(nft.DELSETELEM, table, name, found) for name, found in _ports(mappings)]
    return gone + add_ports(table, mappings)


def remove_ports(table: str, mappings: Iterable[PortMapping]) -> list[bytes]:
    """None of these elements, whether they were there or not; one that leads elsewhere stays, which is EEXIST."""
    return _removed(table, _ports(mappings))


def elements(networks: Iterable[GuardedNetwork], ports: Iterable[PortMapping]) -> dict[str, frozenset[bytes]]:
    """All elements that belong into a table, by the names of their sets, as `nft.elements_in` has them."""
    found: dict[str, set[bytes]] = {}
    for name, encoded in (*(part for network in networks for part in _network(network)), *_ports(ports)):
        for each in encoded:
            found.setdefault(name, set()).update(nft.canonical(memoryview(each)))
    return {name: frozenset(each) for name, each in found.items()}


def set_names() -> tuple[str, ...]:
    """The names of all sets and maps."""
    by_family = ("subnets", "homes", "ports", "everywhere")
    return ("bridges", "internal", "within", *(name + family.suffix for name in by_family for family in _FAMILIES))


@cache
def stamp() -> str:
    """The edition of the chains: an older Boxdeck's table is known by it, and made anew."""
    digest = hashlib.sha256(b"".join(_sets("") + _chains(""))).hexdigest()
    return f"boxdeck's, edition {digest[:8]}"


def _sets(table: str) -> list[bytes]:
    found = [
        nft.add_set(table, "bridges", 1, (_NAME,)),
        nft.add_set(table, "internal", 2, (_NAME,)),
        nft.add_set(table, "within", 3, (_NAME, _NAME)),
    ]
    for family in _FAMILIES:
        first, target = 10 * family.number, (family.address, nft.SERVICE)
        found += [
            nft.add_set(table, f"subnets{family.suffix}", first, (family.address,), intervals=True),
            nft.add_set(table, f"homes{family.suffix}", first + 1, (_NAME, family.address), intervals=True),
            nft.add_set(table, f"ports{family.suffix}", first + 2, (family.address, nft.PROTOCOL, nft.SERVICE), target),
            nft.add_set(table, f"everywhere{family.suffix}", first + 3, (nft.PROTOCOL, nft.SERVICE), target),
        ]
    return found


def _chains(table: str) -> list[bytes]:
    return [*_guard(table), *_hush(table), *_publish(table), *_forward(table), *_postrouting(table)]


def _guard(table: str) -> list[bytes]:
    """Containers don't reach the host's loopback, where bridges have route_localnet (CVE-2020-8558).

    Answers to what the host itself sent by way of 127.0.0.1 are still addressed to the bridge here.
    """
    ours = nft.meta(_IIFNAME) + nft.lookup("bridges")
    return [
        nft.add_chain(table, "guard", "filter", _PREROUTING, _RAW),
        *(
            nft.add_rule(table, "guard", words, _loopback(offset), ours, nft.verdict(_DROP))
            for words, offset in (("containers don't reach 127.0.0.0/8", 16), ("nor come from there", 12))
        ),
    ]


def _hush(table: str) -> list[bytes]:
    """A newcomer's MLD reports don't go to all containers, where bridged packets pass here (br_netfilter).

    They say that he listens to the groups in which neighbours ask for the hardware addresses of his one or two own (RFC
    4291, "solicited-node"), which no router forwards and our bridges deliver anyway. Reports of all other groups pass.
    """
    ours = nft.meta(_IIFNAME) + nft.lookup("bridges")
    report = _of_family(_V6) + nft.meta(_L4PROTO) + nft.compare(b"\x3a") + _transport(0, b"\x8f")
    return [
        nft.add_rule(
            table, "guard", "newcomers' own groups", report, _transport(6, number), *joins, ours, nft.verdict(_DROP)
        )
        for number, joins in ((b"\0\1", (_joins(8),)), (b"\0\2", (_joins(8), _joins(28))))
    ]


def _joins(offset: int) -> bytes:
    """A record "change to exclude" without sources, of ff02::1:ff00:0/104 (RFC 3810, 5.2)."""
    return _transport(offset, b"\4\0\0\0") + _transport(offset + 4, b"\xff\2" + bytes(9) + b"\1\xff")


def _publish(table: str) -> list[bytes]:
    """``dnat ip to ip daddr . meta l4proto . th dport map @ports4`` and so on, for what is sent to the host.

    127.0.0.0/8 is left out where packets come in, since before routing nobody has looked yet whether a neighbour
    may send there.
    """
    local = nft.destination_is_local()
    found = [nft.add_chain(table, "publish")]
    for family in _FAMILIES:
        found += [_dnat(table, family, exact=True), _dnat(table, family, exact=False)]
    return [
        *found,
        nft.add_chain(table, "prerouting", "nat", _PREROUTING, _DSTNAT),
        nft.add_rule(table, "prerouting", "the host's own", _loopback(16), nft.verdict(_RETURN)),
        nft.add_rule(table, "prerouting", "published ports", local, nft.verdict(_JUMP, "publish")),
        nft.add_chain(table, "output", "nat", _OUTPUT, _OUTPUT_DSTNAT),
        nft.add_rule(table, "output", "published ports", local, nft.verdict(_JUMP, "publish")),
    ]


def _dnat(table: str, family: _Family, exact: bool) -> bytes:
    if exact:
        load = nft.payload(_NETWORK, family.destination, family.address[1])
        registers, name, words = (family.second_register, family.third_register), "ports", "at one address"
    else:
        load, registers, name, words = b"", (1, 9), "everywhere", "at any address"
        if family is _V6:  # an element of its own where that can lead anywhere, see engine.network.loopback_way
            load = nft.payload(_NETWORK, family.destination, 16) + nft.compare(_LOOPBACK6, differs=True)
    return nft.add_rule(
        table,
        "publish",
        f"published {words}",
        _of_family(family),
        load,
        nft.meta(_L4PROTO, registers[0]),
        nft.payload(_TRANSPORT, 2, 2, registers[1]),
        nft.mapped(f"{name}{family.suffix}"),
        nft.dnat(family.number, family.port_register),
    )


def _forward(table: str) -> list[bytes]:
    """What may pass to a container's network from elsewhere: answers, and what came through a published port."""
    to_ours = nft.meta(_OIFNAME) + nft.lookup("bridges")
    inside = nft.meta(_IIFNAME) + nft.meta(_OIFNAME, 2) + nft.lookup("within")
    answers = nft.connection_bits(_CT_STATE, _ESTABLISHED_OR_RELATED)
    published = nft.connection_bits(_CT_STATUS, _IS_DNATTED)
    rules = (
        ("within a network", inside, _ACCEPT),
        ("internal networks have no way out", nft.meta(_IIFNAME) + nft.lookup("internal"), _DROP),
        ("nor in", nft.meta(_OIFNAME) + nft.lookup("internal"), _DROP),
        ("answers", to_ours + answers, _ACCEPT),
        ("published ports", to_ours + published, _ACCEPT),
        ("nothing else comes in", to_ours, _DROP),
    )
    chain = nft.add_chain(table, "forward", "filter", _FORWARD, _FILTER)
    return [chain, *(nft.add_rule(table, "forward", words, e, nft.verdict(code)) for words, e, code in rules)]


def _postrouting(table: str) -> list[bytes]:
    """Containers leave under the address of the way out.

    So does what a published port sends back to where it came from, to a container of the same network or from the
    host's loopback: the answer has to pass here again.
    """
    chain = "postrouting"
    found = [
        nft.add_chain(table, chain, "nat", _POSTROUTING, _SRCNAT),
        nft.add_rule(table, chain, "the host to itself", nft.meta(_OIFNAME), nft.compare(_name("lo")),
                     nft.verdict(_RETURN)),
    ]  # fmt: skip
    to_ours = nft.meta(_OIFNAME) + nft.lookup("bridges")
    for family in _FAMILIES:
        source = nft.payload(_NETWORK, family.source, family.address[1])
        ours = _of_family(family) + source + nft.lookup(f"subnets{family.suffix}")
        pair = nft.meta(_OIFNAME) + nft.payload(_NETWORK, family.source, family.address[1], 2)
        home = f"homes{family.suffix}"
        loopback = _loopback(12) if family is _V4 else _of_family(_V6) + source + nft.compare(_LOOPBACK6)
        again = _of_family(family) + nft.connection_bits(_CT_STATUS, _IS_DNATTED) + pair + nft.lookup(home)
        rules = (
            ("the way out", ours + pair + nft.lookup(home, inverted=True)),
            ("back to one's own network", again),
            ("from the host's loopback", loopback + to_ours),
        )
        found += [nft.add_rule(table, chain, words, match, nft.masquerade()) for words, match in rules]
    return found


def _network(network: GuardedNetwork) -> list[tuple[str, list[bytes]]]:
    bridge = _name(network.bridge)
    found = [
        ("bridges", [nft.element(bridge, words=described(network))]),
        ("within", [nft.element(bridge + bridge)]),
    ]
    if network.is_internal:
        found.append(("internal", [nft.element(bridge)]))
    for subnet in network.subnets:
        first, last, after = subnet.network_address, subnet.broadcast_address, subnet.broadcast_address + 1
        edges = [nft.element(first.packed), nft.element(after.packed, flags=_INTERVAL_END)]
        found.append((f"subnets{_suffix(first)}", edges))
        found.append((f"homes{_suffix(first)}", [nft.element(bridge + first.packed, end=bridge + last.packed)]))
    return found


def _ports(mappings: Iterable[PortMapping]) -> list[tuple[str, list[bytes]]]:
    """Elements by the name of their map."""
    found: dict[str, list[bytes]] = {}
    for mapping in mappings:
        name, key = "everywhere", _number(_PROTOCOLS[mapping.protocol], 1) + _number(mapping.host_port, 2)
        if not mapping.host_address.is_unspecified:
            name, key = "ports", mapping.host_address.packed + key
        target = mapping.container_address.packed + _number(mapping.container_port, 2)
        found.setdefault(name + _suffix(mapping.container_address), []).append(nft.element(key, target))
    return [
        (name, elements[first : first + _MOST_ELEMENTS])
        for name, elements in found.items()
        for first in range(0, len(elements), _MOST_ELEMENTS)
    ]


def _removed(table: str, elements: Iterable[tuple[str, list[bytes]]]) -> list[bytes]:
    """Added and removed in one transaction, since removing alone what isn't there undoes all of it (in 40 ms)."""
    return [
        nft.change_elements(kind, table, name, found)
        for name, found in elements
        for kind in (nft.NEWSETELEM, nft.DELSETELEM)
    ]


def _of_family(family: _Family) -> bytes:
    return nft.meta(_NFPROTO) + nft.compare(bytes([family.number]))


def _transport(offset: int, value: bytes) -> bytes:
    return nft.payload(_TRANSPORT, offset, len(value)) + nft.compare(value)


def _loopback(offset: int) -> bytes:
    return _of_family(_V4) + nft.payload(_NETWORK, offset, 1) + nft.compare(b"\x7f")


def _suffix(address: Address) -> str:
    return str(address.version)


def _name(device: str) -> bytes:
    return device.encode().ljust(_NAME_BYTES, b"\0")


def _number(value: int, length: int) -> bytes:
    """In network order, filled up to a register's four bytes."""
    return struct.pack("!B3x" if length == 1 else "!H2x", value)
