"""What can be pressed after a pane's leader."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip


class Wish(Enum):
    """What is asked for after the leader that a pane can't do alone."""

    TAB = "t"
    BESIDE = "vertical_line"
    BELOW = "minus"
    NEXT_PANE = "o"
    PREVIOUS_PANE = "O"
    NEXT_TAB = "n"
    PREVIOUS_TAB = "p"
    SAME_KEYS = "b"


WISHES = {wish.value: wish for wish in Wish} | {
    "right": Wish.NEXT_PANE,
    "down": Wish.NEXT_PANE,
    "tab": Wish.NEXT_PANE,
    "left": Wish.PREVIOUS_PANE,
    "up": Wish.PREVIOUS_PANE,
}
"""By the key, in Textual's words."""

_KEYS = (
    ("q", "leave"),
    ("z", "zoom"),
    ("t", "new tab"),
    ("|", "beside"),
    ("-", "below"),
    ("o", "other pane"),
    ("n p", "tabs"),
    ("b", "same keys"),
    ("[", "back"),
    ("/", "search"),
    ("y", "copy"),
    ("r", "record"),
    ("x", "end it"),
    ("ctrl+g", "itself"),
)


CLIPBOARD_KEY = ("c", "answer: copy?")


def key_rows(columns: int, key_style: Style, style: Style, first: Iterable[tuple[str, str]] = ()) -> list[Strip]:
    """Every key with what it does, in as many rows as that takes.

    Args:
        first: keys that there are only now.
    """
    rows: list[list[Segment]] = [[]]
    for key, words in (*first, *_KEYS):
        item = [Segment(f" {key}", key_style), Segment(f" {words} ", style)]
        used = sum(segment.cell_length for segment in rows[-1])
        if used and used + sum(segment.cell_length for segment in item) > columns:
            rows.append([])
        rows[-1] += item
    return [Strip(row).crop_extend(0, columns, style) for row in rows]
