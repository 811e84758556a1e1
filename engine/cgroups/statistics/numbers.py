"""Numbers in the kernel's texts, found by line and key."""

from __future__ import annotations

from collections.abc import Sequence

_Place = tuple[int, bytes, int]  # the line that a key is on, or -1; how it begins, and the length of that


class Lines:
    """Picks the numbers of some keys from texts of lines ``key number``, such as memory.stat.

    A kernel writes the same lines each time, so where each key was is remembered; that it is still there is checked.
    One instance serves all files of a kind.

    Args:
        keys: in the order in which their numbers are wanted.
    """

    __slots__ = ("_learnt", "_starts")

    def __init__(self, *keys: str) -> None:
        self._starts = [f"{key} ".encode() for key in keys]
        self._learnt: tuple[int, list[_Place]] = (-1, [])  # in one piece, as threads may share it

    def values(self, text: bytes) -> list[int | None]:
        """A number for each key; None for a key that doesn't occur."""
        lines = text.split(b"\n")
        count, places = self._learnt
        if count != len(lines):
            places = self._learn(lines)
        found: list[int | None] = []
        for at, start, length in places:
            if at < 0:
                found.append(None)
            elif (line := lines[at]).startswith(start):
                found.append(int(line[length:]))
            else:
                self._learn(lines)
                return self.values(text)
        return found

    def _learn(self, lines: Sequence[bytes]) -> list[_Place]:
        places = [(_line_of(lines, start), start, len(start)) for start in self._starts]
        self._learnt = (len(lines), places)
        return places


def _line_of(lines: Sequence[bytes], start: bytes) -> int:
    return next((at for at, line in enumerate(lines) if line.startswith(start)), -1)


def number(text: bytes) -> int | None:
    """The one number in a file; None for an empty text, and for ``max``."""
    return int(text) if text[:1].isdigit() else None


def number_after(line: bytes, key: bytes) -> int:
    """The number between a key, such as `` rbytes=``, and the next space or the end; 0 where the key doesn't occur."""
    at = line.find(key)
    if at < 0:
        return 0
    start = at + len(key)
    end = line.find(b" ", start)
    return int(line[start:] if end < 0 else line[start:end])
