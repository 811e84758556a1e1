"""A stream read ahead is the same stream."""

from __future__ import annotations

import io
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import ImageError
from engine.images.read_ahead import ReadAhead


class Endless:
    def read(self, size: int) -> bytes:
        return b"x" * size


class Failing:
    def __init__(self) -> None:
        self._first = True

    def read(self, size: int) -> bytes:
        if self._first:
            self._first = False
            return b"first"
        raise ImageError("damaged")


@given(st.binary(max_size=2000), st.integers(1, 500))
def test_nothing_is_lost_or_added(data: bytes, size: int) -> None:
    with ReadAhead(io.BytesIO(data)) as ahead:
        assert b"".join(iter(lambda: ahead.read(size), b"")) == data
        assert ahead.read(size) == b""


def test_more_than_is_read_ahead_at_once_comes_in_order() -> None:
    data = bytes(range(256)) * 40_000
    with ReadAhead(io.BytesIO(data)) as ahead:
        assert b"".join(iter(lambda: ahead.read(999_999), b"")) == data


def test_an_error_comes_after_what_preceded_it_and_stays() -> None:
    with ReadAhead(Failing()) as ahead:
        assert ahead.read(100) == b"first"
        for _ in range(2):
            with pytest.raises(ImageError, match="damaged"):
                ahead.read(100)


def test_who_stops_early_leaves_no_thread() -> None:
    before = threading.active_count()
    with ReadAhead(Endless()) as ahead:
        assert ahead.read(3) == b"xxx"
    assert threading.active_count() == before
