"""Namespaces of one kind in the order of a tree: user and pid namespaces are nested, the others lie side by side."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from engine.model import NamespaceEntry


class Nested(NamedTuple):
    """A namespace and where it stands.

    Attributes:
        depth: how many are above it.
        is_last: of each level down to its own, whether it or the one above it is the last there.
    """

    entry: NamespaceEntry
    depth: int
    is_last: tuple[bool, ...]


def nested(entries: Iterable[NamespaceEntry]) -> list[Nested]:
    """Namespaces of one kind, each before those that were made in it; those whose parent isn't there are tops."""
    known = list(entries)
    numbers = {entry.inode for entry in known}
    children: dict[int | None, list[NamespaceEntry]] = {}
    for entry in known:
        parent = entry.parent_inode if entry.parent_inode in numbers else None
        children.setdefault(parent, []).append(entry)
    return list(_below(None, children, ()))


_Children = dict[int | None, list[NamespaceEntry]]


def _below(parent: int | None, children: _Children, above: tuple[bool, ...]) -> Iterator[Nested]:
    own = children.get(parent, [])
    for place, entry in enumerate(own):
        is_last = (*above, place == len(own) - 1)
        yield Nested(entry, len(above), is_last)
        yield from _below(entry.inode, children, is_last)
