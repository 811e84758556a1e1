"""A line that is typed over the lowest row of a pane; no Textual in it."""

from __future__ import annotations

from enum import Enum


class Answer(Enum):
    """What a key did to a prompt."""

    TYPING = "typing"
    GIVEN = "given"
    CANCELLED = "cancelled"


class Prompt:
    """One question.

    Attributes:
        what: the question, in a word or two.
        text: what has been typed.
        problem: why it can't be taken; empty while nobody knows of any.
    """

    def __init__(self, what: str, text: str = "") -> None:
        self.what = what
        self.text = text
        self.problem = ""

    def __str__(self) -> str:
        return f" {self.what}: {self.text}▏ {self.problem}"

    def press(self, key: str, character: str | None) -> Answer:
        """Edit the text, in Textual's words for keys."""
        self.problem = ""
        if key == "enter":
            return Answer.GIVEN
        if key == "escape" or (key == "backspace" and not self.text):
            return Answer.CANCELLED
        if key == "backspace":
            self.text = self.text[:-1]
        elif key == "ctrl+u":
            self.text = ""
        elif character is not None and character.isprintable():
            self.text += character
        return Answer.TYPING
