"""cpuset on v1, where a new cgroup has neither processors nor memory nodes and takes no process (cpusets(7))."""

from __future__ import annotations

import os

from engine.cgroups import folders

_FILES = ("cpuset.cpus", "cpuset.mems")


def inherit(folder: str, top: str) -> None:
    """Give a cgroup, and what is above it up to the mounted `top`, what its parent has where it has nothing yet.

    Raises:
        OSError: it isn't there.
    """
    for file in _FILES:
        _inherit(folder, top, file)


def in_force(folder: str, top: str, file: str) -> str:
    """The processors or memory nodes of a cgroup, or what it would inherit where it isn't there."""
    value = folders.read(f"{folder}/{file}")
    return value if value or folder == top else in_force(os.path.dirname(folder), top, file)


def change(folder: str, file: str, value: str) -> None:
    """Set processors or memory nodes of a cgroup and of the one for its processes, if that is there.

    A cgroup's must always be among its parent's, so for a moment the upper one has both the old and the new.

    Raises:
        OSError: the kernel's answer to the value.
    """
    path, below = f"{folder}/{file}", f"{folder}/{folders.PAYLOAD}/{file}"
    if not os.path.exists(below):
        return folders.write(path, value)
    before = folders.read(path)
    folders.write(path, f"{before},{value}" if before else value)
    folders.write(below, value)
    return folders.write(path, value)


def _inherit(folder: str, top: str, file: str) -> str:
    """What the cgroup has in the end."""
    value = folders.read(f"{folder}/{file}")
    if value or folder == top:
        return value
    value = _inherit(os.path.dirname(folder), top, file)
    folders.write(f"{folder}/{file}", value)
    return value
