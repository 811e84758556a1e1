"""Values as dots."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.drawing import braille


def dots(cell: str) -> int:
    return (ord(cell) - 0x2800).bit_count()


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ([], "⠀⠀"),
        ([0], "⠀⢀"),
        ([4], "⠀⢸"),
        ([1, 2, 3, 4], "⣠⣾"),
        ([4, 3, 2, 1], "⣷⣄"),
        ([9, 9, 1, 1, 1, 1], "⣀⣀"),
        ([None, 2], "⠀⢠"),
    ],
)
def test_a_spark_shows_the_newest_at_the_right(values: list[float | None], text: str) -> None:
    assert braille.spark(values, 2, top=4) == text


def test_a_higher_graph_fills_cells_from_below() -> None:
    assert braille.area([8, 4], 1, 2, top=8) == ["⡇", "⣿"]


def test_a_graph_downwards_hangs_from_its_upper_edge() -> None:
    assert braille.area([8, 4], 1, 2, top=8, down=True) == ["⣿", "⡇"]


def test_a_graph_as_high_as_a_large_screen_is_filled_up_to_its_values() -> None:
    lines = braille.area([200, 100], 1, 100, top=200)
    assert lines == ["⡇"] * 50 + ["⣿"] * 50


HEIGHTS = st.sampled_from([1, 2, 3, 8, 60, 61, 130])
numbers = st.lists(st.none() | st.floats(min_value=0, max_value=1e9), max_size=200)


@given(numbers, st.integers(0, 40), HEIGHTS, st.floats(min_value=0, max_value=1e9), st.booleans())
def test_a_graph_always_has_the_size_asked_for(
    values: list[float | None], columns: int, rows: int, top: float, down: bool
) -> None:
    lines = braille.area(values, columns, rows, top, down=down)
    assert [len(line) for line in lines] == [columns] * rows
    assert all(0x2800 <= ord(cell) <= 0x28FF for line in lines for cell in line)


@given(numbers, st.integers(1, 40), HEIGHTS)
def test_known_values_show_and_unknown_ones_do_not(values: list[float | None], columns: int, rows: int) -> None:
    lines = braille.area(values, columns, rows, top=1.0)
    known = [value for value in values[-columns * 2 :] if value is not None]
    bottom = sum(dots(cell) > 0 for cell in lines[-1])
    assert (bottom > 0) == bool(known)
    assert sum(dots(cell) for line in lines for cell in line) >= len(known)
