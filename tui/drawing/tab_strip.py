"""Names of tabs in a frame: as many as there is room for, around the one that is shown."""

from __future__ import annotations

from collections.abc import Sequence

MORE = "…"


def tabs_in_sight(tabs: Sequence[str], shown: str, cells: int) -> list[str]:
    """Names in their order; an ellipsis stands for those that there is no room for.

    Args:
        cells: room for all, each with a blank at both sides.
    """
    if _cells(tabs) <= cells or shown not in tabs:
        return list(tabs)
    first = last = tabs.index(shown)
    while True:
        wider = [(first, last + 1), (first - 1, last)]
        fits = [(a, b) for a, b in wider if a >= 0 and b < len(tabs) and _cells(_marked(tabs, a, b)) <= cells]
        if not fits:
            return _marked(tabs, first, last)
        first, last = fits[0]


def _marked(tabs: Sequence[str], first: int, last: int) -> list[str]:
    before = [MORE] if first > 0 else []
    after = [MORE] if last < len(tabs) - 1 else []
    return [*before, *tabs[first : last + 1], *after]


def _cells(tabs: Sequence[str]) -> int:
    return sum(len(tab) + 2 for tab in tabs)
