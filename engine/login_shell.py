"""Which shell people get in a container when they don't name one."""

from __future__ import annotations

from collections.abc import Iterator

USUAL = ("bash", "ash", "sh")
_UID, _SHELL, _FIELDS = 2, 6, 7  # of a line of passwd(5)
_REFUSING = ("false", "nologin")


def shells(passwd: bytes, uid: int) -> Iterator[str]:
    """Shells to try in turn: the user's own as the container's passwd(5) has it, then the usual ones.

    Args:
        passwd: the file; it may be empty.
        uid: whose, as the container knows it.
    """
    own = _own(passwd.decode(errors="replace"), uid)
    if own.startswith("/") and own.rpartition("/")[2] not in _REFUSING:
        yield own
    yield from USUAL


def _own(passwd: str, uid: int) -> str:
    for line in passwd.splitlines():
        fields = line.split(":")
        if len(fields) == _FIELDS and fields[_UID] == str(uid):
            return fields[_SHELL].strip()
    return ""
