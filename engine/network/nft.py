"""nf_tables messages as bytes (linux/netfilter/nf_tables.h), with the standard library alone.

pyroute2's builders know neither maps nor concatenations, intervals, fib and dnat, and take 150 ms to import; a
message is nested attributes (netlink(7)), so it is put together here.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator

from engine.network import transport

SUBSYSTEM = 10  # NFNL_SUBSYS_NFTABLES, linux/netfilter/nfnetlink.h
FAMILY_INET = 1  # NFPROTO_INET

NEWTABLE, GETTABLE, DELTABLE, NEWCHAIN, GETCHAIN = 0, 1, 2, 3, 4
NEWRULE, GETRULE, NEWSET, NEWSETELEM, GETSETELEM, DELSETELEM = 6, 7, 9, 12, 13, 14

NLM_F_CREATE = 0x400
NLM_F_APPEND = 0x800

_BATCH_BEGIN = 0x10
_BATCH_END = 0x11
_NLA_F_NESTED = 0x8000
_HEADER = struct.Struct("=IHHII")  # struct nlmsghdr
_GENERIC = struct.Struct("!BBH")  # struct nfgenmsg: family, version, resource
_ATTRIBUTE = struct.Struct("=HH")

# Types of keys and data, with their lengths in bytes.
INTERFACE_NAME, IPV4, IPV6, PROTOCOL, SERVICE = (41, 16), (7, 4), (8, 16), (12, 1), (13, 2)

_SET_ELEMENTS = 3  # NFTA_SET_ELEM_LIST_ELEMENTS
_OWN_PARTS = (1, 2, 3, 10)  # NFTA_SET_ELEM_KEY, _DATA, _FLAGS, _KEY_END

GENERIC_BYTES = _GENERIC.size
HEADER_BYTES = _HEADER.size


def request(kind: int, *attributes: bytes, flags: int = 0) -> bytes:
    """A message of nf_tables for the family inet, without a sequence number."""
    body = _GENERIC.pack(FAMILY_INET, 0, 0) + b"".join(attributes)
    return _HEADER.pack(_HEADER.size + len(body), SUBSYSTEM << 8 | kind, flags, 0, 0) + body


def batch_begin() -> bytes:
    """What a transaction starts with."""
    return _HEADER.pack(_HEADER.size + _GENERIC.size, _BATCH_BEGIN, 0, 0, 0) + _GENERIC.pack(0, 0, SUBSYSTEM)


def batch_end() -> bytes:
    """What a transaction ends with; it takes effect then."""
    return _HEADER.pack(_HEADER.size + _GENERIC.size, _BATCH_END, 0, 0, 0) + _GENERIC.pack(0, 0, SUBSYSTEM)


def raw(kind: int, value: bytes) -> bytes:
    """An attribute with bytes."""
    return _ATTRIBUTE.pack(_ATTRIBUTE.size + len(value), kind) + value + bytes(-len(value) % 4)


def text(kind: int, value: str) -> bytes:
    """An attribute with a name."""
    return raw(kind, value.encode() + b"\0")


def number(kind: int, value: int) -> bytes:
    """An attribute with 32 bits, in network order as nf_tables has all its numbers."""
    return raw(kind, struct.pack("!I", value & 0xFFFFFFFF))


def nested(kind: int, *attributes: bytes) -> bytes:
    """An attribute made of attributes."""
    return raw(kind | _NLA_F_NESTED, b"".join(attributes))


def comment(kind: int, words: str) -> bytes:
    """User data as nft(8) reads it: a comment, at most 254 bytes long."""
    value = words.encode()[:254] + b"\0"
    return raw(kind, bytes((0, len(value))) + value)


# Expressions of a rule. Registers: 1 to 4 are 16 bytes wide, 8 to 23 are the same memory in words of 4.


def _expression(name: str, *attributes: bytes) -> bytes:
    return nested(1, text(1, name), nested(2, *attributes))


def meta(key: int, register: int = 1) -> bytes:
    """Load what is known of the packet besides its bytes."""
    return _expression("meta", number(2, key), number(1, register))


def payload(base: int, offset: int, length: int, register: int = 1) -> bytes:
    """Load bytes of a header; base 1 is the network's, 2 the transport's."""
    return _expression("payload", number(1, register), number(2, base), number(3, offset), number(4, length))


def compare(value: bytes, differs: bool = False) -> bytes:
    """Go on when register 1 is the value, or with `differs` when it isn't."""
    return _expression("cmp", number(1, 1), number(2, int(differs)), nested(3, raw(1, value)))


