"""What can be pressed after a pane's leader; each has an id by which settings give it another key."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import Enum

from rich.segment import Segment
from rich.style import Style
from textual.app import App
from textual.binding import Binding
from textual.strip import Strip
from textual.widget import Widget

from tui.key_names import key_name
from tui.keys import LEADER


class Wish(Enum):
    """What is asked for after the leader that a pane can't do alone."""

    TAB = "tab"
    BESIDE = "beside"
    BELOW = "below"
    NEXT_PANE = "next_pane"
    PREVIOUS_PANE = "previous_pane"
    NEXT_TAB = "next_tab"
    PREVIOUS_TAB = "previous_tab"
    SAME_KEYS = "same_keys"


class TakesKeys(Widget):
    """A widget that all keys go to while it has the focus, but those after its leader."""


def _key(keys: str, action: str, does: str, tooltip: str) -> Binding:
    return Binding(keys, action, does, id=f"pane.{action}", tooltip=tooltip)


BINDINGS = (
    _key("q,ctrl+q", "leave", "leave", "Leave it; it runs on, and e comes back to it"),
    _key("z", "zoom", "zoom", "As large as the screen, and back"),
    _key("t", Wish.TAB.value, "new tab", "Another in a new tab"),
    _key("vertical_line", Wish.BESIDE.value, "beside", "Another beside this one"),
    _key("minus", Wish.BELOW.value, "below", "Another below this one"),
    _key("o,right,down,tab", Wish.NEXT_PANE.value, "other pane", "To the next pane"),
    _key("O,left,up", Wish.PREVIOUS_PANE.value, "pane before", "To the pane before"),
    _key("n", Wish.NEXT_TAB.value, "other tab", "To the next tab"),
    _key("p", Wish.PREVIOUS_TAB.value, "tab before", "To the tab before"),
    _key("b", Wish.SAME_KEYS.value, "same keys", "The same keys to all panes in sight"),
    _key("left_square_bracket,pageup", "look_back", "back", "Look back in its output"),
    _key("slash", "search", "search", "Search its output"),
    _key("y", "copy", "copy", "Copy what is selected with the mouse"),
    _key("r", "record", "record", "Record what it shows into a file, or no more"),
    _key("c", "clipboard", "answer: copy?", "Answer a program that wants to put a text into the clipboard"),
    _key("x", "end", "end it", "End it"),
)
"""As shipped. They aren't a widget's own: without the leader before them they are the process's."""

CLIPBOARD = "pane.clipboard"
"""The id of the one that is shown only while there is something to answer."""

_SHIPPED = {binding.id or "": binding for binding in BINDINGS} | {LEADER.id or "": LEADER}
_NOT_IN_ROW = frozenset({LEADER.id, CLIPBOARD, "pane.previous_pane", "pane.previous_tab"})


class PaneKeys:
    """The leader and the keys after it, as they are in force.

    Args:
        keymap: keys by id, as settings have them.
    """

    def __init__(self, keymap: Mapping[str, str]) -> None:
        self._keys = {id: keymap.get(id, binding.key).split(",") for id, binding in _SHIPPED.items()}
        self._actions = {
            key: _SHIPPED[id].action
            for id in sorted(self._keys, key=lambda id: id in keymap)  # what was set goes before what is shipped
            if id != LEADER.id
            for key in self._keys[id]
        }

    def leads(self, key: str) -> bool:
        """Whether a key, in Textual's words, is the leader."""
        return key in self._keys[LEADER.id or ""]

    def action(self, key: str) -> str | None:
        """What a key does after the leader; None when nothing."""
        return self._actions.get(key)

    def name(self, id: str) -> str:
        """The first key of an id, as people write it."""
        return key_name(self._keys[id][0])

    @property
    def leader(self) -> str:
        """The leader, as people write it."""
        return self.name(LEADER.id or "")

    def described(self) -> Iterable[tuple[str, str]]:
        """The first key of each after the leader, with what it does in a sentence."""
        for binding in BINDINGS:
            yield f"{self.leader} {self.name(binding.id or '')}", binding.tooltip
        yield f"{self.leader} {self.leader}", f"Type a {self.leader}"

    def rows(self, columns: int, key_style: Style, style: Style, *, has_wish: bool) -> list[Strip]:
        """Every key with what it does, in as many rows of a width as that takes.

        Args:
            has_wish: whether a program waits for an answer about the clipboard.
        """
        shown = [CLIPBOARD] if has_wish else []
        shown += [id for id in _SHIPPED if id not in _NOT_IN_ROW]
        items = [(self.name(id), _SHIPPED[id].description) for id in shown]
        rows: list[list[Segment]] = [[]]
        for key, words in (*items, (self.leader, "itself")):
            item = [Segment(f" {key}", key_style), Segment(f" {words} ", style)]
            used = sum(segment.cell_length for segment in rows[-1])
            if used and used + sum(segment.cell_length for segment in item) > columns:
                rows.append([])
            rows[-1] += item
        return [Strip(row).crop_extend(0, columns, style) for row in rows]


SHIPPED = PaneKeys({})
"""Those of an app without settings."""


def pane_keys_of(app: App[object]) -> PaneKeys:
    """The keys in force in an app."""
    keys: PaneKeys = getattr(app, "pane_keys", SHIPPED)
    return keys
