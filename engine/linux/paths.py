"""openat2(2): opening files below a folder that somebody hostile may be rearranging."""

from __future__ import annotations

import errno
import functools
import os
import stat
import struct

from engine.linux import libc

RESOLVE_NO_XDEV = 0x01
RESOLVE_NO_MAGICLINKS = 0x02
RESOLVE_NO_SYMLINKS = 0x04
RESOLVE_BENEATH = 0x08
RESOLVE_IN_ROOT = 0x10

_HOW = struct.Struct("=3Q")  # struct open_how: flags, mode, resolve
_EAGAIN_TRIES = 128  # openat2(2): EAGAIN when a rename raced with "..": try again, but not for ever
_LINKS_TO_NOWHERE = 40  # path_resolution(7): as many links in a row as the kernel follows
_FOLDER = os.O_PATH | os.O_DIRECTORY


def openat2(directory: int, path: str, flags: int, mode: int = 0, resolve: int = 0) -> int:
    """Open `path` relative to a directory descriptor with limits on how it is resolved.

    Raises:
        OSError: EXDEV when the path would leave the folder, ELOOP for a forbidden link, and open(2)'s own.
    """
    how = _HOW.pack(flags | os.O_CLOEXEC, mode, resolve)
    for attempt in range(_EAGAIN_TRIES):
        try:
            return libc.syscall("openat2", directory, os.fsencode(path), how, len(how), path=path)
        except BlockingIOError:
            if attempt == _EAGAIN_TRIES - 1:
                raise
    raise AssertionError("unreachable")


def open_in_root(root: int, path: str, flags: int, mode: int = 0) -> int:
    """Open as a process would whose root is the folder `root`: absolute links and ".." stay inside it.

    Magic links (/proc/PID/root and the like) are refused: they would lead out.
    """
    return openat2(root, path, flags, mode, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS)


def open_without_links(root: int, path: str, flags: int) -> int:
    """Open below the folder `root` where no part of the path may be a link.

    Raises:
        OSError: ELOOP for a link.
    """
    return openat2(root, path, flags, 0, RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS)


def open_beneath(directory: int, path: str, flags: int, mode: int = 0) -> int:
    """Open a path that must not leave the folder at all, not even to come back."""
    return openat2(directory, path, flags, mode, RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS)


def make_directories_in_root(root: int, path: str, mode: int = 0o755, through_links: bool = False) -> int:
    """Open a folder below `root` (O_PATH), making what is missing on the way; links are followed inside it.

    Args:
        mode: of the folders that are made, whatever the umask says.
        through_links: make also what a link to nowhere names; otherwise such a link is an error.

    Raises:
        OSError: ENOTDIR where a part exists and isn't a folder; ENOENT for a link to nowhere.
    """
    path = normal(path)
    try:
        return open_in_root(root, path, _FOLDER)
    except FileNotFoundError:
        return make_missing_in_root(root, path, mode, _LINKS_TO_NOWHERE if through_links else 0)


def make_missing_in_root(root: int, path: str, mode: int = 0o755, links: int = _LINKS_TO_NOWHERE) -> int:
    """As `make_directories_in_root`, for a path that was just found missing.

    Args:
        path: as `normal` gives it.
        links: how many links to nowhere may be followed.
    """
    folder, name = os.path.split(path)
    if not name:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
    try:
        parent = open_in_root(root, folder, _FOLDER)
    except FileNotFoundError:
        parent = make_missing_in_root(root, folder, mode, links)
    try:
        os.mkdir(name, mode, dir_fd=parent)
        return _with_mode(name, parent, mode)
    except FileExistsError:
        target = _link_to_nowhere(name, parent, links)
        if target is None:  # somebody else was quicker
            return open_in_root(root, path, _FOLDER)
    finally:
        os.close(parent)
    following = normal(os.path.join(folder, target))
    try:
        return open_in_root(root, following, _FOLDER)
    except FileNotFoundError:
        return make_missing_in_root(root, following, mode, links - 1)


def _with_mode(name: str, parent: int, mode: int) -> int:
    """Open a new folder and give it its mode by descriptor: its name may be a link to the host's files by now."""
    descriptor = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)
    try:
        os.fchmod(descriptor, mode)
        return os.open(".", _FOLDER | os.O_CLOEXEC, dir_fd=descriptor)
    finally:
        os.close(descriptor)


def reopen(descriptor: int, flags: int) -> int:
    """Open what an O_PATH descriptor refers to, and nothing else that has taken its name since (proc(5), "fd").

    Raises:
        OSError: as open(2).
    """
    return os.open(f"/proc/self/fd/{descriptor}", flags | os.O_CLOEXEC)


def open_regular(folder: int, name: str) -> int:
    """Open a plain file for reading. What isn't one, be it a device or a fifo, is looked at and never opened.

    Raises:
        FileNotFoundError: there is nothing of that name any more, or no plain file.
        OSError: as open(2).
    """
    found = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
    try:
        if not stat.S_ISREG(os.fstat(found).st_mode):
            raise FileNotFoundError(errno.ENOENT, "no plain file any more", name)
        return reopen(found, os.O_RDONLY | os.O_NONBLOCK)
    finally:
        os.close(found)


@functools.lru_cache(maxsize=256)
def normal(path: str) -> str:
    """A path from the root on, without superfluous parts; a relative one begins there, too."""
    return os.path.normpath("/" + path.lstrip("/"))


def _link_to_nowhere(name: str, parent: int, links: int) -> str | None:
    """Where a link leads, if it may be followed; None for anything else."""
    if not links:
        return None
    try:
        return os.readlink(name, dir_fd=parent)
    except OSError:
        return None


def make_file_in_root(root: int, path: str, links: bool = True) -> int:
    """An O_PATH descriptor of a file below `root`, made empty where there is none, to be mounted over.

    A link to nowhere gives way to the file: where systemd has made an image's /etc, resolv.conf is one.

    Args:
        links: whether any link may be followed; a link to nowhere is none, then.

    Raises:
        OSError: EISDIR where there is a folder; ELOOP for a link that may not be.
    """
    path = normal(path)
    try:
        found = open_in_root(root, path, os.O_PATH) if links else open_without_links(root, path, os.O_PATH)
        return _not_a_folder(found, path)
    except FileNotFoundError:
        above, name = os.path.split(path)
    parent = make_directories_in_root(root, above, through_links=links)
    try:
        try:
            _make_file(name, parent)
        except FileExistsError:
            os.unlink(name, dir_fd=parent)
            _make_file(name, parent)
        return os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)
    finally:
        os.close(parent)


def _not_a_folder(descriptor: int, path: str) -> int:
    if stat.S_ISDIR(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
    return descriptor


def _make_file(name: str, parent: int) -> None:
    os.close(os.open(name, os.O_CREAT | os.O_WRONLY | os.O_EXCL | os.O_CLOEXEC, 0o644, dir_fd=parent))