def masked(mask: bytes) -> bytes:
    """Clear the bits in register 1 that the mask hasn't."""
    zero = bytes(len(mask))
    return _expression(
        "bitwise", number(1, 1), number(2, 1), number(3, len(mask)), nested(4, raw(1, mask)), nested(5, raw(1, zero))
    )


def lookup(name: str, inverted: bool = False) -> bytes:
    """Go on when what is in register 1 and after it is in a set, or with `inverted` when it isn't."""
    return _expression("lookup", text(1, name), number(2, 1), *([number(5, 1)] if inverted else []))


def mapped(name: str) -> bytes:
    """Go on when what is in register 1 and after it is a key of a map, with its value in the same place."""
    return _expression("lookup", text(1, name), number(2, 1), number(3, 1))


def connection_bits(key: int, bits: int) -> bytes:
    """Go on when the connection (ct state or status) has one of these bits."""
    mask = struct.pack("=I", bits)  # conntrack's numbers are in the order of the machine
    loaded = _expression("ct", number(2, key), number(1, 1))
    return loaded + masked(mask) + compare(bytes(4), differs=True)


def destination_is_local() -> bytes:
    """Go on when the destination is an address of this machine (fib daddr type local)."""
    return _expression("fib", number(3, 2), number(2, 3), number(1, 1)) + compare(struct.pack("=I", 2))


def dnat(family: int, port_register: int) -> bytes:
    """Send to the address in register 1 and the port in another; the family is NFPROTO_IPV4 or _IPV6."""
    return _expression("nat", number(1, 1), number(2, family), number(3, 1), number(5, port_register))


def masquerade() -> bytes:
    """Leave with the address of the way out."""
    return _expression("masq")


def verdict(code: int, chain: str = "") -> bytes:
    """Drop (0), accept (1), jump (-3) to a chain or return (-5)."""
    target = [text(2, chain)] if chain else []
    return _expression("immediate", number(1, 0), nested(2, nested(2, number(1, code), *target)))


# Tables, chains, sets and their elements.


def add_table(table: str, words: str) -> bytes:
    """Make a table, or leave the one that is there."""
    return request(NEWTABLE, text(1, table), number(2, 0), comment(6, words), flags=NLM_F_CREATE)


def delete_table(table: str) -> bytes:
    """Remove a table with all that is in it."""
    return request(DELTABLE, text(1, table))


def get_table(table: str) -> bytes:
    """Ask for a table."""
    return request(GETTABLE, text(1, table))


def add_chain(table: str, name: str, kind: str = "", hook: int = 0, priority: int = 0) -> bytes:
    """A chain; with a kind it is attached to a hook of the kernel's."""
    base = [nested(4, number(1, hook), number(2, priority)), text(7, kind)] if kind else []
    return request(NEWCHAIN, text(1, table), text(3, name), *base, flags=NLM_F_CREATE)


def add_rule(table: str, chain: str, words: str, *expressions: bytes) -> bytes:
    """A rule at the end of a chain, with a comment that `nft list` shows."""
    return request(
        NEWRULE,
        text(1, table),
        text(2, chain),
        nested(4, *expressions),
        comment(7, words),
        flags=NLM_F_CREATE | NLM_F_APPEND,
    )


