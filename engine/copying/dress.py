"""What a copy wears: whose it is, what its owner may do with it, and what else is attached to it."""

from __future__ import annotations

import errno
import os
import stat
import struct
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from engine.errors import InvalidRequest
from engine.images import acl
from engine.images.tar import Entry, Kind
from engine.images.unpack import is_kept_xattr
from engine.linux.credentials import chown_opened
from engine.oci.linux_spec import IdMapping
from engine.runtime.userns import host_id

_CAPABILITY: Final = "security.capability"
_REVISION_2: Final = 0x02000000  # linux/capability.h
_REVISION_3: Final = 0x03000000
_REVISION_MASK: Final = 0xFF000000
_OF_OWNERS: Final = (_CAPABILITY, *acl.NAMES)
_PRIVILEGES: Final = stat.S_ISUID | stat.S_ISGID


class Dress(Struct, frozen=True):
    """The rule for a whole copy.

    Attributes:
        owner: uid and gid, as the target knows them, that everything gets. None keeps what entries have, and with that
            set-user-id bits, file capabilities and access control lists, which mean nothing good with another owner.
        uid_mappings, gid_mappings: from ids that the target knows to those on its disk; empty where these are the same.
    """

    owner: tuple[int, int] | None
    uid_mappings: tuple[IdMapping, ...] = ()
    gid_mappings: tuple[IdMapping, ...] = ()

    def fitted(self, entry: Entry) -> Entry:
        """An entry as it is to be on the target's disk.

        Raises:
            InvalidRequest: the target hasn't got its owner's id.
        """
        uid, gid = self.owner or (entry.uid, entry.gid)
        mode, xattrs = entry.mode, entry.xattrs
        if self.owner is not None:
            mode &= ~_PRIVILEGES
            xattrs = tuple(pair for pair in xattrs if pair[0] not in _OF_OWNERS)
        return replace(
            entry,
            uid=_on_disk(self.uid_mappings, uid),
            gid=_on_disk(self.gid_mappings, gid),
            mode=mode,
            xattrs=tuple((name, self._attribute(name, value)) for name, value in xattrs),
        )

    def _attribute(self, name: str, value: bytes) -> bytes:
        """An attribute with the ids of the disk; one that is malformed as it is, for the kernel to refuse."""
        try:
            if name == _CAPABILITY:
                return self._capability(value)
            return acl.mapped(value, self._ids_on_disk) if name in acl.NAMES else value
        except struct.error:
            return value

    def _ids_on_disk(self, uid: int, gid: int) -> tuple[int, int]:
        return _on_disk(self.uid_mappings, uid), _on_disk(self.gid_mappings, gid)

    def _capability(self, value: bytes) -> bytes:
        """File capabilities are the root's of one user namespace (capabilities(7), "Namespaced file capabilities")."""
        root = host_id(self.uid_mappings, 0)
        (magic,) = struct.unpack_from("<I", value)
        if not root or magic & _REVISION_MASK != _REVISION_2:
            return value
        return struct.pack("<I", magic & ~_REVISION_MASK | _REVISION_3) + value[4:20] + struct.pack("<I", root)


def _on_disk(mappings: tuple[IdMapping, ...], inside: int) -> int:
    found = host_id(mappings, inside)
    if found is None:
        raise InvalidRequest(
            f"the container's user namespace has no id {inside}", "name an owner with --chown, or leave out --archive"
        )
    return found


def put_on(descriptor: int, entry: Entry) -> None:
    """Dress an open file or folder. Owner first: chown(2) takes set-user-id bits and file capabilities away.

    Raises:
        OSError: the file system refuses it.
    """
    os.fchown(descriptor, entry.uid, entry.gid)
    os.fchmod(descriptor, entry.mode)
    for name, value in entry.xattrs:
        if is_kept_xattr(name) or name in acl.NAMES:
            _set_xattr(descriptor, name, value)


def put_on_node(folder: int, name: str, entry: Entry) -> None:
    """Dress a link or fifo that was just made, unless something else has taken its name since.

    Raises:
        OSError: the file system refuses it.
    """
    found = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
    try:
        mode = os.fstat(found).st_mode
        if entry.kind is Kind.SYMLINK and stat.S_ISLNK(mode):
            chown_opened(found, entry.uid, entry.gid)
        elif entry.kind is Kind.FIFO and stat.S_ISFIFO(mode):
            chown_opened(found, entry.uid, entry.gid)
            os.chmod(f"/proc/self/fd/{found}", entry.mode)
        os.utime(name, ns=(entry.mtime_ns, entry.mtime_ns), dir_fd=folder, follow_symlinks=False)
    finally:
        os.close(found)


def _set_xattr(descriptor: int, name: str, value: bytes) -> None:
    try:
        os.setxattr(descriptor, name, value)
    except OSError as error:
        if error.errno != errno.ENOTSUP:  # a file system without them
            raise
