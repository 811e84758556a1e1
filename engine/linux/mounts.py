"""Mounts by descriptor: the mount API of Linux 5.2 (fsopen, open_tree, move_mount) beside mount(2).

A *detached* mount is one that a descriptor refers to and that hangs in no tree: nobody sees it, and it goes
when its last descriptor is closed. Root file systems and bind mounts are made that way by a privileged
process and put in place by the container's init.
"""

from __future__ import annotations

import os
import struct

from engine.linux import libc

MS_RDONLY = 0x1
MS_NOSUID = 0x2
MS_NODEV = 0x4
MS_NOEXEC = 0x8
MS_SYNCHRONOUS = 0x10
MS_REMOUNT = 0x20
MS_MANDLOCK = 0x40
MS_DIRSYNC = 0x80
MS_NOSYMFOLLOW = 0x100
MS_NOATIME = 0x400
MS_NODIRATIME = 0x800
MS_BIND = 0x1000
MS_MOVE = 0x2000
MS_REC = 0x4000
MS_SILENT = 0x8000
MS_UNBINDABLE = 1 << 17
MS_PRIVATE = 1 << 18
MS_SLAVE = 1 << 19
MS_SHARED = 1 << 20
MS_RELATIME = 1 << 21
MS_STRICTATIME = 1 << 24

MNT_DETACH = 0x2

OPEN_TREE_CLONE = 0x1
OPEN_TREE_CLOEXEC = os.O_CLOEXEC
AT_EMPTY_PATH = 0x1000
AT_RECURSIVE = 0x8000

MOVE_MOUNT_F_EMPTY_PATH = 0x4
MOVE_MOUNT_T_EMPTY_PATH = 0x40

MOUNT_ATTR_RDONLY = 0x1
MOUNT_ATTR_NOSUID = 0x2
MOUNT_ATTR_NODEV = 0x4
MOUNT_ATTR_NOEXEC = 0x8
MOUNT_ATTR__ATIME = 0x70  # a field, not a flag: one of the next three, and changed as a whole
MOUNT_ATTR_RELATIME = 0x00
MOUNT_ATTR_NOATIME = 0x10
MOUNT_ATTR_STRICTATIME = 0x20
MOUNT_ATTR_NODIRATIME = 0x80
MOUNT_ATTR_IDMAP = 0x00100000
MOUNT_ATTR_NOSYMFOLLOW = 0x00200000

_ATTRIBUTES = struct.Struct("=4Q")  # struct mount_attr: attr_set, attr_clr, propagation, userns_fd


def mount(source: str | None, target: str, kind: str | None, flags: int = 0, data: str = "") -> None:
    """mount(2).

    Raises:
        OSError: as the kernel says; ENODEV for a file system that it doesn't have.
    """
    libc.call(
        "mount",
        None if source is None else os.fsencode(source),
        os.fsencode(target),
        None if kind is None else kind.encode(),
        flags,
        os.fsencode(data) if data else None,
        path=target,
    )


_FLAG_BY_ATTRIBUTE = (
    (MOUNT_ATTR_RDONLY, MS_RDONLY),
    (MOUNT_ATTR_NOSUID, MS_NOSUID),
    (MOUNT_ATTR_NODEV, MS_NODEV),
    (MOUNT_ATTR_NOEXEC, MS_NOEXEC),
    (MOUNT_ATTR_NOATIME, MS_NOATIME),
    (MOUNT_ATTR_STRICTATIME, MS_STRICTATIME),
    (MOUNT_ATTR_NODIRATIME, MS_NODIRATIME),
    (MOUNT_ATTR_NOSYMFOLLOW, MS_NOSYMFOLLOW),
)


def flags_of_attributes(attributes: int) -> int:
    """MOUNT_ATTR flags as mount(2) has them."""
    return sum(flag for attribute, flag in _FLAG_BY_ATTRIBUTE if attributes & attribute)


def unmount(target: str, flags: int = MNT_DETACH) -> None:
    """umount2(2), lazily by default."""
    libc.call("umount2", os.fsencode(target), flags, path=target)


def open_tree(path: str, directory: int = -100, recursive: bool = False, empty_path: bool = False) -> int:
    """A detached copy of the mount at `path` (open_tree with OPEN_TREE_CLONE); a bind mount in the making.

    Args:
        empty_path: with an empty `path`, copy what the descriptor `directory` itself refers to.
    """
    flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC
    flags |= (AT_RECURSIVE if recursive else 0) | (AT_EMPTY_PATH if empty_path else 0)
    return libc.syscall("open_tree", directory, os.fsencode(path), flags, path=path)


def attach(mount_descriptor: int, target: int) -> None:
    """Put a detached mount on the place that `target`, an O_PATH descriptor, refers to (move_mount(2))."""
    libc.syscall("move_mount", mount_descriptor, b"", target, b"", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH)


