"""What the layers of an image, and a container's own on top of them, have to do with each file."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Action = Literal["added", "changed", "removed"]


class Layer(Struct, frozen=True, kw_only=True):
    """One layer, in numbers.

    Attributes:
        number: 1 for the lowest.
        diff_id: empty for a container's own.
        instruction: what made it, as its image says.
        size_bytes: of all its files.
        added, changed, removed: how many files and folders it adds to those below, replaces, and hides.
        wasted_bytes: of files below that it replaces or hides, which nobody sees any more.
    """

    number: int
    diff_id: str
    instruction: str = ""
    size_bytes: int = 0
    added: int = 0
    changed: int = 0
    removed: int = 0
    wasted_bytes: int = 0


class Sighting(Struct, frozen=True, kw_only=True):
    """What one layer does to a path; `size_bytes` is 0 for what it removes."""

    layer: int
    diff_id: str
    action: Action
    size_bytes: int = 0


class TreeEntry(Struct, frozen=True, kw_only=True):
    """A file or folder as a container sees it.

    Attributes:
        path: absolute.
        kind: a letter as ``ls -l`` shows it: ``-dlcbps``.
        size_bytes: of the file, or of all files below the folder.
        layer: the number of the layer that it comes from.
        link: where a symbolic link leads.
    """

    path: str
    kind: str
    size_bytes: int
    layer: int
    link: str = ""


class LayerFile(Struct, frozen=True, kw_only=True, gc=False):
    """A file or folder as it is on top of some layers, or was until the topmost of them has removed it.

    Attributes:
        name: the last part of its path; empty for the root.
        kind: a letter as ``ls -l`` shows it; of what is removed, what it was.
        size_bytes: of the file, or of all files below the folder.
        layer: the number of the layer that it comes from, or that has removed it.
        action: what was done to it by the layer that is looked at; None for nothing.
        is_touched: whether something was done to it or to anything below it.
        link: where a symbolic link leads.
        children: of a folder, by name.
    """

    name: str
    kind: str
    size_bytes: int
    layer: int
    action: Action | None = None
    is_touched: bool = False
    link: str = ""
    children: tuple[LayerFile, ...] = ()


class Waste(Struct, frozen=True, kw_only=True):
    """A path of which lower layers hold bytes that nobody sees.

    Attributes:
        layers: numbers of those that have to do with it, the lowest first.
        wasted_bytes: of all that they hold, but for what is seen in the end.
    """

    path: str
    layers: tuple[int, ...]
    wasted_bytes: int


class Change(Struct, frozen=True):
    """A path that a container has added, changed or removed against its image."""

    action: Action
    path: str
