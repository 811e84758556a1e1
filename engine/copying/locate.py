"""Finding what a path means below a root, whoever rearranges it meanwhile.

A place is a descriptor of a folder and a name in it, so that what comes next can refuse to follow a link that has
taken the name since. Links are read here and followed by the kernel with the root in force (openat2(2),
RESOLVE_IN_ROOT): they lead nowhere else (CVE-2018-15664), and /proc's magic links lead nowhere at all.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, NamedTuple

from engine.linux.paths import open_in_root

_PLACE: Final = os.O_PATH | os.O_DIRECTORY
_LINKS: Final = 40  # path_resolution(7): as many in a row as the kernel follows


class Located(NamedTuple):
    """A name in an open folder.

    Attributes:
        name: ``.`` for the folder itself.
        mode: type and permissions of what has this name; None for nothing.
    """

    folder: int
    name: str
    mode: int | None

    @property
    def is_folder(self) -> bool:
        """Whether a folder has this name."""
        return self.mode is not None and stat.S_ISDIR(self.mode)


@contextmanager
def located(root: int, path: str, follow: bool) -> Iterator[Located]:
    """Find a path below the folder `root`.

    Args:
        path: absolute ones begin at the root, too.
        follow: whether a link that has the path's last name is followed.

    Raises:
        OSError: ENOENT or ENOTDIR where the folder that it would be in isn't there, ELOOP for links without an end.
    """
    found = _locate(root, path, _LINKS if follow else 0)
    try:
        yield found
    finally:
        os.close(found.folder)


def _locate(root: int, path: str, links: int) -> Located:
    above, _, name = path.rpartition("/")
    if name in ("", ".", ".."):
        return Located(open_in_root(root, path or "/", _PLACE), ".", stat.S_IFDIR)
    folder = open_in_root(root, above or "/", _PLACE)
    try:
        mode = os.lstat(name, dir_fd=folder).st_mode
        if not stat.S_ISLNK(mode) or not links:
            return Located(os.dup(folder), name, mode)
        target = os.readlink(name, dir_fd=folder)
    except FileNotFoundError:
        return Located(os.dup(folder), name, None)
    finally:
        os.close(folder)
    if links == 1:
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
    following = target if target.startswith("/") else f"{above}/{target}"
    return _locate(root, following.rstrip("/") or "/", links - 1)
