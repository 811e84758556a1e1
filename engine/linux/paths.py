"""openat2(2): opening files below a folder that somebody hostile may be rearranging."""

from __future__ import annotations

import os
import struct

from engine.linux import libc

RESOLVE_NO_XDEV = 0x01
RESOLVE_NO_MAGICLINKS = 0x02
RESOLVE_NO_SYMLINKS = 0x04
RESOLVE_BENEATH = 0x08
RESOLVE_IN_ROOT = 0x10

_HOW = struct.Struct("=3Q")  # struct open_how: flags, mode, resolve
_EAGAIN_TRIES = 128  # openat2(2): EAGAIN when a rename raced with "..": try again, but not for ever


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


def open_beneath(directory: int, path: str, flags: int, mode: int = 0) -> int:
    """Open a path that must not leave the folder at all, not even to come back."""
    return openat2(directory, path, flags, mode, RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS)


def make_directories_in_root(root: int, path: str, mode: int = 0o755) -> int:
    """Open a folder below `root` (O_PATH), making what is missing on the way; existing links are followed inside it.

    Args:
        mode: of the folders that are made, whatever the umask says.

    Raises:
        OSError: ENOTDIR where a part exists and isn't a folder.
    """
    current = os.dup(root)
    done = ""
    try:
        for part in (p for p in path.split("/") if p not in ("", ".", "..")):
            done = f"{done}/{part}"
            following = _open_or_make(root, done, current, part, mode)
            os.close(current)
            current = following
    except BaseException:
        os.close(current)
        raise
    return current


def _open_or_make(root: int, path: str, parent: int, name: str, mode: int) -> int:
    try:
        return open_in_root(root, path, os.O_PATH | os.O_DIRECTORY)
    except FileNotFoundError:
        os.mkdir(name, mode, dir_fd=parent)
        os.chmod(name, mode, dir_fd=parent)
        return open_in_root(root, path, os.O_PATH | os.O_DIRECTORY)
