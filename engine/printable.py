"""Others' words on their way to a terminal."""

from __future__ import annotations


def printable(text: str) -> str:
    """Text without what a terminal would obey, or what would break a line: each such letter is a ``?``."""
    return text if text.isprintable() else "".join(letter if letter.isprintable() else "?" for letter in text)
