"""A mount's options, sorted by what the kernel does with them (OCI runtime spec, config.md, "Linux mount options")."""

from __future__ import annotations

import functools
from typing import NamedTuple

from engine.errors import InvalidRequest
from engine.linux import mounts
from engine.linux.mounts import (
    MOUNT_ATTR__ATIME,
    MOUNT_ATTR_NOATIME,
    MOUNT_ATTR_NODEV,
    MOUNT_ATTR_NODIRATIME,
    MOUNT_ATTR_NOEXEC,
    MOUNT_ATTR_NOSUID,
    MOUNT_ATTR_NOSYMFOLLOW,
    MOUNT_ATTR_RDONLY,
    MOUNT_ATTR_RELATIME,
    MOUNT_ATTR_STRICTATIME,
    MS_PRIVATE,
    MS_REC,
    MS_SHARED,
    MS_SLAVE,
    MS_UNBINDABLE,
)

# What an option sets and clears. Access times are a field of which one value holds (mount_setattr(2)); all
# words that take one of the others back mean relatime, the kernel's default.
_ATTRIBUTES = {
    "ro": (MOUNT_ATTR_RDONLY, 0),
    "rw": (0, MOUNT_ATTR_RDONLY),
    "nosuid": (MOUNT_ATTR_NOSUID, 0),
    "suid": (0, MOUNT_ATTR_NOSUID),
    "nodev": (MOUNT_ATTR_NODEV, 0),
    "dev": (0, MOUNT_ATTR_NODEV),
    "noexec": (MOUNT_ATTR_NOEXEC, 0),
    "exec": (0, MOUNT_ATTR_NOEXEC),
    "nodiratime": (MOUNT_ATTR_NODIRATIME, 0),
    "diratime": (0, MOUNT_ATTR_NODIRATIME),
    "nosymfollow": (MOUNT_ATTR_NOSYMFOLLOW, 0),
    "symfollow": (0, MOUNT_ATTR_NOSYMFOLLOW),
    "noatime": (MOUNT_ATTR_NOATIME, MOUNT_ATTR__ATIME),
    "strictatime": (MOUNT_ATTR_STRICTATIME, MOUNT_ATTR__ATIME),
    "relatime": (MOUNT_ATTR_RELATIME, MOUNT_ATTR__ATIME),
    "atime": (MOUNT_ATTR_RELATIME, MOUNT_ATTR__ATIME),
    "norelatime": (MOUNT_ATTR_RELATIME, MOUNT_ATTR__ATIME),
    "nostrictatime": (MOUNT_ATTR_RELATIME, MOUNT_ATTR__ATIME),
}
_RECURSIVE = {f"r{name}": change for name, change in _ATTRIBUTES.items()}
PROPAGATION = {
    "private": MS_PRIVATE,
    "slave": MS_SLAVE,
    "shared": MS_SHARED,
    "unbindable": MS_UNBINDABLE,
    "rprivate": MS_PRIVATE | MS_REC,
    "rslave": MS_SLAVE | MS_REC,
    "rshared": MS_SHARED | MS_REC,
    "runbindable": MS_UNBINDABLE | MS_REC,
}
MAPPING = ("idmap=", "ridmap=")
"""How options begin that say how ids are mapped (crun(1), "idmap mount options")."""
_KINDS = ("bind", "rbind", "remount", "tmpcopyup", "idmap", "ridmap")
# Of the file system as a whole; for every one the kernel itself takes them (fs_context.c, common_set_sb_flag).
SUPERBLOCK = ("sync", "async", "dirsync", "lazytime", "nolazytime", "mand", "nomand")
# The default, or without a meaning since Linux 5.8: a detached mount logs nothing, i_version is the file system's own.
# The last four are for who reads fstab (mount(8)).
_NOTHING = ("defaults", "silent", "loud", "iversion", "noiversion", "auto", "noauto", "nofail", "_netdev")

