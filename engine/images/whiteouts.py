"""Whiteouts: how archives say that a lower layer's file is gone, and how overlayfs says it.

Archives: OCI image spec, layer.md, "Whiteouts". Overlayfs: overlayfs.rst, "whiteouts and opaque directories".
An overlay that a user namespace mounts (option ``userxattr``) takes the same device for a whiteout, and may not read
``trusted.*``: to it, opaque is what has ``user.overlay.opaque``. Unpacked layers therefore have both.
"""

from __future__ import annotations

import errno
import os
import stat
from enum import Enum
from typing import Final

from engine.errors import ImageError

PREFIX: Final = ".wh."
OPAQUE_NAME: Final = ".wh..wh..opq"
OPAQUE_XATTR: Final = "trusted.overlay.opaque"
USER_OPAQUE_XATTR: Final = "user.overlay.opaque"
MODE: Final = stat.S_IFCHR
DEVICE: Final = 0  # makedev(0, 0)
_RESERVED_PREFIX: Final = ".wh..wh."


class Special(Enum):
    """Names with the prefix that hide no single file."""

    OPAQUE = "opaque"  # all that lower layers have in this folder is gone
    RESERVED = "reserved"  # left over from aufs, without meaning


def hidden_name(base: str) -> str | Special:
    """What a name with the prefix hides.

    Raises:
        ImageError: it hides ``.``, ``..`` or nothing at all.
    """
    if base == OPAQUE_NAME:
        return Special.OPAQUE
    if base.startswith(_RESERVED_PREFIX):
        return Special.RESERVED
    hidden = base.removeprefix(PREFIX)
    if hidden in ("", ".", ".."):
        raise ImageError(f"the archive holds the whiteout {base!r}, which hides no file", "don't trust this archive")
    return hidden


def is_whiteout(status: os.stat_result) -> bool:
    """Whether overlayfs takes this for a whiteout: a character device with number 0/0."""
    return stat.S_ISCHR(status.st_mode) and status.st_rdev == DEVICE


def make_opaque(descriptor: int) -> None:
    """Let an open folder hide those of the same name in lower layers, whoever mounts them."""
    os.setxattr(descriptor, OPAQUE_XATTR, b"y")
    try:
        os.setxattr(descriptor, USER_OPAQUE_XATTR, b"y")
    except OSError as error:
        if error.errno != errno.ENOTSUP:  # a tmpfs before Linux 6.6, which no user namespace could use as a layer
            raise


def is_opaque(folder: int | str) -> bool:
    """Whether a folder, by open descriptor or path, hides those of the same name in lower layers.

    Only the privileged form counts: a container may give its folders the other one, which means nothing there.
    """
    try:
        return os.getxattr(folder, OPAQUE_XATTR) == b"y"
    except OSError as error:
        if error.errno in (errno.ENODATA, errno.ENOTSUP):
            return False
        raise
