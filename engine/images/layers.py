"""Layers as overlayfs and our own readers see them: a stack of folders, the topmost first."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from engine.errors import ImageError
from engine.images import whiteouts
from engine.model import Image
from engine.paths import Paths

MAXIMUM_FILE_BYTES: Final = 1 << 20
_MAXIMUM_LINKS: Final = 40  # path_resolution(7): as many as the kernel follows
_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_ANYTHING: Final = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC


def lower_directories(paths: Paths, image: Image) -> tuple[Path, ...]:
    """The image's unpacked layers for overlayfs's ``lowerdir``, the topmost first.

    A layer that occurs twice is given once, at its higher place: overlayfs refuses to see a folder twice, and the
    lower one can't be seen anyway. A layer whose root is opaque is the last.
    """
    lowers: list[Path] = []
    for diff_id in reversed(image.layers):
        folder = paths.layer(diff_id)
        if folder not in lowers:
            lowers.append(folder)
        if folder.is_dir() and whiteouts.is_opaque(str(folder)):
            break
    return tuple(lowers)


def read_file(
    lowers: Sequence[Path], name: str, upper: Path | None = None, limit_bytes: int = MAXIMUM_FILE_BYTES
) -> bytes | None:
    """Read a file as a container would see it, without mounting anything.

    Whiteouts and opaque folders are respected, links are followed inside the root only. Safe while a container
    rearranges its upper directory: every step is taken relative to a descriptor and follows no link by itself.

    Args:
        lowers: unpacked layers, the topmost first.
        name: such as ``etc/passwd``.
        upper: the container's upper directory, above all layers.

    Returns:
        None when there is no regular file of that name.

    Raises:
        ImageError: the file is larger than `limit_bytes`.
    """
    roots = ([upper] if upper else []) + list(lowers)
    pending = _parts(name)
    done: list[str] = []
    for _ in range(_MAXIMUM_LINKS):
        link = _walk(roots, done, pending)
        if link is None:
            return _read(roots, done, name, limit_bytes)
        if link.startswith("/"):
            done.clear()
        pending[:0] = _parts(link)
    return None


def _parts(path: str) -> list[str]:
    return [part for part in path.split("/") if part not in ("", ".")]


def _walk(roots: Sequence[Path], done: list[str], pending: list[str]) -> str | None:
    """Move parts from `pending` to `done` up to the next symbolic link, whose target is the answer; None at the end."""
    while pending:
        part = pending.pop(0)
        if part == "..":
            done[-1:] = []
            continue
        with _find(roots, [*done, part]) as found:
            if found is not None and stat.S_ISLNK(os.fstat(found).st_mode):
                return os.readlink("", dir_fd=found)
        done.append(part)
    return None


def _read(roots: Sequence[Path], parts: Sequence[str], name: str, limit_bytes: int) -> bytes | None:
    with _find(roots, parts) as found:
        if found is None or not stat.S_ISREG(os.fstat(found).st_mode):
            return None
        with open(f"/proc/self/fd/{found}", "rb") as file:
            data = file.read(limit_bytes + 1)
    if len(data) > limit_bytes:
        raise ImageError(f"/{name} of the image is larger than {limit_bytes} bytes", "use another image")
    return data


@contextmanager
def _find(roots: Sequence[Path], parts: Sequence[str]) -> Iterator[int | None]:
    """Open (O_PATH) the topmost layer's idea of a path without links on the way; None where it doesn't exist."""
    with ExitStack() as stack:
        folders = [f for root in roots if (f := _open(stack, str(root), None, _FOLDER)) is not None]
        for part in parts[:-1]:
            folders = _descend(stack, folders, part)
        yield _topmost(stack, folders, parts[-1]) if parts else (folders[0] if folders else None)


def _descend(stack: ExitStack, folders: Sequence[int], part: str) -> list[int]:
    """The folders of one name that are merged into one: down to the first that is opaque or no folder."""
    merged: list[int] = []
    for folder in folders:
        found = _open(stack, part, folder, _ANYTHING)
        if found is None:
            continue
        inside = _open(stack, part, folder, _FOLDER)
        if inside is None:
            break
        merged.append(inside)
        if whiteouts.is_opaque(inside):
            break
    return merged


def _topmost(stack: ExitStack, folders: Sequence[int], part: str) -> int | None:
    for folder in folders:
        found = _open(stack, part, folder, _ANYTHING)
        if found is not None:
            return None if whiteouts.is_whiteout(os.fstat(found)) else found
    return None


def _open(stack: ExitStack, name: str, folder: int | None, flags: int) -> int | None:
    try:
        descriptor = os.open(name, flags, dir_fd=folder)
    except OSError:
        return None
    stack.callback(os.close, descriptor)
    return descriptor
