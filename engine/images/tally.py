"""What unpacking a layer asked of the kernel, by number: one by one it would be tens of thousands of calls."""

from __future__ import annotations

from collections import Counter
from typing import Final

from engine.images import whiteouts
from engine.images.tar import Kind
from engine.linux import trace

_LOOKUP: Final = "layer, folder, {flags=O_PATH|O_DIRECTORY, resolve=RESOLVE_IN_ROOT}"
_WHITEOUT: Final = "folder, name, S_IFCHR, makedev(0, 0)"
_OPAQUE: Final = f'folder, "{whiteouts.OPAQUE_XATTR}", "y"'
_DEVICES: Final = (Kind.CHARACTER_DEVICE, Kind.BLOCK_DEVICE, Kind.FIFO)
_MADE: Final = (
    ("mkdirat", (Kind.DIRECTORY,), "folder, name, 0700"),
    ("openat", (Kind.FILE,), "folder, name, O_WRONLY|O_CREAT|O_EXCL|O_NOFOLLOW|O_CLOEXEC, mode"),
    ("symlinkat", (Kind.SYMLINK,), "target, folder, name"),
    ("linkat", (Kind.HARD_LINK,), "folder, file, folder, name, 0"),
    ("mknodat", _DEVICES, "folder, name, S_IFCHR|S_IFBLK|S_IFIFO, makedev(major, minor)"),
)


class Tally:
    """Counts of one layer.

    Attributes:
        made: what it has, by its kind.
        lookups: folders that were looked up.
        whiteouts: names that it hides.
        opaque: folders in which it hides everything.
        synced_from_ns: when all was made, and the disk alone was waited for; 0 before that.
    """

    def __init__(self) -> None:
        self.made: Counter[Kind] = Counter()
        self.lookups = self.whiteouts = self.opaque = self.synced_from_ns = 0

    def note(self, begun_ns: int, layer: int) -> None:
        """Note them, for who wants to know (`engine.linux.trace`).

        Args:
            layer: descriptor of the folder.
        """
        trace.note_many(begun_ns, "openat2", self.lookups, _LOOKUP)
        for name, kinds, words in _MADE:
            trace.note_many(begun_ns, name, sum(self.made[kind] for kind in kinds), words)
        trace.note_many(begun_ns, "mknodat", self.whiteouts, _WHITEOUT)
        trace.note_many(begun_ns, "fsetxattr", self.opaque, _OPAQUE)
        if self.synced_from_ns:
            trace.note(self.synced_from_ns, "syncfs", (layer,), path="the layer's folder")
