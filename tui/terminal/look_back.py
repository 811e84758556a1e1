"""Looking back in what a terminal showed: a cursor, a selection and a search; no Textual in it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from enum import Enum
from typing import NamedTuple

from tui.terminal.emulator import Emulator
from tui.terminal.prompt import Answer, Prompt

_WORD = re.compile(r"\S+")


class Place(NamedTuple):
    """A character: its line, counted from the oldest one kept, and where it is in the text of the line."""

    line: int
    at: int


class Outcome(Enum):
    """What a key led to."""

    STAYED = "stayed"
    COPIED = "copied"
    LEFT = "left"


class Mark(Enum):
    """Why a stretch of a line stands out."""

    FOUND = "found"
    SELECTED = "selected"
    CURSOR = "cursor"


class Stretch(NamedTuple):
    """A marked part of a line, by indexes of its characters, the end excluded."""

    start: int
    end: int
    mark: Mark


class LookBack:
    """One look back, with keys as vi, less and tmux's copy mode have them.

    Searching ignores case unless the text has a capital letter, as with vim's smartcase, and goes on at the other end.

    Args:
        emulator: whose view follows the cursor.

    Attributes:
        cursor: where the next step begins.
        anchor: where the selection begins; None while nothing is selected.
        entry: the text that is being typed to be searched for; None while none is.
        word: a word to the person, such as that nothing was found.
    """

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator
        at = emulator.cursor
        self.cursor = Place(self.top + at.row, self._index_at(self.top + at.row, at.column))
        self.anchor: Place | None = None
        self.entry: Prompt | None = None
        self.word = ""
        self._whole_lines = False
        self._backwards = True
        self._pattern: re.Pattern[str] | None = None
        self._keys = self._commands()

    # --- where things are ---

    @property
    def top(self) -> int:
        """The line that the view shows first."""
        return self._emulator.history_rows - self._emulator.view_offset

    @property
    def first(self) -> int:
        """The oldest line that can be looked at: full-screen programs have no others than they show."""
        return self._emulator.history_rows if self._emulator.modes.alternate_screen else 0

    @property
    def last(self) -> int:
        """The newest line."""
        return self._emulator.history_rows + self._emulator.rows - 1

    def stretches(self, y: int) -> Iterator[Stretch]:
        """What stands out in a row of the view, the more important later."""
        line = self.top + y
        if self._pattern is not None:
            for found in self._pattern.finditer(self._text(line)):
                yield Stretch(found.start(), found.end(), Mark.FOUND)
        if (span := self._span(line)) is not None:
            yield Stretch(*span, Mark.SELECTED)
        if line == self.cursor.line:
            yield Stretch(self.cursor.at, self.cursor.at + 1, Mark.CURSOR)

    def _span(self, line: int) -> tuple[int, int] | None:
        """The selected part of a line."""
        if self.anchor is None:
            return None
        start, end = sorted((self.anchor, self.cursor))
        if not start.line <= line <= end.line:
            return None
        length = max(1, len(self._text(line)))
        if self._whole_lines:
            return 0, length
        return start.at if line == start.line else 0, min(end.at + 1, length) if line == end.line else length

    @property
    def selected_text(self) -> str:
        """What is selected, without blanks at the ends of lines; the cursor's line while nothing is."""
        if self.anchor is None:
            return self._text(self.cursor.line)
        first, last = sorted((self.anchor.line, self.cursor.line))
        spans = ((line, self._span(line)) for line in range(first, last + 1))
        return "\n".join(self._text(line)[slice(*span)].rstrip() for line, span in spans if span is not None)

    def _text(self, line: int) -> str:
        return self._emulator.line_text(line).rstrip()

    def _index_at(self, line: int, column: int) -> int:
        return len(self._emulator.line_text(line, column))

    # --- keys ---

    def press(self, key: str, character: str | None) -> Outcome:
        """Act on a key in Textual's words; those without a meaning are ignored."""
        self.word = ""
        if self.entry is not None:
            self._edit(self.entry, key, character)
            return Outcome.STAYED
        if key in ("y", "enter"):
            return Outcome.COPIED
        if key in ("q", "G") or (key == "escape" and self.anchor is None):
            return Outcome.LEFT
        if (command := self._keys.get(key)) is not None:
            command()
        return Outcome.STAYED

    def _commands(self) -> dict[str, Callable[[], None]]:
        def step(lines: Callable[[], int]) -> Callable[[], None]:
            return lambda: self._go(self.cursor.line + lines(), self.cursor.at)

        def along(index: Callable[[], int]) -> Callable[[], None]:
            return lambda: self._go(self.cursor.line, index())

        commands: dict[str, Callable[[], None]] = {}
        for keys, command in (
            ("up k", step(lambda: -1)),
            ("down j", step(lambda: 1)),
            ("pageup ctrl+b", step(lambda: -self._page)),
            ("pagedown ctrl+f", step(lambda: self._page)),
            ("ctrl+u", step(lambda: -self._page // 2)),
            ("ctrl+d", step(lambda: self._page // 2)),
            ("home g", lambda: self._go(self.first, 0)),
            ("end", lambda: self._go(self.last, 0)),
            ("left h", along(lambda: self.cursor.at - 1)),
            ("right l", along(lambda: self.cursor.at + 1)),
            ("0 circumflex_accent", along(lambda: 0)),
            ("dollar_sign", along(lambda: len(self._text(self.cursor.line)) - 1)),
            ("w", self._next_word),
            ("b", self._previous_word),
            ("v space", self._select),
            ("V", self._select_lines),
            ("escape", self._unselect),
            ("slash", lambda: self._ask(False)),
            ("question_mark", lambda: self._ask(True)),
            ("n", lambda: self._search(self._backwards)),
            ("N", lambda: self._search(not self._backwards)),
        ):
            commands |= dict.fromkeys(keys.split(), command)
        return commands

    @property
    def _page(self) -> int:
        return max(1, self._emulator.rows - 1)

    def _go(self, line: int, index: int) -> None:
        line = max(self.first, min(line, self.last))
        self.cursor = Place(line, max(0, min(index, max(0, self._emulator.columns - 1))))
        above, below = self.top - line, line - (self.top + self._emulator.rows - 1)
        if above > 0:
            self._emulator.scroll_view(-above)
        elif below > 0:
            self._emulator.scroll_view(below)

    def scrolled(self) -> None:
        """The view was moved otherwise, as by the wheel: the cursor stays in it."""
        line = max(self.top, min(self.cursor.line, self.top + self._emulator.rows - 1))
        self.cursor = Place(line, self.cursor.at)

    def _next_word(self) -> None:
        for line in range(self.cursor.line, min(self.cursor.line + 2, self.last + 1)):
            after = self.cursor.at if line == self.cursor.line else -1
            for word in _WORD.finditer(self._text(line)):
                if word.start() > after:
                    return self._go(line, word.start())
        return None

    def _previous_word(self) -> None:
        for line in range(self.cursor.line, max(self.cursor.line - 2, self.first - 1), -1):
            before = self.cursor.at if line == self.cursor.line else self._emulator.columns + 1
            starts = [word.start() for word in _WORD.finditer(self._text(line)) if word.start() < before]
            if starts:
                return self._go(line, starts[-1])
        return None

    # --- selection ---

    def _select(self) -> None:
        self._whole_lines = False
        self.anchor = self.cursor if self.anchor is None else None

    def _select_lines(self) -> None:
        self._whole_lines = True
        self.anchor = self.anchor or self.cursor

    def _unselect(self) -> None:
        self.anchor = None

    # --- search ---

    def _ask(self, backwards: bool) -> None:
        self.entry, self._backwards = Prompt("search"), backwards

    def _edit(self, entry: Prompt, key: str, character: str | None) -> None:
        answer = entry.press(key, character)
        if answer is not Answer.TYPING:
            self.entry = None
        if answer is Answer.GIVEN:
            if entry.text:
                self._pattern = _pattern(entry.text)
            self._search(self._backwards)

    def _search(self, backwards: bool) -> None:
        if self._pattern is None:
            self.word = "nothing to search for: / and a text"
            return None
        for line in self._lines_from_cursor(backwards):
            starts = [found.start() for found in self._pattern.finditer(self._text(line))]
            if line == self.cursor.line:
                starts = [at for at in starts if (at < self.cursor.at if backwards else at > self.cursor.at)]
            if starts:
                return self._go(line, starts[-1] if backwards else starts[0])
        self.word = "not found"
        return None

    def _lines_from_cursor(self, backwards: bool) -> Iterator[int]:
        at = self.cursor.line
        if backwards:
            yield from range(at, self.first - 1, -1)
            yield from range(self.last, at, -1)
        else:
            yield from range(at, self.last + 1)
            yield from range(self.first, at)


def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(re.escape(text), 0 if text != text.lower() else re.IGNORECASE)
