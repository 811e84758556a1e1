"""Keys as people write them, and as Textual calls them."""

from __future__ import annotations

import string

from textual.keys import _character_to_key

CHARACTERS = {character: _character_to_key(character) for character in string.punctuation}
"""Punctuation, with Textual's name for each."""

_NAMES = {name: character for character, name in CHARACTERS.items()} | {
    "escape": "esc",
    "left": "←",
    "right": "→",
    "up": "↑",
    "down": "↓",
    "pageup": "pgup",
    "pagedown": "pgdn",
}


def key_name(key: str) -> str:
    """A key as people write it, such as ``?`` or ``ctrl+g``."""
    modifiers, plus, last = key.rpartition("+")
    return f"{modifiers}{plus}{_NAMES.get(last, last)}"
