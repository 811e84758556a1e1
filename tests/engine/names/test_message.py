"""Questions of DNS taken apart and answers put together, compared with another implementation where there is one."""

from __future__ import annotations

import struct
from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.names import message
from engine.names.message import Question

labels = st.text("abcdefghijklmnopqrstuvwxyz0123456789-_", min_size=1, max_size=63)
names = st.lists(labels, min_size=1, max_size=4).map(".".join).filter(lambda name: len(name) <= 253)


def question_of(query: bytes) -> Question:
    found = message.parse(query)
    assert found is not None
    return found


@given(names, st.sampled_from([message.A, message.AAAA, message.PTR, 16, 65]))
def test_a_question_is_what_was_asked(name: str, kind: int) -> None:
    found = question_of(message.query(name.upper(), kind))
    assert (found.name, found.kind, found.limit) == (name, kind, 512)


@given(st.binary(max_size=100))
def test_no_bytes_are_more_than_refused(data: bytes) -> None:
    message.parse(data)


@pytest.mark.parametrize(
    "data",
    [
        message.query("web", 1)[:-1],
        message.query("web", 1)[:14],
        struct.pack("!6H", 1, 0x8180, 1, 0, 0, 0) + message.query("web", 1)[12:],  # an answer
        struct.pack("!6H", 1, 0x2800, 1, 0, 0, 0) + message.query("web", 1)[12:],  # an update
        struct.pack("!6H", 1, 0x0100, 2, 0, 0, 0) + message.query("web", 1)[12:],
        struct.pack("!6H", 1, 0x0100, 1, 0, 0, 0) + b"\xc0\x0c\0\1\0\1",  # a name that is itself for ever
        message.query("web", 1)[:-2] + b"\0\3",  # class CHAOS
    ],
)
def test_what_is_no_question_is_passed_over(data: bytes) -> None:
    assert message.parse(data) is None


def test_an_answer_repeats_the_question_and_has_a_record_for_each_value() -> None:
    query = message.query("Web", message.A, identity=4711)
    made = message.answer(query, question_of(query), [IPv4Address("10.89.0.7"), IPv6Address("fd00::7"), "web.one"], 512)
    identity, flags, *counts = struct.unpack_from("!6H", made)
    assert (identity, flags, counts) == (4711, 0x8580, [1, 3, 0, 0])
    assert made[12:].startswith(query[12:])
    records = made[len(query) :]
    assert records[:16] == struct.pack("!HHHIH4s", 0xC00C, 1, 1, 0, 4, bytes((10, 89, 0, 7)))
    assert records[16:44] == struct.pack("!HHHIH16s", 0xC00C, 28, 1, 0, 16, IPv6Address("fd00::7").packed)
    assert records[44:] == struct.pack("!HHHIH", 0xC00C, 12, 1, 0, 9) + b"\3web\3one\0"


def test_what_there_is_no_room_for_is_left_out_and_said_to_be() -> None:
    query = message.query("web", message.A)
    values = [ip_address(0x0A590000 + number) for number in range(100)]
    short = message.answer(query, question_of(query), values, 512)
    assert len(short) <= 512 and struct.unpack_from("!H", short, 2)[0] & 0x0200
    whole = message.answer(query, question_of(query), values, 65535)
    assert struct.unpack_from("!HHHH", whole)[1:] == (0x8580, 1, 100)


def test_room_is_what_edns_says_it_is() -> None:
    plain = message.query("web", message.A)
    with_edns = plain[:10] + b"\0\1" + plain[12:] + b"\0" + struct.pack("!HHIH", 41, 1232, 0, 0)
    assert question_of(with_edns).limit == 1232
    made = message.answer(with_edns, question_of(with_edns), [IPv4Address("10.89.0.7")], 1232)
    assert len(made) == len(plain) + 16 + 11 and struct.unpack_from("!H", made, 10)[0] == 1
    assert made[-11:-6] == b"\0" + struct.pack("!HH", 41, 4096)  # an answer has it, too (RFC 6891, 6.1.1)


def test_a_refusal_says_why() -> None:
    query = message.query("web", message.A)
    made = message.refusal(query, question_of(query), message.NO_SUCH_NAME)
    assert struct.unpack_from("!H", made, 2)[0] & 0xF == 3 and made[12:] == query[12:]


@given(st.one_of(st.integers(0, 2**32 - 1).map(IPv4Address), st.integers(0, 2**128 - 1).map(IPv6Address)))
def test_a_reverse_name_is_its_address(address: IPv4Address | IPv6Address) -> None:
    assert message.address_of_reverse(address.reverse_pointer) == str(address)


@pytest.mark.parametrize(
    "name", ["web", "in-addr.arpa", "1.2.3.in-addr.arpa", "a.b.c.d.in-addr.arpa", "x." * 32 + "ip6.arpa"]
)
def test_other_names_are_no_addresses(name: str) -> None:
    assert message.address_of_reverse(name) is None
