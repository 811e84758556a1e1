"""Layers laid on top of each other, in memory: which layer every file comes from, and what each does to those below.

The merging is overlayfs's (overlayfs.rst, "Upper and Lower" and "whiteouts and opaque directories"). Nothing is
mounted, no link followed, and every folder is read by descriptor, so that a container may rearrange its own meanwhile.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Final

from engine.images import whiteouts
from engine.images.nodes import Journal, Node
from engine.model import Change, Sighting, TreeEntry
from engine.model.layer import Action

_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_DEEPEST: Final = 400  # two calls a level, and Python's own stack ends at 1,000


Owners = Callable[[int, int], tuple[int, int]]
Advance = Callable[[int], None]


def as_they_are(uid: int, gid: int) -> tuple[int, int]:
    """Files whose owners are on disk what they are inside."""
    return uid, gid


def nobody_counts(entries: int) -> None:
    """Nobody wants to know how far it is."""


class Tally:
    """What one layer does, counted; fields as in `engine.model.Layer`."""

    def __init__(self) -> None:
        self.size_bytes = self.wasted_bytes = 0
        self.counts: dict[Action, int] = {"added": 0, "changed": 0, "removed": 0}


class Stack:
    """Built layer by layer with `lay`, the lowest first."""

    def __init__(self) -> None:
        self._advance: Advance = nobody_counts
        self._journal: Journal | None = None
        self.root = Node()
        self.root.kind = "d"
        self.tallies: list[Tally] = []
        self._diff_ids: list[str] = []
        self._inodes: set[int] = set()
        self._owners: Owners = as_they_are

    def lay(
        self,
        folder: str,
        diff_id: str = "",
        owners: Owners = as_they_are,
        *,
        passing: bool = False,
        advance: Advance = nobody_counts,
    ) -> Tally:
        """Put a layer on top. Blocks on the disk.

        Args:
            folder: a layer as the store has it unpacked, or a container's upper directory.
            diff_id: empty for the latter.
            owners: from the ids that files have on disk to those that they have in the container.
            passing: whether `peel` shall be able to take it away again.
            advance: called with how many more names were read, from time to time; may raise to stop.
        """
        self._owners, self._advance = owners, advance
        self._journal = Journal() if passing else None
        self.tallies.append(Tally())
        self._diff_ids.append(diff_id)
        self._inodes.clear()
        descriptor = os.open(folder, _FOLDER)
        try:
            if whiteouts.is_opaque(descriptor):
                self._hide_children(self.root)
            self._merge(descriptor, self.root, 0)
        finally:
            os.close(descriptor)
        return self.tallies[-1]

    def peel(self) -> None:
        """Take the topmost layer, which was laid as passing, away again."""
        if self._journal is not None:
            self._journal.undo()
            self.tallies.pop()
            self._diff_ids.pop()
            self._journal = None

    def find(self, path: str) -> Node | None:
        """The node of a path, also of one that was removed; None for what no layer has ever had."""
        node = self.root
        for part in path.split("/"):
            if part in ("", "."):
                continue
            found = node.children.get(part)
            if found is None:
                return None
            node = found
        return node

    def sightings(self, path: str) -> tuple[Sighting, ...]:
        """What layers have done to a path, the topmost first; the first one counts."""
        node = self.find(path)
        return tuple(
            Sighting(layer=number, diff_id=self._diff_ids[number - 1], action=action, size_bytes=size)
            for number, action, size, _ in reversed(node.sightings if node else [])
        )

    def entries(self, path: str = "/", depth: int | None = 1) -> Iterator[TreeEntry]:
        """What is below a path, folders before what is in them, by name.

        Args:
            depth: how many levels; None for all.
        """
        node = self.find(path)
        if node is None or not node.is_here:
            return
        place = "/" + path.strip("/")
        if node.kind != "d":
            yield _entry(place, node)
            return
        yield from self._below(place.rstrip("/"), node, depth)

    def changes(self) -> Iterator[Change]:
        """What the topmost layer does, parents before children, by name."""
        yield from self._changes("", self.root, len(self.tallies))

    # Merging

    @property
    def _number(self) -> int:
        return len(self.tallies)

    def _merge(self, folder: int, parent: Node, depth: int) -> None:
        if depth > _DEEPEST:
            return
        with os.scandir(folder) as listing:
            names = sorted(entry.name for entry in listing)
        self._advance(len(names))
        for name in names:
            with suppress(FileNotFoundError, NotADirectoryError):  # a container has just taken it away
                self._put(folder, name, parent, depth)

    def _put(self, folder: int, name: str, parent: Node, depth: int) -> None:
        status = os.lstat(name, dir_fd=folder)
        node = parent.children.get(name)
        if whiteouts.is_whiteout(status):
            if node is not None and node.is_here:
                self._remove(node)
            return
        if node is None:
            node = parent.children[name] = Node()
            if self._journal is not None:
                self._journal.add(parent, name)
        link = os.readlink(name, dir_fd=folder) if stat.S_ISLNK(status.st_mode) else ""
        if not stat.S_ISDIR(status.st_mode):
            self._replace(node, status, link)
            return
        descriptor = os.open(name, _FOLDER, dir_fd=folder)
        try:
            self._put_folder(node, status, whiteouts.is_opaque(descriptor))
            self._merge(descriptor, node, depth + 1)
        finally:
            os.close(descriptor)

    def _put_folder(self, node: Node, status: os.stat_result, opaque: bool) -> None:
        if node.kind != "d":
            self._replace(node, status, "")
            return
        self._keep(node)
        if opaque:
            self._hide_children(node)
        if opaque or node.status != self._attributes(status):
            self._note(node, "changed", 0, "d")
        node.status, node.layer = self._attributes(status), self._number

    def _replace(self, node: Node, status: os.stat_result, link: str) -> None:
        """A file, or a folder where there was none."""
        self._keep(node)
        if node.kind == "d":
            self._hide_children(node)
        size = status.st_size if stat.S_ISREG(status.st_mode) else 0
        if node.is_here:
            self.tallies[-1].wasted_bytes += node.size
        kind = stat.filemode(status.st_mode)[0]
        self._note(node, "changed" if node.is_here else "added", size, kind)
        node.kind = kind
        node.layer, node.size, node.link, node.status = self._number, size, link, self._attributes(status)
        if status.st_nlink == 1 or status.st_ino not in self._inodes:
            self._inodes.add(status.st_ino)
            self.tallies[-1].size_bytes += size

    def _remove(self, node: Node) -> None:
        self._keep(node)
        self._hide_children(node)
        self.tallies[-1].wasted_bytes += node.size
        self._note(node, "removed", 0, node.kind)
        node.kind, node.size, node.layer = "", 0, self._number

    def _hide_children(self, node: Node) -> None:
        for child in node.children.values():
            if child.is_here:
                self._remove(child)

    def _keep(self, node: Node) -> None:
        if self._journal is not None:
            self._journal.keep(node)

    def _note(self, node: Node, action: Action, size: int, kind: str) -> None:
        """Of several things that one layer does to a path, the last word counts, seen from the layers below."""
        if node.sightings and node.sightings[-1][0] == self._number:  # hidden by an opaque folder, and there again
            _, earlier, _, _ = node.sightings.pop()
            self.tallies[-1].counts[earlier] -= 1
            action = "changed" if earlier == "removed" else action
        node.sightings.append((self._number, action, size, kind))
        self.tallies[-1].counts[action] += 1

    def _attributes(self, status: os.stat_result) -> tuple[int, int, int]:
        """What makes a folder another one: its mode and owners."""
        return status.st_mode, *self._owners(status.st_uid, status.st_gid)

    # Telling

    def _below(self, place: str, node: Node, depth: int | None) -> Iterator[TreeEntry]:
        for name, child in sorted(node.children.items()):
            if not child.is_here:
                continue
            yield _entry(f"{place}/{name}", child)
            if child.kind == "d" and depth != 1:
                yield from self._below(f"{place}/{name}", child, None if depth is None else depth - 1)

    def _changes(self, place: str, node: Node, number: int) -> Iterator[Change]:
        for name, child in sorted(node.children.items()):
            path = f"{place}/{name}"
            below = self._changes(path, child, number)
            action = child.sightings[-1][1] if child.sightings and child.sightings[-1][0] == number else None
            if action == "removed":
                yield Change("removed", path)
                continue
            first = next(below, None)
            if action is not None or first is not None:
                yield Change(action or "changed", path)
            if first is not None:
                yield first
                yield from below


def _entry(path: str, node: Node) -> TreeEntry:
    size = node.size if node.kind != "d" else _total(node)
    return TreeEntry(path=path, kind=node.kind, size_bytes=size, layer=node.layer, link=node.link)


def _total(node: Node) -> int:
    return sum(_total(child) if child.kind == "d" else child.size for child in node.children.values())