def add_set(
    table: str, name: str, identity: int, key: tuple[tuple[int, int], ...], data: tuple[tuple[int, int], ...] = (),
    intervals: bool = False,
) -> bytes:  # fmt: skip
    """A set, or with `data` a map.

    Args:
        identity: a number of its own within the transaction.
        key, data: type (nft's number) and length in bytes of each part.
        intervals: keys are ranges.
    """
    flags = 4 * intervals | 8 * bool(data) | 0x80 * (intervals and len(key) > 1)
    attributes = [text(1, table), text(2, name), number(3, flags), number(4, _type(key)), number(5, _length(key))]
    if data:
        attributes += [number(6, _type(data)), number(7, _length(data))]
    if intervals and len(key) > 1:
        fields = [nested(1, number(1, length)) for _, length in key]
        attributes.append(nested(9, nested(2, *fields)))
    # nft(8) wants to know in which order the bytes of keys are: TLV 0, 1 for the machine's, 2 for the network's.
    order = 1 if key == (INTERFACE_NAME,) else 2
    attributes += [number(10, identity), raw(13, struct.pack("=BBI", 0, 4, order))]
    return request(NEWSET, *attributes, flags=NLM_F_CREATE)


def element(key: bytes, data: bytes = b"", end: bytes = b"", words: str = "", flags: int = 0) -> bytes:
    """An element of a set; `end` is the last key of a range in a concatenation."""
    parts = [nested(1, raw(1, key))]
    parts += [nested(2, raw(1, data))] if data else []
    parts += [number(3, flags)] if flags else []
    parts += [comment(6, words)] if words else []
    parts += [nested(10, raw(1, end))] if end else []
    return nested(1, *parts)


def change_elements(kind: int, table: str, name: str, elements: Iterable[bytes]) -> bytes:
    """Add (NEWSETELEM), remove (DELSETELEM) or ask for (GETSETELEM) elements of a set."""
    flags = NLM_F_CREATE if kind == NEWSETELEM else 0
    return request(kind, text(1, table), text(2, name), nested(3, *elements), flags=flags)


def list_elements(table: str, name: str) -> bytes:
    """Ask for all elements of a set, see `elements_in`."""
    return request(GETSETELEM, text(1, table), text(2, name))


def elements_in(payload: memoryview) -> Iterator[bytes]:
    """The elements of a set that the kernel lists, in a form in which equal ones are equal."""
    for kind, listed in transport.attributes(payload, GENERIC_BYTES):
        if kind == _SET_ELEMENTS:
            yield from canonical(listed)


def keys_in(payload: memoryview) -> Iterator[bytes | None]:
    """The keys of a set's elements; None for those that are the ends of a range or have a meaning of their own."""
    for kind, listed in transport.attributes(payload, GENERIC_BYTES):
        for _, value in transport.attributes(listed, 0) if kind == _SET_ELEMENTS else ():
            parts = dict(transport.attributes(value, 0))
            is_plain = 1 in parts and not {3, 10} & parts.keys()  # NFTA_SET_ELEM_KEY; _FLAGS and _KEY_END
            yield _plain(parts[1]) if is_plain else None


def canonical(listed: memoryview) -> Iterator[bytes]:
    """Each element of a list in that form: key, data, end of a range and flags, without comments and counts."""
    for _, value in transport.attributes(listed, 0):
        parts = dict(transport.attributes(value, 0))
        own = [(kind, bytes(parts[kind])) for kind in _OWN_PARTS if kind in parts]
        yield b"".join(bytes((kind,)) + _plain(part) for kind, part in own)


def _plain(part: memoryview | bytes) -> bytes:
    """An attribute without the flag that says whether there are attributes in it, which the kernel sets at will."""
    nested_parts = list(transport.attributes(memoryview(part), 0)) if len(part) > 4 else []
    return b"".join(bytes(value) for _, value in nested_parts) or bytes(part)


def _type(parts: tuple[tuple[int, int], ...]) -> int:
    """The number by which nft(8) knows a concatenation: six bits for each part."""
    number_of_all = 0
    for kind, _ in parts:
        number_of_all = number_of_all << 6 | kind
    return number_of_all


def _length(parts: tuple[tuple[int, int], ...]) -> int:
    return sum((length + 3) & ~3 if len(parts) > 1 else length for _, length in parts)
