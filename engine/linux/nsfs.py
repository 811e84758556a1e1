"""What a namespace's descriptor tells of it: its kind, owner and parent (ioctl_nsfs(2))."""

from __future__ import annotations

import fcntl
import os
import struct

from engine.linux.namespaces import FLAG_BY_ENTRY

_NS_GET_USERNS = 0xB701
_NS_GET_PARENT = 0xB702
_NS_GET_NSTYPE = 0xB703
_NS_GET_OWNER_UID = 0xB704

_ENTRY_BY_FLAG = {flag: entry for entry, flag in FLAG_BY_ENTRY.items()}


def kind(descriptor: int) -> str:
    """Which of the entries of /proc/PID/ns it could be.

    Raises:
        OSError: ENOTTY for a descriptor of something else.
    """
    return _ENTRY_BY_FLAG[fcntl.ioctl(descriptor, _NS_GET_NSTYPE)]


def owner(descriptor: int) -> int:
    """A descriptor of the user namespace that owns it; of a user namespace, of its parent.

    Raises:
        OSError: EPERM where that is outside of our own user namespace, or there is none.
    """
    return fcntl.ioctl(descriptor, _NS_GET_USERNS)


def parent(descriptor: int) -> int:
    """A descriptor of the pid or user namespace that it was made in.

    Raises:
        OSError: EPERM as for `owner`, EINVAL for the other kinds.
    """
    return fcntl.ioctl(descriptor, _NS_GET_PARENT)


def owner_uid(descriptor: int) -> int:
    """The uid, as we see it, of who made a user namespace.

    Raises:
        OSError: EINVAL for the other kinds.
    """
    buffer = bytearray(4)
    fcntl.ioctl(descriptor, _NS_GET_OWNER_UID, buffer)
    return int(struct.unpack("=I", buffer)[0])


def inode(descriptor: int) -> int:
    """The number that identifies it."""
    return os.fstat(descriptor).st_ino
