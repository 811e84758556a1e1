"""All that can be done to what is selected, in a list; the keys in it work at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, NamedTuple

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.dom import DOMNode
from textual.screen import ModalScreen

from tui.drawing.lines import Line, Span, Tone, clip, fit, line
from tui.key_names import key_name
from tui.widgets.row_list import RowList

_LEFT = frozenset({"enter", "escape"})
"""Keys that mean something in the list itself."""


class Action(NamedTuple):
    """One of them.

    Attributes:
        keys: in force, as Textual calls them.
        name, says: in a word or two, and in a sentence.
        action: what is run, in the namespace of `node`.
    """

    keys: tuple[str, ...]
    name: str
    says: str
    action: str
    node: DOMNode


class ActionList(RowList):
    """One action a row."""

    def __init__(self, actions: Sequence[Action]) -> None:
        super().__init__(id="actions")
        self._actions = actions
        self._name_cells = max((len(each.name) for each in actions), default=0) + 2
        self._key_cells = max((len(_keys(each)) for each in actions), default=0) + 2

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self._actions)

    @property
    def absence(self) -> Line:
        """What is said while nothing is selected."""
        return line(Span("nothing is selected here", Tone.MUTED))

    def row(self, index: int, cells: int) -> Line:
        """Its keys, its name, and what it does."""
        each = self._actions[index]
        spans = line(
            Span(fit(f" {_keys(each)}", self._key_cells + 1), Tone.ACCENT),
            fit(each.name, self._name_cells),
            Span(each.says, Tone.MUTED),
        )
        return clip(spans, cells)


def _keys(action: Action) -> str:
    return " ".join(map(key_name, action.keys))


class Actions(ModalScreen[Action | None]):
    """Asks what to do; closes with it, or with None.

    Args:
        title: what it is done to.
    """

    CSS_PATH = "dialog.tcss"
    DEFAULT_CSS = """
    Actions { align: center middle; background: $background 60%; }
    Actions #actions { background: $surface; }
    """
    AUTO_FOCUS = "#actions"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "choose", "do it", id="actions.choose", tooltip="Do what the cursor is on"),
        Binding("escape", "leave", "close", id="actions.close", tooltip="Do nothing"),
    ]

    def __init__(self, title: str, actions: Sequence[Action]) -> None:
        super().__init__()
        self._title, self._actions = title, actions
        self._list = ActionList(actions)

    def compose(self) -> ComposeResult:
        """The list."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = self._title
            dialog.border_subtitle = "a key or enter does it · esc closes"
            yield self._list

    def on_mount(self) -> None:
        """As high as the list, as far as there is room."""
        self._list.styles.height = max(1, min(self.app.size.height - 6, self._list.count))
        self.call_after_refresh(self._list.show)

    def on_key(self, event: events.Key) -> None:
        """A key of the list does what it would do without it."""
        wanted = next((each for each in self._actions if event.key in each.keys), None)
        if wanted is not None and event.key not in _LEFT:
            event.stop()
            self.dismiss(wanted)

    @on(RowList.Chosen)
    def action_choose(self) -> None:
        """Close with the action that the cursor is on."""
        self.dismiss(self._actions[self._list.cursor] if self._actions else None)

    def action_leave(self) -> None:
        """Close without one."""
        self.dismiss(None)
