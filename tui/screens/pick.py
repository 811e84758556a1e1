"""A list to choose one thing from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, NamedTuple

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen

from tui.drawing.lines import Line, Span, Tone, clip, line
from tui.widgets.row_list import RowList

_MOST_ROWS = 14


class Choice(NamedTuple):
    """What may be chosen: its name, what a person reads, and a word on it."""

    key: str
    words: str
    remark: str = ""


class Choices(RowList):
    """One choice a row; the one in force is marked."""

    def __init__(self, choices: Sequence[Choice], current: str) -> None:
        super().__init__(id="choices")
        self._choices, self._current = choices, current
        self.cursor = next((place for place, each in enumerate(choices) if each.key == current), 0)

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self._choices)

    @property
    def chosen(self) -> Choice:
        """The one that the cursor is on."""
        return self._choices[self.cursor]

    def row(self, index: int, cells: int) -> Line:
        """One choice."""
        each = self._choices[index]
        is_current = each.key == self._current
        mark = Span("● " if is_current else "  ", Tone.ACCENT)
        return clip(
            line(
                mark,
                Span(f"{each.words:<20} ", Tone.STRONG if is_current else Tone.PLAIN),
                Span(each.remark, Tone.MUTED),
            ),
            cells,
        )


class Pick(ModalScreen[str | None]):
    """Asks for one of several; closes with its key, or with None.

    Args:
        title: what is chosen.
        choices: at least one.
        current: key of the one in force.
        again: a key that moves on to the next choice, for the one that opened this.
    """

    CSS_PATH = "dialog.tcss"
    DEFAULT_CSS = """
    Pick { align: center middle; background: $background 60%; }
    Pick #choices { background: $surface; }
    """
    AUTO_FOCUS = "#choices"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,space", "choose", "choose", id="pick.choose", tooltip="Take this one"),
        Binding("escape,q", "leave", "leave", id="pick.leave", tooltip="Leave it as it is"),
    ]

    def __init__(self, title: str, choices: Sequence[Choice], current: str, again: str = "") -> None:
        super().__init__()
        self._title, self._again = title, again
        self._list = Choices(choices, current)

    def compose(self) -> ComposeResult:
        """The list."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = self._title
            dialog.border_subtitle = "enter choose · esc leave"
            yield self._list

    def on_mount(self) -> None:
        """As high as the list, within reason."""
        self._list.styles.height = min(_MOST_ROWS, self._list.count)
        self.call_after_refresh(self._list.show)
        if self._again:
            self._bindings.bind(self._again, "next", show=False)

    def action_next(self) -> None:
        """On to the next choice, and from the last to the first."""
        self._list.go_to((self._list.cursor + 1) % self._list.count)

    @on(RowList.Chosen)
    def action_choose(self) -> None:
        """Close with the choice."""
        self.dismiss(self._list.chosen.key)

    def action_leave(self) -> None:
        """Close without one."""
        self.dismiss(None)
