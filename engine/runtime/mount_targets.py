"""Where mounts of a container are put: places below its root that the image, or who shares it, may have prepared.

Everything is opened by openat2(2) from the root's descriptor and mounted on by descriptor, so that a name which is
exchanged meanwhile (CVE-2021-30465) changes nothing.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager

from engine.errors import RuntimeFailure
from engine.linux.paths import make_file_in_root, make_missing_in_root, open_in_root, open_without_links

_KERNELS_OWN = ("/proc", "/sys", "/dev")  # what programs, and we, take for the kernel's word
_FOLDER = os.O_PATH | os.O_DIRECTORY


def existing(root: int, destination: str, flags: int = os.O_PATH) -> int | None:
    """What is at a destination; None when there is nothing, which includes links to nowhere.

    Raises:
        RuntimeFailure: it is at or below /proc, /sys or /dev, and a part of it is a link (CVE-2019-19921).
        OSError: ENOTDIR and the like.
    """
    try:
        if _top(destination) in _KERNELS_OWN:
            with refusing_links(destination):
                return open_without_links(root, destination, flags)
        return open_in_root(root, destination, flags)
    except FileNotFoundError:
        return None


def folder(root: int, destination: str) -> int:
    """An O_PATH descriptor of a folder, made where it is missing, with root of the container as its owner.

    Raises:
        RuntimeFailure, OSError: as `existing`.
    """
    found = existing(root, destination, _FOLDER)
    return make_missing_in_root(root, destination) if found is None else found


def file(root: int, destination: str) -> int:
    """An O_PATH descriptor of what is no folder; an empty file is made where there is nothing.

    Raises:
        RuntimeFailure, OSError: as `existing`; EISDIR for a folder.
    """
    if _top(destination) not in _KERNELS_OWN:
        return make_file_in_root(root, destination)
    above, name = os.path.split(destination)
    parent = folder(root, above)
    try:
        with refusing_links(destination):
            return make_file_in_root(parent, name, links=False)
    finally:
        os.close(parent)


@contextmanager
def refusing_links(path: str) -> Iterator[None]:
    """Say in a sentence that an image has a link where none may be."""
    try:
        yield
    except OSError as error:
        if error.errno != errno.ELOOP:
            raise
        raise RuntimeFailure(
            f"the image's {path} is a link, or on the way to it is one",
            f"use an image in which {_top(path)} is a folder",
        ) from error


def _top(path: str) -> str:
    return "/" + path.split("/", 2)[1]
