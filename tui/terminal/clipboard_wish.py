"""A text that a process wants in the clipboard (OSC 52): nothing is put there before a person has agreed."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum

_PREVIEW_CHARACTERS = 40


class ClipboardAnswer(str, Enum):
    """What a person says to it."""

    NO = "no"
    ONCE = "once"
    ALWAYS = "always"


class ClipboardWish:
    """The last such text of one process.

    Args:
        copy: puts a text into the clipboard.

    Attributes:
        text: what waits for an answer; None while nothing does.
    """

    def __init__(self, copy: Callable[[str], None]) -> None:
        self._copy = copy
        self._is_granted = False
        self.text: str | None = None

    def offer(self, text: str) -> bool:
        """The process wants this text there now.

        Returns:
            Whether there is something to answer where there was nothing before.
        """
        if self._is_granted:
            self._copy(text)
            return False
        before, self.text = self.text, text
        return before is None

    def answer(self, answer: ClipboardAnswer, text: str) -> None:
        """What was said to a text; the process may want another by now, which isn't meant."""
        if self.text == text:
            self.text = None
        self._is_granted = answer is ClipboardAnswer.ALWAYS
        if answer is not ClipboardAnswer.NO:
            self._copy(text)


def preview(text: str) -> str:
    """The beginning of a text in one line, in quotes, and how long it is if that isn't all."""
    line = "".join(character if character.isprintable() else " " for character in text[: _PREVIEW_CHARACTERS + 1])
    if len(text) <= _PREVIEW_CHARACTERS:
        return f"“{line}”"
    return f"“{line[:_PREVIEW_CHARACTERS]}…” ({len(text):,} characters)"
