"""Curves of several containers over each other, and what stands under the pointer."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.drawing import units
from tui.drawing.comparison import Member, compared
from tui.drawing.graph import GUTTER, Curve, graph, marked
from tui.drawing.lines import Tone, plain, width
from tui.drawing.overlay import TONES, Named, overlay
from tui.drawing.panels import reader
from tui.past import Past


def drawn(*curves: Named, cells: int = 40, rows: int = 5) -> list[str]:
    return [plain(each) for each in overlay(curves, cells, rows, units.percent)]


def test_each_curve_has_a_line_of_its_own_and_its_name_where_it_ends() -> None:
    rows = drawn(Named("web", [90.0] * 60), Named("db", [10.0] * 60), rows=5)
    assert rows[0].endswith("web")
    assert rows[-1].endswith("db ")
    assert len(set(rows[0][GUTTER:-4])) == len(set(rows[-1][GUTTER:-4])) == 1
    assert [row[GUTTER:].strip() for row in rows[1:-1]] == [""] * 3  # lines, not areas: nothing between them


def test_a_jump_is_a_line_from_one_value_to_the_next_and_a_gap_is_none() -> None:
    jump = drawn(Named("web", [0.0] * 20 + [100.0] * 20))
    assert [row[GUTTER:].count("⡇") for row in jump] == [0, 0, 0, 1, 1]
    gap = drawn(Named("web", [0.0] * 20 + [None] * 10 + [100.0] * 10))
    assert "⡇" not in "".join(gap)


def test_names_that_would_collide_stand_below_each_other() -> None:
    rows = drawn(*(Named(f"box-{number}", [50.0] * 60) for number in range(4)))
    assert sorted(row[-5:] for row in rows if "box" in row) == ["box-0", "box-1", "box-2", "box-3"]


def test_tones_tell_curves_apart() -> None:
    lines = overlay([Named(str(n), [n * 10.0] * 60) for n in range(len(TONES) + 2)], 60, 12, units.percent)
    assert {span.tone for each in lines for span in each} >= set(TONES)


values = st.lists(st.none() | st.floats(min_value=0, max_value=1e15), max_size=90)


@given(st.lists(values, max_size=7), st.integers(0, 90), st.integers(0, 20))
def test_lines_are_as_wide_and_as_many_as_asked(curves: list[list[float | None]], cells: int, rows: int) -> None:
    lines = overlay([Named(f"n{n}", each) for n, each in enumerate(curves)], cells, rows, units.size, binary=True)
    assert len(lines) in (0, rows)
    assert {width(each) for each in lines} <= {cells}
    for each in lines:
        assert width(marked(each, cells // 2)) == cells


def test_sums_of_both_ways_are_compared() -> None:
    past = Past(received_per_second=(1e6, None, None), sent_per_second=(2e6, 5e5, None))
    measure = compared("network", [Member("web", past), Member("old", Past())])
    assert measure.panel.read is not None
    assert [plain(measure.panel.read(back)) for back in (2, 1, 0, 9)] == [
        "  web 3.0M/s  old –",  # noqa: RUF001
        "  web 500k/s  old –",  # noqa: RUF001
        "  web –  old –",  # noqa: RUF001
        "  web –  old –",  # noqa: RUF001
    ]


@pytest.mark.parametrize(("back", "says"), [(0, "3.0  system 1.0"), (1, "2.0  system –"), (3, "–  system –")])  # noqa: RUF001
def test_what_was_measured_at_a_moment(back: int, says: str) -> None:
    read = reader(("", [1.0, 2.0, 3.0], units.percent), ("system", [1.0], units.percent))
    assert plain(read(back)) == says


def test_the_moment_that_is_pointed_at_is_a_line_where_nothing_is_drawn() -> None:
    lines = graph(Curve(values=[10.0] * 60, label=units.percent, least_top=100), 40, 5)
    at = [marked(each, 20) for each in lines]
    assert plain(at[0])[20] == "┊"
    assert plain(at[-1])[20] == plain(lines[-1])[20]
    assert any(span.tone is Tone.LIT for span in at[-1])
