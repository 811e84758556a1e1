"""What another process has mounted, to be shown here: a copy can only be made from within its mount namespace."""

from __future__ import annotations

import os

from engine.linux import mounts, namespaces
from engine.linux.paths import open_in_root


def is_foreign(path: str) -> bool:
    """Whether a path leads through another process's root, as ``/proc/PID/root/dev/shm`` does."""
    parts = path.split("/", 4)
    return len(parts) == 5 and parts[:2] == ["", "proc"] and parts[2].isdecimal() and parts[3] == "root"


def open_tree(path: str, recursive: bool) -> int:
    """A detached copy of a mount of another process (open_tree(2) refuses mounts of other namespaces).

    The path is resolved in that process's root, so that a link of its owner's leads nowhere else.

    Raises:
        OSError: the process or the path isn't there, or we may not enter its mount namespace.
    """
    _, _, pid, _, inside = path.split("/", 4)
    root = os.open(f"/proc/{pid}/root", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        target = open_in_root(root, inside, os.O_PATH)
    finally:
        os.close(root)
    home = os.open("/proc/self/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
    there = os.open(f"/proc/{pid}/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
    try:
        namespaces.setns(there, namespaces.CLONE_NEWNS)
        try:
            return mounts.open_tree("", target, recursive=recursive, empty_path=True)
        finally:
            namespaces.setns(home, namespaces.CLONE_NEWNS)
    finally:
        for descriptor in (target, home, there):
            os.close(descriptor)
