"""A question with two answers."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static


class Confirm(ModalScreen[bool]):
    """Asks before something that can't be undone; closes with whether it shall be done.

    Args:
        title: what is asked about.
        sentence: what will happen.
        verb: what the key to agree with does.
    """

    CSS_PATH = "dialog.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,y", "answer(True)", "yes", id="confirm.yes", tooltip="Do it"),
        Binding("escape,n,q", "answer(False)", "no", id="confirm.no", tooltip="Leave everything as it is"),
    ]

    def __init__(self, title: str, sentence: str, verb: str) -> None:
        super().__init__()
        self._title, self._sentence, self._verb = title, sentence, verb

    def compose(self) -> ComposeResult:
        """The question and its keys."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = self._title
            yield Static(self._sentence, classes="sentence", markup=False)
            yield Static(
                Content.from_markup(
                    "[$accent]enter[/] [$muted]$verb   [/][$accent]esc[/] [$muted]leave it[/]", verb=self._verb
                )
            )

    def action_answer(self, answer: bool) -> None:
        """Close with the answer."""
        self.dismiss(answer)
