"""The real /proc: files of procfs opened so that nothing mounted or linked over them is mistaken for them.

Whoever writes a label or a setting for a container writes into a name that the container's image or volumes may have
covered: the write then reaches something else, or nothing, and whoever relied on it is deceived (CVE-2019-16884,
CVE-2025-52881). So a descriptor is only used when it is the top of a procfs, and from there no mount may be
crossed and no magic link followed.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct

from engine.linux import libc, mounts, trace
from engine.linux.paths import RESOLVE_BENEATH, RESOLVE_NO_MAGICLINKS, RESOLVE_NO_XDEV, openat2

PROC_SUPER_MAGIC = 0x9FA0  # statfs(2)
_PROC_ROOT_INODE = 1  # include/linux/proc_ns.h, PROC_ROOT_INO
_INSIDE = RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS


def open_top(path: str = "/proc", directory: int = -100) -> int:
    """The top of a procfs: the one that is mounted at `path` if it is one, otherwise a new one that nobody else sees.

    Raises:
        OSError: there is none at `path`, and this user namespace may not mount one.
    """
    try:
        descriptor = os.open(
            path, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=None if directory < 0 else directory
        )
    except OSError:
        return mounts.new_filesystem("proc", "proc")
    if is_top(descriptor):
        return descriptor
    os.close(descriptor)
    return mounts.new_filesystem("proc", "proc")


def is_top(descriptor: int) -> bool:
    """Whether this is the top folder of a procfs and not something made to look like it."""
    return file_system(descriptor) == PROC_SUPER_MAGIC and os.fstat(descriptor).st_ino == _PROC_ROOT_INODE


def write(top: int, path: str, text: str) -> None:
    """Write a file below the top of a procfs, such as ``sys/net/ipv4/ip_forward`` or ``self/attr/exec``.

    Raises:
        OSError: EXDEV when something is mounted over it or on the way; what open(2) and write(2) say.
    """
    descriptor = openat2(top, path, os.O_WRONLY, resolve=_INSIDE)
    try:
        if file_system(descriptor) != PROC_SUPER_MAGIC:
            raise OSError(errno.EXDEV, "not a file of procfs", path)
        trace.call(os.write, descriptor, text.encode(), path=f"/proc/{path}")
    finally:
        os.close(descriptor)


def file_system(descriptor: int) -> int:
    """The magic number of the file system that a descriptor is on (fstatfs(2))."""
    buffer = ctypes.create_string_buffer(256)  # struct statfs starts with f_type, a long
    libc.call("fstatfs", descriptor, buffer)
    return int(struct.unpack_from("=l" if ctypes.sizeof(ctypes.c_long) == 4 else "=q", buffer)[0])
