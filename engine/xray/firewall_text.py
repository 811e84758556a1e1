"""Messages of nf_tables as people read them: ``add element boxdeck everywhere4 { tcp . 80 : … }``."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from ipaddress import ip_address

from engine.network import nft, transport

_TABLE, _NAME, _LIST = 1, 2, 3  # attributes of messages with elements
_KEY, _DATA, _FLAGS, _KEY_END = 1, 2, 3, 10
_PROTOCOLS = {6: "tcp", 17: "udp", 132: "sctp"}
_VERBS = {
    nft.NEWTABLE: "add table",
    nft.GETTABLE: "get table",
    nft.DELTABLE: "delete table",
    nft.NEWCHAIN: "add chain",
    nft.GETCHAIN: "get chain",
    nft.NEWRULE: "add rule",
    nft.GETRULE: "get rule",
    nft.NEWSET: "add set",
    nft.NEWSETELEM: "add element",
    nft.GETSETELEM: "get element",
    nft.DELSETELEM: "delete element",
}
_WITH_ELEMENTS = (nft.NEWSETELEM, nft.GETSETELEM, nft.DELSETELEM)
_SHOWN = 8  # elements of one message


def batch(requests: list[bytes]) -> str:
    """The requests of a transaction; what begins and ends it is said by their being one."""
    told = [message(request) for request in requests if _kind(request) is not None]
    return "; ".join(told)


def message(request: bytes) -> str:
    """One request."""
    kind = _kind(request)
    verb = _VERBS.get(kind if kind is not None else -1, f"message {kind}")
    found = dict(transport.attributes(memoryview(request), nft.HEADER_BYTES + nft.GENERIC_BYTES))
    words = [verb, _text(found[_TABLE])] if _TABLE in found else [verb]
    if kind in (nft.NEWCHAIN, nft.GETCHAIN):
        words += [_text(found[3])] if 3 in found else []
    elif kind in (nft.NEWRULE, nft.NEWSET, *_WITH_ELEMENTS) and _NAME in found:
        words.append(_text(found[_NAME]))
    if kind == nft.NEWRULE and 7 in found:  # our comments are nft's own words
        words.append(f'"{bytes(found[7][2:]).rstrip(bytes(1)).decode(errors="replace")}"')
    if kind in _WITH_ELEMENTS and _LIST in found:
        elements = list(_elements(_text(found[_NAME]), found[_LIST]))
        more = f", … {len(elements) - _SHOWN} more" if len(elements) > _SHOWN else ""
        words.append(f"{{ {', '.join(elements[:_SHOWN])}{more} }}")
    return " ".join(words)


def _kind(request: bytes) -> int | None:
    """The message's own number; None for what begins or ends a batch."""
    (kind,) = struct.unpack_from("=H", request, 4)
    return kind & 0xFF if kind >> 8 == nft.SUBSYSTEM else None


def _elements(name: str, listed: memoryview) -> Iterator[str]:
    for _, value in transport.attributes(listed, 0):
        parts = dict(transport.attributes(value, 0))
        key = _value(parts.get(_KEY))
        text = _key(name, key)
        if _KEY_END in parts:
            text += f" - {_key(name, _value(parts[_KEY_END]))}"
        if data := _value(parts.get(_DATA)):
            text += f" : {_fields(data, (_width(name), 2))}"
        yield text + (" (end)" if _FLAGS in parts else "")


def _value(part: memoryview | None) -> bytes:
    return b"" if part is None else b"".join(bytes(inner) for _, inner in transport.attributes(part, 0))


def _width(name: str) -> int:
    """How many bytes an address has in a set of ours, by the family at the end of its name."""
    return 16 if name.endswith("6") else 4


def _key(name: str, key: bytes) -> str:
    stem, width = name.rstrip("46"), _width(name)
    layouts = {
        "subnets": (width,), "homes": (-16, width), "ports": (width, 1, 2), "everywhere": (1, 2),
        "bridges": (-16,), "internal": (-16,), "within": (-16, -16),
    }  # fmt: skip
    return _fields(key, layouts.get(stem, ()))


def _fields(value: bytes, widths: tuple[int, ...]) -> str:
    """A concatenation, whose parts begin at multiples of four bytes; below 0 are names."""
    words, at = [], 0
    for width in widths:
        size = abs(width)
        words.append(_field(value[at : at + size], width))
        at += (size + 3) & ~3
    return " . ".join(words) if words and at >= len(value) else value.hex()


def _field(value: bytes, width: int) -> str:
    if width < 0:
        return value.rstrip(b"\0").decode(errors="replace")
    if width in (4, 16):
        return str(ip_address(value)) if len(value) == width else value.hex()
    number = int.from_bytes(value, "big")
    return _PROTOCOLS.get(number, str(number)) if width == 1 else str(number)


def _text(value: memoryview) -> str:
    return bytes(value).rstrip(b"\0").decode(errors="replace")
