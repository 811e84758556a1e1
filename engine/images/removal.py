"""Removing whole trees by descriptors, so that a link in them is removed and never followed."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def remove_at(parent: int, name: str) -> None:
    """Remove a file or a whole folder in the folder `parent`.

    Raises:
        OSError: something in it can't be removed; what is gone already is no error.
    """
    with suppress(FileNotFoundError):
        if stat.S_ISDIR(os.lstat(name, dir_fd=parent).st_mode):
            _empty(parent, name)
            os.rmdir(name, dir_fd=parent)
        else:
            os.unlink(name, dir_fd=parent)


def remove_tree(path: Path) -> None:
    """Remove a file or a whole folder; its parent must be a folder of our own.

    Raises:
        OSError: something in it can't be removed; what is gone already is no error.
    """
    with suppress(FileNotFoundError):
        parent = os.open(path.parent, _FOLDER)
        try:
            remove_at(parent, path.name)
        finally:
            os.close(parent)


def _empty(parent: int, name: str) -> None:
    descriptor = os.open(name, _FOLDER, dir_fd=parent)
    try:
        for child in os.listdir(descriptor):
            remove_at(descriptor, child)
    finally:
        os.close(descriptor)
