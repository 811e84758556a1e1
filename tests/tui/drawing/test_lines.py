"""Lines that keep to their width."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tui.drawing.lines import Line, Span, Tone, clip, fit, joined, justify, line, plain, width

texts = st.text(st.characters(codec="utf-8", exclude_categories=["C", "M", "Z"]), max_size=30)
lines = st.lists(st.builds(Span, texts, st.sampled_from(Tone)), max_size=6).map(tuple)


@given(texts, st.integers(0, 30), st.booleans())
def test_fitted_text_takes_exactly_its_cells(text: str, cells: int, right: bool) -> None:
    assert width(line(fit(text, cells, right=right))) == cells


@given(lines, st.integers(0, 40))
def test_a_clipped_line_is_never_too_wide(of: Line, cells: int) -> None:
    assert width(clip(of, cells)) <= cells


@given(lines, lines, st.integers(0, 80))
def test_both_ends_of_a_line_fit_or_the_right_one_gives_way(left: Line, right: Line, cells: int) -> None:
    result = justify(left, right, cells)
    assert width(result) <= cells
    if width(left) + width(right) < cells:
        assert plain(result).startswith(plain(left))
        assert plain(result).endswith(plain(right))


def test_what_is_cut_ends_in_an_ellipsis() -> None:
    assert plain(clip(line("quiet_", Span("harbour", Tone.ACCENT)), 8)) == "quiet_h…"
    assert fit("quiet_harbour", 6) == "quiet…"


def test_empty_pieces_leave_no_gap() -> None:
    assert plain(joined([line("a"), (), line("b")], Span(" · "))) == "a · b"
