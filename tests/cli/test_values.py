"""What people type after options, and how sizes and times are shown."""

from __future__ import annotations

import math
from argparse import ArgumentTypeError

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.cli import formats, values
from engine.cli.terminal import DETACH_KEYS, DetachScanner


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("1048576", 1 << 20), ("512m", 512 << 20), ("512M", 512 << 20), ("1.5g", 3 << 29), ("64 mb", 64 << 20),
        ("2GiB", 2 << 30), ("1t", 1 << 40), ("100b", 100), ("0", None),
    ],
)  # fmt: skip
def test_memory_sizes(text: str, size: int | None) -> None:
    assert values.memory_size(text) == size


@pytest.mark.parametrize("text", ["", "m", "lots", "-1m", "1x", "1.m", "1e9", "nan", "½g", "1 2m"])
def test_no_memory_sizes(text: str) -> None:
    with pytest.raises(ArgumentTypeError, match="is not a size"):
        values.memory_size(text)


def test_other_values() -> None:
    assert values.processors("0.5") == 0.5
    assert values.processors("0") is None
    assert values.process_count("-1") == values.process_count("0") == -1
    assert values.process_count("7") == 7
    assert values.seconds("-1") == math.inf
    assert values.label("a=b=c") == ("a", "b=c")
    assert values.label("a") == ("a", "")


@pytest.mark.parametrize("text", ["inf", "-0.1", "nan", "1,5", ""])
def test_no_processors(text: str) -> None:
    with pytest.raises(ArgumentTypeError):
        values.processors(text)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.4, "Less than a second"), (1, "1 second"), (59, "59 seconds"), (60, "About a minute"), (150, "2 minutes"),
        (3599, "59 minutes"), (3600, "About an hour"), (7200, "2 hours"), (47 * 3600, "47 hours"),
        (48 * 3600, "2 days"), (14 * 86400, "2 weeks"), (60 * 86400, "2 months"), (730 * 86400, "2 years"),
    ],
)  # fmt: skip
def test_durations_are_dockers(seconds: float, words: str) -> None:
    assert formats.duration(seconds) == words


@pytest.mark.parametrize(
    ("size", "decimal", "binary"),
    [(0, "0B", "0B"), (999, "999B", "999B"), (1024, "1.02kB", "1KiB"), (7_050_000, "7.05MB", "6.723MiB")],
)
def test_sizes_are_dockers(size: int, decimal: str, binary: str) -> None:
    assert formats.decimal_size(size) == decimal
    assert formats.binary_size(size) == binary


@given(st.integers(0, 1 << 50))
def test_sizes_never_turn_scientific(size: int) -> None:
    assert "e" not in formats.decimal_size(size) + formats.binary_size(size)


def test_times() -> None:
    assert formats.rfc3339(None) == "0001-01-01T00:00:00Z"
    assert formats.rfc3339(1_709_208_000_123_456_789) == "2024-02-29T12:00:00.123456789Z"


@given(st.lists(st.binary(max_size=4), max_size=12))
def test_detach_keys_are_found_however_input_is_cut(pieces: list[bytes]) -> None:
    scanner = DetachScanner(DETACH_KEYS)
    out, left = b"", False
    for piece in pieces:
        data, left = scanner.feed(piece)
        out += data
        if left:
            break
    whole = b"".join(pieces)
    before, keys, _ = whole.partition(DETACH_KEYS)
    assert left == bool(keys)
    assert out == (before if left else whole.removesuffix(DETACH_KEYS[:1]))


@given(st.lists(st.text("aab", max_size=4), max_size=12), st.text("ab", max_size=4))
def test_detach_keys_may_be_many_and_repeat_themselves(pieces: list[str], keys: str) -> None:
    scanner = DetachScanner(keys.encode())
    out, left = b"", False
    for piece in pieces:
        data, left = scanner.feed(piece.encode())
        out += data
        if left:
            break
    before, found, _ = "".join(pieces).partition(keys) if keys else ("".join(pieces), "", "")
    assert left == bool(found)
    assert before.encode().startswith(out) if not left else out == before.encode()
    assert left or len(before) - len(out) < max(1, len(keys))
