"""Cells whose text is as wide as the compositor believes it to be."""

from __future__ import annotations

import re

from rich.cells import cell_len

_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]")
"""Characters that would do something in the terminal that the app runs in."""

_JOINER = "\u200d"


def fitted(character: str, following: str) -> str:
    """A cell's text, padded or replaced where emulator and compositor keep different Unicode tables.

    Args:
        character: the text of the cell.
        following: that of the next cell, which is empty after a wide character.
    """
    if character.isascii() and character.isprintable():
        return character  # the second cell of a wide character is empty: printable, as Python has it
    character = _CONTROLS.sub("", character)
    character = character.rstrip(_JOINER)  # it would make one of this cell's text and the next one's
    width = 2 if following == "" else 1
    excess = cell_len(character) - width
    if excess == 0:
        return character
    return character + " " * -excess if excess < 0 else "�" + " " * (width - 1)
