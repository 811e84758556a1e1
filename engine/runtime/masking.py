"""Masked and read-only paths of a container (config-linux.md), by descriptor and before its root is changed.

What hides a file is the host's null device, opened by us before anything of the container's is looked at: its own
/dev/null may have been exchanged for something else, which would be put over the path instead (CVE-2025-31133).
"""

from __future__ import annotations

import os
import stat
from typing import NamedTuple

from engine.errors import RuntimeFailure
from engine.linux import mounts
from engine.linux.paths import open_in_root
from engine.oci.linux_spec import Linux

_NULL = os.makedev(1, 3)  # Documentation/admin-guide/devices.txt


class Covers(NamedTuple):
    """What is put over paths, as detached mounts: over files, and over folders."""

    file: int
    folder: int


def make_covers(linux: Linux) -> Covers | None:
    """What `seal` will need; None when no path is masked.

    Raises:
        RuntimeFailure: the host's /dev/null is something else.
    """
    if not linux.masked_paths:
        return None
    options = ("mode=755", "size=0", "nr_inodes=1")
    return Covers(open_null(), mounts.new_filesystem("tmpfs", "tmpfs", options, mounts.MOUNT_ATTR_RDONLY))


def seal(root: int, linux: Linux, covers: Covers | None = None) -> None:
    """Hide and protect paths below `root`, the attached root file system. What isn't there needs no protection.

    Args:
        covers: from `make_covers`, if there was time for that before.

    Raises:
        RuntimeFailure: a path can't be hidden or protected, or the host's /dev/null is something else.
    """
    covers = covers or make_covers(linux)
    if covers is not None:
        _hide(root, linux.masked_paths, covers)
    for path in linux.readonly_paths:
        _protect(root, path)


def _hide(root: int, paths: tuple[str, ...], covers: Covers) -> None:
    """Cover files with the null device and folders with an empty one."""
    files: list[tuple[str, int]] = []
    folders: list[tuple[str, int]] = []
    for path in paths:
        target = _find(root, path)
        if target is not None:
            (folders if stat.S_ISDIR(os.fstat(target).st_mode) else files).append((path, target))
    _cover(files, covers.file)
    _cover(folders, covers.folder)


def _cover(found: list[tuple[str, int]], cover: int) -> None:
    """Put a detached mount over the first that was found, and copies of it over the others.

    To be copied it must be attached (until Linux 6.15), and to close one that never was waits for all processors.
    """
    copy = cover
    for path, target in found:
        try:
            if target != found[0][1]:
                copy = mounts.open_tree("", cover, empty_path=True)
            mounts.attach(copy, target)
        except OSError as error:
            raise RuntimeFailure(f"{path} can't be masked ({error.strerror})") from error
        os.close(target)
        if copy != cover:
            os.close(copy)
    os.close(cover)


def open_null() -> int:
    """A detached mount of the host's null device.

    Raises:
        RuntimeFailure: what is at /dev/null isn't it.
    """
    null = mounts.open_tree("/dev/null")
    found = os.fstat(null)
    if stat.S_ISCHR(found.st_mode) and found.st_rdev == _NULL:
        # Without this, root could change the mode and owner of the host's null device through what it hides.
        mounts.set_attributes(null, mounts.MOUNT_ATTR_RDONLY)
        return null
    os.close(null)
    raise RuntimeFailure("/dev/null of the host is not the null device", "make it: mknod -m 666 /dev/null c 1 3")


def _protect(root: int, path: str) -> None:
    target = _find(root, path)
    if target is None:
        return
    try:
        cover = mounts.open_tree("", target, recursive=True, empty_path=True)
        try:
            mounts.set_attributes(cover, mounts.MOUNT_ATTR_RDONLY, recursive=True)
        except BaseException:
            os.close(cover)
            raise
        _attach_and_close(cover, target)
    except OSError as error:
        raise RuntimeFailure(f"{path} can't be made read-only ({error.strerror})") from error
    finally:
        os.close(target)


def _attach_and_close(cover: int, target: int) -> None:
    try:
        mounts.attach(cover, target)
    finally:
        os.close(cover)


def _find(root: int, path: str) -> int | None:
    try:
        return open_in_root(root, path, os.O_PATH)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise RuntimeFailure(f"{path} can't be protected ({error.strerror})") from error
