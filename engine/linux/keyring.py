"""Kernel keyrings (keyrings(7)): they have no namespace, so every container gets a session keyring of its own."""

from __future__ import annotations

from engine.linux import libc

_KEYCTL_JOIN_SESSION_KEYRING = 1
_ENOSYS, _EDQUOT = 38, 122


def join_new_session() -> None:
    """Leave the session keyring of whoever started us for an empty one (keyctl(2)).

    Nothing happens where the kernel has no keyrings, or the user has no quota left for one.
    """
    try:
        libc.syscall("keyctl", _KEYCTL_JOIN_SESSION_KEYRING, None)
    except OSError as error:
        if error.errno not in (_ENOSYS, _EDQUOT):
            raise
