"""Removing whole trees by descriptors, so that a link in them is removed and never followed.

Who is at it holds a lock of the tree's top (flock(2)), so that others can tell it from what a killed one has left.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from pathlib import Path
from typing import Final

from engine.linux import trace

_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_MAXIMUM_DEPTH: Final = 100  # every level costs a descriptor and a frame; what lies deeper is lifted up first


def remove_at(parent: int, name: str) -> int:
    """Remove a file or a whole folder, however deep, in the folder `parent`; how many names went.

    Raises:
        OSError: something in it can't be removed; what is gone already is no error.
    """
    with suppress(FileNotFoundError):
        try:
            os.unlink(name, dir_fd=parent)
            return 1
        except IsADirectoryError:
            return _remove_folder(parent, name)
    return 0


def remove_tree(path: Path) -> None:
    """Remove a file or a whole folder; its parent must be a folder of our own.

    Raises:
        OSError: something in it can't be removed; what is gone already is no error.
    """
    with suppress(FileNotFoundError):
        parent = os.open(path.parent, _FOLDER)
        try:
            begun = trace.now()
            trace.note_many(begun, "unlinkat", remove_at(parent, path.name), f'"{path}" and all below it')
        finally:
            os.close(parent)


def discard_tree(path: Path) -> None:
    """As `remove_tree`, for those who leave what can't be removed now to a later sweep."""
    with suppress(OSError):
        remove_tree(path)


def is_being_removed(path: Path) -> bool:
    """Whether somebody is just removing a tree, or has done so."""
    try:
        top = os.open(path, _FOLDER)
    except FileNotFoundError:
        return True
    except OSError:  # ENOTDIR, ELOOP: a file or a link goes in one step
        return False
    try:
        return not _lock(top)
    finally:
        os.close(top)


def _lock(top: int) -> bool:
    """Lock a folder; False when somebody else has."""
    try:
        fcntl.flock(top, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _remove_folder(parent: int, name: str) -> int:
    removed = 1
    top = os.open(name, _FOLDER, dir_fd=parent)
    try:
        _lock(top)
        while names := os.listdir(top):
            for child in names:
                removed += _remove_below(top, child, top, 1)
    finally:
        os.close(top)
    os.rmdir(name, dir_fd=parent)
    return removed


def _remove_below(parent: int, name: str, top: int, depth: int) -> int:
    removed = 1
    try:
        os.unlink(name, dir_fd=parent)
    except FileNotFoundError:
        return 0
    except IsADirectoryError:
        if depth == _MAXIMUM_DEPTH:
            os.rename(name, f"deep-{os.urandom(8).hex()}", src_dir_fd=parent, dst_dir_fd=top)
            return 0
        descriptor = os.open(name, _FOLDER, dir_fd=parent)
        try:
            for child in os.listdir(descriptor):
                removed += _remove_below(descriptor, child, top, depth + 1)
        finally:
            os.close(descriptor)
        os.rmdir(name, dir_fd=parent)
    return removed
