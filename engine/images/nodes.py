"""Names in a merged tree, and what a passing layer has changed of them."""

from __future__ import annotations

from engine.model.layer import Action

Seen = tuple[int, Action, int, str]
"""What a layer does to a path: its number, the action, the size of its file, and the kind of what is, or was, there."""


class Node:
    """A name in the merged tree, with everything that layers have done to it, the lowest first.

    Attributes:
        kind: a letter as ``ls -l`` shows it; empty for what a layer has removed.
        layer: the number of the layer whose file or folder is seen.
        children: of a folder.
        sightings: one for each layer that adds, changes or removes it.
    """

    __slots__ = ("children", "kind", "layer", "link", "sightings", "size", "status")

    def __init__(self) -> None:
        self.kind = ""
        self.layer = 0
        self.link = ""
        self.size = 0
        self.status: tuple[int, int, int] = (0, 0, 0)
        self.children: dict[str, Node] = {}
        self.sightings: list[Seen] = []

    @property
    def is_here(self) -> bool:
        """Whether it is seen at all."""
        return bool(self.kind)


class Journal:
    """What a layer found when it was laid, so that it can be taken away again."""

    def __init__(self) -> None:
        self._before: dict[int, tuple[Node, tuple[str, int, str, int, tuple[int, int, int]], list[Seen]]] = {}
        self._added: list[tuple[Node, str]] = []

    def keep(self, node: Node) -> None:
        """Remember a node as it is before it is changed."""
        if id(node) not in self._before:
            state = node.kind, node.layer, node.link, node.size, node.status
            self._before[id(node)] = node, state, node.sightings.copy()

    def add(self, parent: Node, name: str) -> None:
        """Remember a name that wasn't there."""
        self._added.append((parent, name))

    def undo(self) -> None:
        """Make everything what it was."""
        for parent, name in self._added:
            del parent.children[name]
        for node, state, sightings in self._before.values():
            node.kind, node.layer, node.link, node.size, node.status = state
            node.sightings = sightings
