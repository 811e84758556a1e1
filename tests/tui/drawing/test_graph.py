"""Curves with axes and limits."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tui.drawing import graph, units
from tui.drawing.lines import Line, Tone, plain, width


def drawn(values: list[float], *, limit: float | None = None, rows: int = 5, cells: int = 20) -> list[Line]:
    curve = graph.Curve(values=values, label=units.percent, limit=limit)
    return graph.graph(curve, cells + graph.GUTTER, rows)


def test_a_curve_has_an_axis_from_zero_to_a_round_number() -> None:
    lines = [plain(each) for each in drawn([10.0, 38.0])]
    assert lines[0].startswith("  50.0┤")
    assert lines[2].startswith("  25.0┤")
    assert lines[-1].startswith("   0.0┤")
    assert lines[-1].rstrip().endswith("⣿")


def test_a_limit_in_sight_is_a_line_across_the_graph() -> None:
    lines = [plain(each) for each in drawn([20.0] * 40, limit=60.0)]
    assert lines[0].startswith("  60.0┤")
    assert lines[0].endswith("╌" * 20)


def test_a_limit_far_away_does_not_flatten_the_curve() -> None:
    lines = [plain(each) for each in drawn([2.0] * 40, limit=200.0)]
    assert "╌" not in "".join(lines)
    assert lines[0].startswith("   5.0┤")


def test_a_value_above_its_limit_pushes_the_axis_up_and_the_line_stays() -> None:
    lines = [plain(each) for each in drawn([40.0, 100.0], limit=50.0)]
    assert lines[0].startswith(" 100") or lines[0].startswith("   100")
    assert sum("╌" in each for each in lines) == 1


def test_a_limit_that_was_lowered_leaves_a_round_axis() -> None:
    assert [plain(each)[:6].strip() for each in drawn([202.0, 10.0], limit=64.0)][::2] == ["500", "250", "0.0"]
    assert plain(drawn([83.0, 10.0], limit=80.0)[0])[:6].strip() == "83.0"


def test_rows_near_the_limit_are_coloured_as_warnings() -> None:
    tones = [each[-1].tone for each in drawn([100.0] * 40, limit=100.0, rows=10)]
    assert tones[0] is Tone.BAD
    assert tones[1] is Tone.WARN
    assert tones[-1] is Tone.ACCENT


def test_received_grows_up_and_sent_grows_down_on_one_scale() -> None:
    received = graph.Curve(values=[950.0], label=units.rate, least_top=1000)
    sent = graph.Curve(values=[0.0], label=units.rate, least_top=1000)
    lines = [plain(each) for each in graph.mirrored(received, sent, 20, 4)]
    assert lines[0].lstrip().startswith("↓")
    assert lines[-1].lstrip().startswith("↑")
    assert lines[0].endswith("⢸")
    assert lines[2].endswith("⠈")


def test_time_says_how_far_back_the_left_edge_is() -> None:
    assert plain(graph.time_axis(67, 1.0)).split() == ["2m", "00s", "ago", "now"]


curves = st.builds(
    graph.Curve,
    values=st.lists(st.floats(min_value=0, max_value=1e12), max_size=100),
    label=st.just(units.size),
    limit=st.none() | st.floats(min_value=1, max_value=1e12),
    binary=st.booleans(),
)


@given(curves, curves, st.integers(0, 60), st.integers(0, 12))
def test_a_graph_fills_its_place_or_stays_away(one: graph.Curve, two: graph.Curve, cells: int, rows: int) -> None:
    for lines in (graph.graph(one, cells, rows), graph.mirrored(one, two, cells, rows)):
        assert len(lines) in (0, rows)
        assert all(width(each) == cells for each in lines)
