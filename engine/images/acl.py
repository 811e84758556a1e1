"""POSIX access control lists, as extended attributes have them (linux/posix_acl_xattr.h; acl(5)).

They name users and groups by number, which the kernel takes for the machine's own unless a mount says otherwise.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import suppress
from os import getxattr
from typing import Final

from engine.images.stack import Owners

NAMES: Final = ("system.posix_acl_access", "system.posix_acl_default")
_ENTRY: Final = struct.Struct("<HHI")  # tag, permissions, id
_HEAD_BYTES: Final = 4  # the version
_USER: Final = 0x02
_GROUP: Final = 0x08


def lists(descriptor: int, owners: Owners) -> Iterator[tuple[str, bytes]]:
    """The access control lists of an open file or folder, with other ids.

    Args:
        owners: from the ids on disk to those that are wanted.
    """
    for name in NAMES:
        with suppress(OSError):  # it has none, or the file system hasn't
            yield name, mapped(getxattr(descriptor, name), owners)


def mapped(value: bytes, owners: Owners) -> bytes:
    """A list with the ids of its users and groups exchanged."""
    read = _ENTRY.iter_unpack(value[_HEAD_BYTES:])
    entries = [_mapped(tag, permissions, identity, owners) for tag, permissions, identity in read]
    return value[:_HEAD_BYTES] + b"".join(entries)


def _mapped(tag: int, permissions: int, identity: int, owners: Owners) -> bytes:
    if tag == _USER:
        identity, _ = owners(identity, 0)
    elif tag == _GROUP:
        _, identity = owners(0, identity)
    return _ENTRY.pack(tag, permissions, identity)
