"""A mount's options, sorted by what the kernel does with them (OCI runtime spec, config.md, "Linux mount options")."""

from __future__ import annotations

from typing import NamedTuple

from engine.linux import mounts

_NOATIME = 0x10
_STRICTATIME = 0x20
_NODIRATIME = 0x80
_NOSYMFOLLOW = 0x00200000

_SET = {
    "ro": mounts.MOUNT_ATTR_RDONLY,
    "rro": mounts.MOUNT_ATTR_RDONLY,
    "nosuid": mounts.MOUNT_ATTR_NOSUID,
    "nodev": mounts.MOUNT_ATTR_NODEV,
    "noexec": mounts.MOUNT_ATTR_NOEXEC,
    "noatime": _NOATIME,
    "strictatime": _STRICTATIME,
    "nodiratime": _NODIRATIME,
    "nosymfollow": _NOSYMFOLLOW,
}
_CLEAR = {
    "rw": mounts.MOUNT_ATTR_RDONLY,
    "suid": mounts.MOUNT_ATTR_NOSUID,
    "dev": mounts.MOUNT_ATTR_NODEV,
    "exec": mounts.MOUNT_ATTR_NOEXEC,
    "symfollow": _NOSYMFOLLOW,
}
_DEFAULTS = {"defaults", "relatime", "async", "diratime"}
_PROPAGATION = {
    "private": mounts.MS_PRIVATE,
    "rprivate": mounts.MS_PRIVATE | mounts.MS_REC,
    "slave": mounts.MS_SLAVE,
    "rslave": mounts.MS_SLAVE | mounts.MS_REC,
    "shared": mounts.MS_SHARED,
    "rshared": mounts.MS_SHARED | mounts.MS_REC,
    "unbindable": mounts.MS_UNBINDABLE,
    "runbindable": mounts.MS_UNBINDABLE | mounts.MS_REC,
}


class MountOptions(NamedTuple):
    """Parsed options.

    Attributes:
        attributes: MOUNT_ATTR flags.
        recursive_attributes: whether they also count for the mounts below (``rro``).
        bind, recursive: whether it is a bind mount, and of the whole tree.
        propagation: MS flags to set once it is in place; empty for the default, private.
        data: what is left, for the file system itself.
    """

    attributes: int
    recursive_attributes: bool
    bind: bool
    recursive: bool
    propagation: tuple[int, ...]
    data: tuple[str, ...]


def parse(options: tuple[str, ...]) -> MountOptions:
    """Sort options; those that no table knows belong to the file system."""
    attributes, propagation, data = 0, [], []
    for option in options:
        if option in _SET:
            attributes |= _SET[option]
        elif option in _CLEAR:
            attributes &= ~_CLEAR[option]
        elif option in _PROPAGATION:
            propagation.append(_PROPAGATION[option])
        elif option not in _DEFAULTS and option not in ("bind", "rbind"):
            data.append(option)
    bind = "bind" in options or "rbind" in options
    return MountOptions(attributes, "rro" in options, bind, "rbind" in options, tuple(propagation), tuple(data))