KNOWN = tuple(sorted((*_ATTRIBUTES, *_RECURSIVE, *PROPAGATION, *_KINDS, *SUPERBLOCK, *_NOTHING)))
"""Every option that isn't handed to a file system, for ``boxdeck-oci features``."""


class Change(NamedTuple):
    """MOUNT_ATTR flags to set and, before that, to clear."""

    set: int = 0
    clear: int = 0

    def then(self, added: int, cleared: int) -> Change:
        """This change and one after it: the later word counts."""
        return Change(self.set & ~cleared | added, self.clear & ~added | cleared)


class MountOptions(NamedTuple):
    """Parsed options.

    Attributes:
        attributes: what the mount itself has; of a bind mount all else stays as it is on the host.
        recursive_attributes: what it and all mounts below it have (``rro``), after `attributes`.
        bind, recursive: whether it is a bind mount, and of the whole tree.
        remount: whether what is mounted there already is changed.
        copy_up: whether a tmpfs begins with what the image has there.
        idmap, recursive_idmap: whether ids are mapped, and those of mounts below as well.
        propagation: MS flags to set once it is in place, in this order; empty for the default, private.
        data: what is left, for the file system itself.
    """

    attributes: Change
    recursive_attributes: Change
    bind: bool
    recursive: bool
    remount: bool
    copy_up: bool
    idmap: bool
    recursive_idmap: bool
    propagation: tuple[int, ...]
    data: tuple[str, ...]

    @property
    def without_attributes(self) -> MountOptions:
        """These options, for a mount that has its own attributes already."""
        return self._replace(attributes=Change())


@functools.lru_cache(maxsize=256)
def parse(options: tuple[str, ...]) -> MountOptions:
    """Sort options; those that no table knows belong to the file system, as one or, with commas, as several."""
    plain, recursive, propagation, data = Change(), Change(), [], []
    for option in options:
        if option in _ATTRIBUTES:
            plain = plain.then(*_ATTRIBUTES[option])
        elif option in _RECURSIVE:
            recursive = recursive.then(*_RECURSIVE[option])
        elif option in PROPAGATION:
            propagation.append(PROPAGATION[option])
        elif option not in _NOTHING and option not in _KINDS and not option.startswith(MAPPING):
            data += _apart(option)
    return MountOptions(
        attributes=plain,
        recursive_attributes=recursive,
        bind="bind" in options or "rbind" in options,
        recursive="rbind" in options,
        remount="remount" in options,
        copy_up="tmpcopyup" in options,
        idmap=any(option in ("idmap", "ridmap") or option.startswith(MAPPING) for option in options),
        recursive_idmap=any(option == "ridmap" or option.startswith("ridmap=") for option in options),
        propagation=tuple(propagation),
        data=tuple(data),
    )


def _apart(option: str) -> list[str]:
    """Options that are written as one word, as mount(2) takes them; a comma after a backslash belongs to a value."""
    return [option] if "\\," in option else [part for part in option.split(",") if part]


def require_bind_options(options: MountOptions, destination: str) -> None:
    """Refuse words that mean nothing for a bind mount; those of a whole file system the kernel ignores here.

    Raises:
        InvalidRequest: naming the word.
    """
    for word in options.data:
        if word not in SUPERBLOCK and not word.startswith("x-"):  # x-…: mount(8)'s comments
            raise InvalidRequest(f"{word!r} is not an option of a bind mount ({destination})", "leave it out")


def apply(mounted: int, options: MountOptions, propagation: tuple[int, ...] = ()) -> None:
    """Change a mount as options say, and its propagation in this order.

    Raises:
        OSError: as mount_setattr(2); EPERM for what a user namespace may not undo.
    """
    if options.attributes != (0, 0):
        mounts.set_attributes(mounted, options.attributes.set, clear=options.attributes.clear)
    change = options.recursive_attributes
    if change != (0, 0):
        mounts.set_attributes(mounted, change.set, clear=change.clear, recursive=True)
    for flags in propagation:
        mounts.set_attributes(mounted, 0, propagation=flags & ~MS_REC, recursive=bool(flags & MS_REC))
