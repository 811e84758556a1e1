"""Numbers as people read them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.drawing import units

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0"),
        (1, "1B"),
        (999, "999B"),
        (1023, "1.0K"),
        (KIB, "1.0K"),
        (9.96 * KIB, "10K"),
        (1008 * KIB, "1.0M"),
        (48 * MIB, "48M"),
        (256 * MIB, "256M"),
        (1.2 * GIB, "1.2G"),
        (1023.6 * MIB, "1.0G"),
    ],
)
def test_sizes_are_powers_of_1024(count: float, text: str) -> None:
    assert units.size(count) == text


@pytest.mark.parametrize(
    ("speed", "text"), [(0, "0"), (0.4, "0"), (12, "12/s"), (1_500, "1.5k/s"), (9_600_000, "9.6M/s")]
)
def test_rates_are_powers_of_1000(speed: float, text: str) -> None:
    assert units.rate(speed) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-3, "0s"), (0.9, "0s"), (42, "42s"), (61, "1m 01s"), (11_533, "3h 12m"), (90_000, "1d 01h"), (90e6, "2y 311d")],
)
def test_durations_have_two_units(seconds: float, text: str) -> None:
    assert units.duration(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0s"), (42, "42s"), (61, "1m"), (11_533, "3h"), (8_700_000, "100d"), (90e6, "2y")]
)
def test_a_narrow_column_has_one_unit(seconds: float, text: str) -> None:
    assert units.span(seconds) == text


@pytest.mark.parametrize(("value", "text"), [(0, "0.0"), (12.44, "12.4"), (99.96, "100"), (243.2, "243")])
def test_percentages(value: float, text: str) -> None:
    assert units.percent(value) == text


@given(st.floats(min_value=0, max_value=1e15))
def test_sizes_and_rates_stay_short(value: float) -> None:
    assert len(units.size(value)) <= 5
    assert len(units.rate(value).removesuffix("/s")) <= 5


@given(st.floats(min_value=1e-3, max_value=1e12), st.booleans())
def test_an_axis_ends_at_a_round_number_just_above(value: float, binary: bool) -> None:
    top = units.ceiling(value, binary=binary)
    assert value * (1 - 1e-6) <= top <= value * 2.6
