"""Panes split beside and below each other, as often as there is room: a tree, whose leaves are laid out in a tab."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from typing import Generic, TypeVar

from textual.geometry import NULL_OFFSET, NULL_SPACING, Region, Size
from textual.layout import ArrangeResult, Layout, WidgetPlacement
from textual.widget import Widget

Leaf = TypeVar("Leaf")


class Split(Generic[Leaf]):
    """Parts that share a rectangle equally.

    Attributes:
        is_down: whether they lie below each other, rather than side by side.
        parts: from the left or from the top.
    """

    def __init__(self, is_down: bool = False, *parts: Leaf | Split[Leaf]) -> None:
        self.is_down = is_down
        self.parts: list[Leaf | Split[Leaf]] = list(parts)

    def leaves(self) -> Iterator[Leaf]:
        """All of them, from the left and from the top."""
        for part in self.parts:
            if isinstance(part, Split):
                yield from part.leaves()
            else:
                yield part

    def add(self, leaf: Leaf, after: Leaf | None, is_down: bool) -> None:
        """Split the place of another leaf, or with none given the whole."""
        if after is None or len(self.parts) < 2:
            self.is_down = is_down
            self.parts.append(leaf)
            return
        inner = next((part for part in self.parts if isinstance(part, Split) and after in part.leaves()), None)
        if inner is not None:
            inner.add(leaf, after, is_down)
            return
        place = self.parts.index(after)
        if self.is_down is is_down:
            self.parts.insert(place + 1, leaf)
        else:
            self.parts[place] = Split(is_down, after, leaf)

    def drop(self, leaf: Leaf) -> None:
        """Give a leaf's place to its neighbours."""
        for place, part in enumerate(self.parts):
            if part is leaf:
                del self.parts[place]
                return
            if isinstance(part, Split) and leaf in part.leaves():
                part.drop(leaf)
                if len(part.parts) == 1:
                    self.parts[place] = part.parts[0]
                return

    def regions(self, whole: Region) -> Iterator[tuple[Leaf, Region]]:
        """Where each leaf lies in a rectangle; some may be a cell larger than others."""
        count = len(self.parts)
        length = whole.height if self.is_down else whole.width
        ends = [length * number // count for number in range(count + 1)] if count else []
        for part, (begin, end) in zip(self.parts, pairwise(ends), strict=True):
            if self.is_down:
                region = Region(whole.x, whole.y + begin, whole.width, end - begin)
            else:
                region = Region(whole.x + begin, whole.y, end - begin, whole.height)
            if isinstance(part, Split):
                yield from part.regions(region)
            else:
                yield part, region


class SplitLayout(Layout):
    """Lays the children of a widget out as the leaves of a tree.

    Args:
        regions: where each leaf lies in a rectangle (`Split.regions`).
    """

    name = "split"

    def __init__(self, regions: Callable[[Region], Iterable[tuple[Widget, Region]]]) -> None:
        self._regions = regions

    def arrange(self, parent: Widget, children: list[Widget], size: Size, greedy: bool = True) -> ArrangeResult:
        """A place for each child that is in the tree."""
        parent.pre_layout(self)
        here = set(children)
        return [
            WidgetPlacement(region, NULL_OFFSET, NULL_SPACING, widget)
            for widget, region in self._regions(size.region)
            if widget in here
        ]
