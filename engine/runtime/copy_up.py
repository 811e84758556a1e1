"""``tmpcopyup``: a tmpfs that begins as a copy of the folder which it covers."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_CHUNK_BYTES = 1 << 20


def copy_tree(source: int, target: int, with_top: bool = True) -> None:
    """Copy what is in one folder into another: contents, owners, modes, times, extended attributes, links as links.

    Names are only taken below descriptors and links never followed, so that nobody can exchange one for a file of the
    host's meanwhile. Other file systems mounted below are left out.

    Args:
        source, target: descriptors of folders; O_PATH ones will do.
        with_top: whether the folder itself gets owner, mode and times as well.

    Raises:
        OSError: ENOSPC and whatever else goes wrong.
    """
    with _opened(".", source) as reading, _opened(".", target) as writing:
        _copy_content(reading, writing, os.fstat(reading).st_dev)
        if with_top:
            _copy_attributes(reading, writing, os.fstat(reading))


def _copy_content(source: int, target: int, device: int) -> None:
    for name in os.listdir(source):
        _copy(name, source, target, device)


def _copy(name: str, source: int, target: int, device: int) -> None:
    found = os.stat(name, dir_fd=source, follow_symlinks=False)
    if stat.S_ISDIR(found.st_mode):
        if found.st_dev != device:  # only folders tell: overlay gives files the numbers of their layers (overlayfs.rst)
            return
        os.mkdir(name, 0o700, dir_fd=target)
        with _opened(name, source) as reading, _opened(name, target) as writing:
            _copy_content(reading, writing, device)
            _copy_attributes(reading, writing, found)
    elif stat.S_ISREG(found.st_mode):
        _copy_file(name, source, target)
    else:
        _copy_special(name, source, target, found)


def _copy_file(name: str, source: int, target: int) -> None:
    reading = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=source)
    try:
        writing = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600, dir_fd=target)
        try:
            while os.sendfile(writing, reading, None, _CHUNK_BYTES):
                continue
            _copy_attributes(reading, writing, os.fstat(reading))
        finally:
            os.close(writing)
    finally:
        os.close(reading)


def _copy_special(name: str, source: int, target: int, found: os.stat_result) -> None:
    """A symbolic link, or a device, pipe or socket; devices only where we may make them."""
    if stat.S_ISLNK(found.st_mode):
        os.symlink(os.readlink(name, dir_fd=source), name, dir_fd=target)
    else:
        try:
            os.mknod(name, found.st_mode, found.st_rdev, dir_fd=target)
        except PermissionError:
            return
    os.chown(name, found.st_uid, found.st_gid, dir_fd=target, follow_symlinks=False)
    os.utime(name, ns=(found.st_atime_ns, found.st_mtime_ns), dir_fd=target, follow_symlinks=False)


def _copy_attributes(source: int, target: int, found: os.stat_result) -> None:
    os.fchown(target, found.st_uid, found.st_gid)
    os.fchmod(target, stat.S_IMODE(found.st_mode))
    for name in _attribute_names(source):
        with contextlib.suppress(OSError):  # a tmpfs takes fewer kinds than the image's file system
            os.setxattr(target, name, os.getxattr(source, name))
    os.utime(target, ns=(found.st_atime_ns, found.st_mtime_ns))


def _attribute_names(source: int) -> list[str]:
    try:
        return os.listxattr(source)
    except OSError:
        return []


@contextlib.contextmanager
def _opened(name: str, parent: int) -> Iterator[int]:
    descriptor = os.open(name, _FOLDER, dir_fd=parent)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
