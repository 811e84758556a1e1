"""Lists of processors and memory nodes such as ``0-3,7`` (cpuset(7), "List format")."""

from __future__ import annotations

_LONGEST = 5  # digits: no machine has more, and no list is to fill the memory


def numbers(text: str) -> frozenset[int]:
    """The numbers in a list; none in an empty one.

    Raises:
        ValueError: it isn't one.
    """
    found: set[int] = set()
    for first, last in _ranges(text):
        found.update(range(first, last + 1))
    return frozenset(found)


def count(text: str) -> int | None:
    """How many numbers are in a list as the kernel writes it; None for an empty one."""
    return sum(last - first + 1 for first, last in _ranges(text)) or None


def _ranges(text: str) -> list[tuple[int, int]]:
    return [_range(part) for part in text.split(",")] if text else []


def _range(part: str) -> tuple[int, int]:
    first, dash, last = part.partition("-")
    for number in (first, last) if dash else (first,):
        if not number.isdecimal() or len(number) > _LONGEST:
            raise ValueError(part)
    return int(first), int(last or first)
