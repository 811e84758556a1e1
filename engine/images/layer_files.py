"""The tree of files as it is on top of one layer, or of all, with what was done to each."""

from __future__ import annotations

from engine.images.nodes import Node, Seen
from engine.images.stack import Stack
from engine.model.layer import Action, LayerFile


def root(stack: Stack, layer: int | None) -> LayerFile:
    """The root folder.

    Args:
        layer: on top of which; what it removes is still there, marked. None for all: marked are files that more than
            one layer has a hand in, and everything that was ever removed is there.
    """
    return _file("", stack.root, layer if layer is not None else len(stack.tallies), layer is None)


def _file(name: str, node: Node, layer: int, of_all: bool) -> LayerFile:
    last = _last(node, layer)
    children = tuple(
        [
            _file(each, child, layer, of_all)
            for each, child in (sorted(node.children.items()) if node.children else ())
            if _is_shown(child, layer, of_all)
        ]
    )
    action = _action(node, last, layer, of_all)
    kind = last[3] if last is not None else "d"
    return LayerFile(
        name=name,
        kind=kind,
        size_bytes=_size(node, last) if kind != "d" else _size_of_all(children, action == "removed"),
        layer=last[0] if last is not None else 0,
        action=action,
        is_touched=action is not None or any(child.is_touched for child in children),
        link=node.link if node.link and last is not None and last[0] == node.layer else "",
        children=children,
    )


def _last(node: Node, layer: int) -> Seen | None:
    """What a layer, or the topmost of those below it that did anything, did to it."""
    for seen in reversed(node.sightings):
        if seen[0] <= layer:
            return seen
    return None


def _is_shown(node: Node, layer: int, of_all: bool) -> bool:
    last = _last(node, layer)
    return last is not None and (last[1] != "removed" or of_all or last[0] == layer)


def _action(node: Node, last: Seen | None, layer: int, of_all: bool) -> Action | None:
    if last is None or (not of_all and last[0] != layer):
        return None
    if not of_all or last[1] == "removed":
        return last[1]
    return "changed" if len(node.sightings) > 1 else None


def _size(node: Node, last: Seen | None) -> int:
    """Of a file, and of one that was removed, what it had."""
    if last is None or last[1] != "removed":
        return last[2] if last is not None else 0
    return next((seen[2] for seen in reversed(node.sightings) if seen[0] < last[0]), 0)


def _size_of_all(children: tuple[LayerFile, ...], is_removed: bool) -> int:
    return sum([child.size_bytes for child in children if is_removed or child.action != "removed"])
