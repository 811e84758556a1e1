"""Boxes and wires."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tui.drawing.canvas import Canvas
from tui.drawing.lines import plain


def picture(canvas: Canvas) -> list[str]:
    return [plain(line) for line in canvas.lines()]


def test_a_box_has_round_corners() -> None:
    canvas = Canvas()
    canvas.box(0, 0, 4, 3)
    assert picture(canvas) == ["╭──╮", "│  │", "╰──╯"]


def test_a_wire_that_meets_a_box_grows_a_junction() -> None:
    canvas = Canvas()
    canvas.box(0, 1, 5, 3)
    canvas.vertical(2, 0, 2)
    canvas.vertical(2, 3, 2)
    assert picture(canvas) == ["  ╷", "╭─┴─╮", "│   │", "╰─┬─╯", "  ╵"]


def test_wires_cross() -> None:
    canvas = Canvas()
    canvas.horizontal(0, 1, 3)
    canvas.vertical(1, 0, 3)
    assert picture(canvas) == [" ╷", "╶┼╴", " ╵"]


def test_text_covers_wires() -> None:
    canvas = Canvas()
    canvas.horizontal(0, 0, 5)
    canvas.text(1, 0, "nat")
    assert picture(canvas) == ["╶nat╴"]


wires = st.tuples(st.booleans(), st.integers(0, 8), st.integers(0, 8), st.integers(2, 6))


@given(st.lists(wires, max_size=8))
def test_every_junction_has_a_character(drawn: list[tuple[bool, int, int, int]]) -> None:
    canvas = Canvas()
    for across, x, y, length in drawn:
        (canvas.horizontal if across else canvas.vertical)(x, y, length)
        cells = [(x + i, y) if across else (x, y + i) for i in range(length)]
        assert all(canvas.at(*cell) != " " for cell in cells)
