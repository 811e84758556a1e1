"""Rules of nf_tables as the kernel tells them: what the attributes of their expressions hold.

Source: linux/netfilter/nf_tables.h; attributes are by their number (NFTA_…), values as the kernel wrote them.
"""

from __future__ import annotations

import struct

from engine.network import nft, transport

Attributes = dict[int, memoryview]
"""Of one expression, by number."""

_DATA_VALUE = 1


def request(kind: int, family: int, *attributes: bytes) -> bytes:
    """As `nft.request`, of any family; 0 is all of them."""
    made = bytearray(nft.request(kind, *attributes))
    made[nft.HEADER_BYTES] = family
    return bytes(made)


def register(attributes: Attributes, kind: int) -> int:
    """The number of a register; 1 to 4 are the same memory as 8, 12, 16 and 20 (NFT_REG32_00)."""
    found = number(attributes[kind])
    return found if found == 0 or found >= 8 else 4 + 4 * found


def value(data: memoryview) -> bytes:
    """The bytes that an expression compares with or loads; none of a verdict."""
    return bytes(dict(transport.attributes(data, 0)).get(_DATA_VALUE, b""))


def number(attribute: memoryview) -> int:
    """A number of 32 bits, in network order."""
    return int(struct.unpack("!I", attribute)[0])


def text(attribute: memoryview) -> str:
    """A name."""
    return bytes(attribute).rstrip(b"\0").decode(errors="replace")
