"""Messages of DNS as bytes (RFC 1035, 4): a question taken apart, an answer put together."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address

from msgspec import Struct

A, PTR, AAAA, ANY, IN = 1, 12, 28, 255, 1
NO_ERROR, SERVER_FAILURE, NO_SUCH_NAME, NOT_IMPLEMENTED, REFUSED = 0, 2, 3, 4, 5
SMALLEST_LIMIT = 512  # of a message over UDP without EDNS

_HEADER = struct.Struct("!HHHHHH")  # id, flags, numbers of questions, answers, authorities, additional records
_QUESTION_END = struct.Struct("!HH")  # type, class
_RECORD = struct.Struct("!HHHIH")  # where its name is, type, class, time to live, length
_IS_ANSWER, _OPCODE, _AUTHORITATIVE, _TRUNCATED = 0x8000, 0x7800, 0x0400, 0x0200
_RECURSION_DESIRED, _RECURSION_AVAILABLE = 0x0100, 0x0080
_NAME_OF_QUESTION = 0xC000 | _HEADER.size  # a pointer to it (RFC 1035, 4.1.4)
_LONGEST_LABEL, _LONGEST_NAME = 63, 253
_OPT, _OPT_BYTES = 41, 11  # RFC 6891
_OWN_LIMIT = 4096  # of a question over UDP
_TIME_TO_LIVE_SECONDS = 0  # whoever stops is gone at once

Value = IPv4Address | IPv6Address | str


class Question(Struct, frozen=True):
    """What is asked.

    Attributes:
        name: in small letters, without the last dot.
        end: where the question ends in its message.
        limit: the longest answer over UDP, in bytes.
        has_edns: whether the asker knows EDNS, and is to be told that we do.
    """

    name: str
    kind: int
    end: int
    limit: int
    has_edns: bool = False


def parse(message: bytes) -> Question | None:
    """The question of a query; None where there is none that could be answered."""
    try:
        _, flags, questions, answers, authorities, additional = _HEADER.unpack_from(message)
        if flags & _IS_ANSWER or flags & _OPCODE or questions != 1 or answers or authorities:
            return None
        name, place = _name(message, _HEADER.size)
        kind, of_class = _QUESTION_END.unpack_from(message, place)
    except (struct.error, ValueError, IndexError):
        return None
    if of_class != IN:
        return None
    end = place + _QUESTION_END.size
    limit = _limit(message, end) if additional else 0
    return Question(name, kind, end, max(limit, SMALLEST_LIMIT), has_edns=limit > 0)


def answer(message: bytes, question: Question, values: Sequence[Value], limit: int) -> bytes:
    """An answer with records for all values that there is room for; without values, that there are none of this kind.

    Args:
        message: the query.
        limit: its length in bytes; more is left out, and said to be.
    """
    length, records = question.end + (_OPT_BYTES if question.has_edns else 0), []
    for value in values:
        record = _record(value)
        if length + len(record) > limit:
            break
        length += len(record)
        records.append(record)
    flags = _AUTHORITATIVE | (_TRUNCATED if len(records) < len(values) else 0)
    return _head(message, flags, len(records), question) + b"".join(records) + _options(question)


def refusal(message: bytes, question: Question, code: int) -> bytes:
    """An answer that there is no answer, and why."""
    return _head(message, code, 0, question) + _options(question)


def rejection(message: bytes) -> bytes | None:
    """An answer to what has no question that could be answered; None to what is no question at all."""
    if len(message) < _HEADER.size:
        return None
    identity, flags = _HEADER.unpack_from(message)[:2]
    if flags & _IS_ANSWER:
        return None
    flags = _IS_ANSWER | (flags & (_OPCODE | _RECURSION_DESIRED)) | NOT_IMPLEMENTED
    return _HEADER.pack(identity, flags, 0, 0, 0, 0)


def code(message: bytes) -> int:
    """Whether and why not an answer is one."""
    return message[3] & 0xF if len(message) >= _HEADER.size else SERVER_FAILURE


def query(name: str, kind: int, identity: int = 0) -> bytes:
    """A question to another server."""
    header = _HEADER.pack(identity, _RECURSION_DESIRED, 1, 0, 0, 0)
    return header + encoded_name(name) + _QUESTION_END.pack(kind, IN)


def address_of_reverse(name: str) -> str | None:
    """The address that a name such as ``7.0.89.10.in-addr.arpa`` stands for, if it is one."""
    labels = name.split(".")
    if labels[-2:] == ["in-addr", "arpa"] and len(labels) == 6:
        text = ".".join(reversed(labels[:4]))
    elif labels[-2:] == ["ip6", "arpa"] and len(labels) == 34:
        digits = "".join(reversed(labels[:32]))
        text = ":".join(digits[place : place + 4] for place in range(0, 32, 4))
    else:
        return None
    try:
        return str(IPv6Address(text) if ":" in text else IPv4Address(text))
    except ValueError:
        return None


def encoded_name(name: str) -> bytes:
    """A name as labels.

    Raises:
        ValueError: it has a label that is empty or too long.
    """
    labels = [label.encode("idna" if not label.isascii() else "ascii") for label in name.split(".")]
    if not all(0 < len(label) <= _LONGEST_LABEL for label in labels):
        raise ValueError(name)
    return b"".join(bytes((len(label),)) + label for label in labels) + b"\0"


def _name(message: bytes, place: int) -> tuple[str, int]:
    """A name that isn't compressed, as those of questions are, and where it ends."""
    labels = []
    while length := message[place]:
        if length > _LONGEST_LABEL:
            raise ValueError("compressed")
        label = message[place + 1 : place + 1 + length]
        if len(label) < length:
            raise ValueError("cut off")
        labels.append(label.decode("latin-1").lower())
        place += 1 + length
    name = ".".join(labels)
    if len(name) > _LONGEST_NAME:
        raise ValueError("too long")
    return name, place + 1


def _limit(message: bytes, place: int) -> int:
    """What EDNS says of the longest answer, if the first additional record is its; otherwise 0."""
    if len(message) >= place + _OPT_BYTES and message[place] == 0:
        kind, size = struct.unpack_from("!HH", message, place + 1)
        if kind == _OPT:
            return max(int(size), SMALLEST_LIMIT)
    return 0


def _options(question: Question) -> bytes:
    """What RFC 6891, 6.1.1, wants in each answer to who knows EDNS."""
    return struct.pack("!BHHIH", 0, _OPT, _OWN_LIMIT, 0, 0) if question.has_edns else b""


def _head(message: bytes, flags: int, answers: int, question: Question) -> bytes:
    identity, asked = _HEADER.unpack_from(message)[:2]
    flags |= _IS_ANSWER | _RECURSION_AVAILABLE | (asked & _RECURSION_DESIRED)
    return _HEADER.pack(identity, flags, 1, answers, 0, int(question.has_edns)) + message[_HEADER.size : question.end]


def _record(value: Value) -> bytes:
    if isinstance(value, str):
        kind, data = PTR, encoded_name(value)
    else:
        kind, data = (A if value.version == 4 else AAAA), value.packed
    return _RECORD.pack(_NAME_OF_QUESTION, kind, IN, _TIME_TO_LIVE_SECONDS, len(data)) + data
