"""How well an image's layers are used: by the formula of ``dive`` (its ``filetree.Efficiency``)."""

from __future__ import annotations

from collections.abc import Iterator

from engine.images.nodes import Node
from engine.images.stack import Stack
from engine.model.layer import Waste


def efficiency(stack: Stack) -> float:
    """For every path the least of the sizes that layers give it, over the sum of them; of all paths together.

    What is removed has the size 0, a folder that is removed that of everything in it, which isn't counted one by one
    then. 1 for a stack without files.
    """
    least, whole = _of(stack.root, frozenset())
    return least / whole if whole else 1.0


def _of(node: Node, covered: frozenset[int]) -> tuple[int, int]:
    """Least and whole.

    Args:
        covered: numbers of layers that have removed a folder above.
    """
    sizes = [
        (size if action != "removed" else _removed_bytes(node, number) if kind == "d" else 0)
        for number, action, size, kind in node.sightings
        if number not in covered or action != "removed"
    ]
    least, whole = min(sizes, default=0), sum(sizes)
    below = covered.union(number for number, action, _, _ in node.sightings if action == "removed")
    for child in node.children.values():
        child_least, child_whole = _of(child, below)
        least += child_least
        whole += child_whole
    return least, whole


def _removed_bytes(node: Node, number: int) -> int:
    """Of all files that a layer removes with a folder."""
    total = 0
    for child in node.children.values():
        if any(seen[0] == number and seen[1] == "removed" for seen in child.sightings):
            total += next((seen[2] for seen in reversed(child.sightings) if seen[0] < number), 0)
            total += _removed_bytes(child, number)
    return total


def waste(stack: Stack) -> Iterator[Waste]:
    """Files of which lower layers hold what nobody sees."""
    return _wasted("", stack.root)


def _wasted(place: str, folder: Node) -> Iterator[Waste]:
    for name, node in folder.children.items():
        path = f"{place}/{name}"
        held = sum(seen[2] for seen in node.sightings) - node.size
        if held:
            yield Waste(path=path, layers=tuple(seen[0] for seen in node.sightings), wasted_bytes=held)
        yield from _wasted(path, node)