def set_attributes(
    descriptor: int,
    attributes: int,
    recursive: bool = False,
    user_namespace: int | None = None,
    clear: int = 0,
    propagation: int = 0,
) -> None:
    """Change a mount by descriptor (mount_setattr(2)).

    Args:
        attributes: MOUNT_ATTR flags to add.
        recursive: change the mounts below it likewise.
        user_namespace: also map its ids through this namespace.
        clear: MOUNT_ATTR flags to take away first; all of MOUNT_ATTR__ATIME when `attributes` name one of them.
        propagation: MS_PRIVATE, MS_SLAVE, MS_SHARED or MS_UNBINDABLE; 0 leaves it.

    Raises:
        OSError: EINVAL where the file system can't map ids, EPERM for a flag that a user namespace locked.
    """
    attributes |= MOUNT_ATTR_IDMAP if user_namespace is not None else 0
    packed = _ATTRIBUTES.pack(attributes, clear, propagation, user_namespace or 0)
    flags = AT_EMPTY_PATH | (AT_RECURSIVE if recursive else 0)
    libc.syscall("mount_setattr", descriptor, b"", flags, packed, len(packed))


def pivot_root(new_root: str, put_old: str) -> None:
    """pivot_root(2); with "." for both the old root ends up on top of the new one."""
    libc.syscall("pivot_root", os.fsencode(new_root), os.fsencode(put_old), path=new_root)


_FSCONFIG_SET_FLAG = 0
_FSCONFIG_SET_STRING = 1
_FSCONFIG_SET_FD = 5
_FSCONFIG_CMD_CREATE = 6
_FSCONFIG_CMD_RECONFIGURE = 7
_CLOEXEC = 1  # FSOPEN_CLOEXEC and FSMOUNT_CLOEXEC alike
_FSPICK = 0x1 | 0x8  # FSPICK_CLOEXEC, FSPICK_EMPTY_PATH

Option = tuple[str, str | int | None]  # a key and its text, its descriptor, or nothing


def new_filesystem(kind: str, source: str = "", options: tuple[str | Option, ...] = (), attributes: int = 0) -> int:
    """A detached mount of a new file system: fsopen, fsconfig, fsmount.

    Args:
        options: ``key`` or ``key=value``, as mount(8) takes them for this file system; a pair for a value that is
            a descriptor.
        attributes: MOUNT_ATTR flags.

    Raises:
        OSError: ENODEV for a file system that the kernel lacks, EINVAL for an option that it refuses; the
            kernel's own explanation, where it gives one, is in `strerror`.
    """
    context = libc.syscall("fsopen", kind.encode(), _CLOEXEC, path=kind)
    try:
        _configure(context, kind, ((("source", source),) if source else ()) + options)
        libc.syscall("fsconfig", context, _FSCONFIG_CMD_CREATE, None, None, 0, path=kind)
        return libc.syscall("fsmount", context, _CLOEXEC, attributes, path=kind)
    except OSError as error:
        raise _explained(error, context) from error
    finally:
        os.close(context)


def reconfigure(mounted: int, options: tuple[str, ...]) -> None:
    """Change options of the file system at an O_PATH descriptor of a mount's top (fspick(2)): a remount.

    Raises:
        OSError: as `new_filesystem`.
    """
    context = libc.syscall("fspick", mounted, b"", _FSPICK)
    try:
        _configure(context, "remount", options)
        libc.syscall("fsconfig", context, _FSCONFIG_CMD_RECONFIGURE, None, None, 0)
    except OSError as error:
        raise _explained(error, context) from error
    finally:
        os.close(context)


def _configure(context: int, kind: str, options: tuple[str | Option, ...]) -> None:
    for key, value in map(_pair, options):
        name = key.encode()
        if value is None:
            libc.syscall("fsconfig", context, _FSCONFIG_SET_FLAG, name, None, 0, path=f"{kind} {key}")
        elif isinstance(value, int):
            libc.syscall("fsconfig", context, _FSCONFIG_SET_FD, name, None, value, path=f"{kind} {key}")
        else:
            libc.syscall("fsconfig", context, _FSCONFIG_SET_STRING, name, os.fsencode(value), 0, path=f"{kind} {key}")


def _pair(option: str | Option) -> Option:
    if isinstance(option, tuple):
        return option
    key, equals, value = option.partition("=")
    return key, value if equals else None


def _explained(error: OSError, context: int) -> OSError:
    return OSError(error.errno, _explanation(context) or os.strerror(error.errno or 0), error.filename)


def _explanation(context: int) -> str:
    """What the kernel logged for this context: lines such as ``e overlay: no upper``."""
    try:
        return os.read(context, 4096).decode(errors="replace").partition(" ")[2].strip()
    except OSError:
        return ""
