"""A question with two answers."""

from __future__ import annotations

from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.reactive import var
from textual.screen import ModalScreen
from textual.widgets import Static


class Answer(Static):
    """One of the two; the one that enter gives is lit."""

    DEFAULT_CSS = """
    Answer {
        width: auto;
        padding: 0 2 0 1;
        margin-right: 2;
        color: $muted;
        &.-lit { background: $cursor; color: $on-cursor; text-style: bold; }
        &.-lit.-loss { color: $error; }
    }
    """

    def __init__(self, key: str, words: str, answer: bool, *, classes: str) -> None:
        self.answer, self._words = answer, f"{key}  {words}"
        super().__init__(f"  {self._words}", classes=classes, markup=False)

    def light(self, lit: bool) -> None:
        """Be the answer that enter gives, or no more."""
        self.set_class(lit, "-lit")
        self.update(f"{'▸' if lit else ' '} {self._words}")


class Confirm(ModalScreen[bool]):
    """Asks before something that can't be undone; closes with whether it shall be done.

    Enter leaves everything as it is, unless the other answer was chosen or nothing is lost by it.

    Args:
        title: what is asked about.
        sentence: what will happen, and what is lost.
        verb: what the key to agree with does.
        loses: whether something is lost.
    """

    CSS_PATH = "dialog.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "yes", id="confirm.yes", tooltip="Do it"),
        Binding("escape,n,q", "answer(False)", "no", id="confirm.no", tooltip="Leave everything as it is"),
        Binding("enter", "answer_lit", "answer", id="confirm.answer", tooltip="The answer that is lit"),
        Binding("left,right,tab,h,l", "turn", "other", id="confirm.turn", show=False, tooltip="Light the other answer"),
    ]

    lit: var[bool] = var(False)
    """The answer that enter gives."""

    def __init__(self, title: str, sentence: str, verb: str, *, loses: bool = True) -> None:
        super().__init__()
        self._title, self._sentence, self._verb, self._loses = title, sentence, verb, loses
        self.set_reactive(Confirm.lit, not loses)

    def compose(self) -> ComposeResult:
        """The question and its answers."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = self._title
            dialog.border_subtitle = "enter gives the answer that is lit"
            yield Static(self._sentence, classes="sentence", markup=False)
            with Horizontal(classes="answers"):
                yield Answer("n", "leave it", answer=False, classes="")
                yield Answer("y", self._verb, answer=True, classes="-loss" if self._loses else "")

    def on_mount(self) -> None:
        """Light the safe answer."""
        self.watch_lit()

    def watch_lit(self) -> None:
        """Another answer."""
        for each in self.query(Answer):
            each.light(each.answer is self.lit)

    def action_turn(self) -> None:
        """Light the other answer."""
        self.lit = not self.lit

    def action_answer_lit(self) -> None:
        """Close with the answer that is lit."""
        self.dismiss(self.lit)

    def action_answer(self, answer: bool) -> None:
        """Close with the answer."""
        self.dismiss(answer)

    @on(events.Click)
    def answer_clicked(self, event: events.Click) -> None:
        """A click on an answer gives it."""
        if isinstance(event.widget, Answer):
            self.dismiss(event.widget.answer)
