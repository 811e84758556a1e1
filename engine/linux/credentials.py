"""Whose files a thread makes, and what it may do with those of others: setfsuid(2) and capabilities, of one thread."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager

from engine.linux import capabilities, libc

FILES = capabilities.mask(
    ("CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH", "CAP_FOWNER", "CAP_FSETID", "CAP_SETFCAP")
)
"""What copying files needs of root's power, and no more of it."""

_setfsuid = libc.function("setfsuid", ctypes.c_uint)
_setfsgid = libc.function("setfsgid", ctypes.c_uint)


@contextmanager
def making_files_as(uid: int, gid: int, effective: int = FILES) -> Iterator[None]:
    """Let what this thread makes belong to a user, and let it keep only some capabilities in effect meanwhile.

    An idmapped mount takes new files only from users whom it maps (vfs idmappings, "fsuidgid_has_mapping").

    Args:
        uid, gid: as the host knows them.
        effective: a mask of capabilities; those of them that aren't permitted stay out of effect.
    """
    permitted = capabilities.permitted()
    before = _setfsuid(uid), _setfsgid(gid)
    try:
        # Leaving uid 0 has taken the capabilities over files away (capabilities(7)); they are still permitted.
        capabilities.set_sets(permitted & effective, permitted, 0)
        yield
    finally:
        capabilities.set_sets(permitted, permitted, 0)
        _setfsuid(before[0])
        _setfsgid(before[1])
        capabilities.set_sets(permitted, permitted, 0)


def chown_opened(descriptor: int, uid: int, gid: int) -> None:
    """Change the owner of what an O_PATH descriptor refers to, be it a link (fchownat(2), AT_EMPTY_PATH).

    Raises:
        OSError: EPERM and the like.
    """
    libc.call("fchownat", descriptor, b"", uid, gid, _AT_EMPTY_PATH)


_AT_EMPTY_PATH = 0x1000
