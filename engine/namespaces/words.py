"""Namespaces in the words of system calls: ``CLONE_NEWUTS|CLONE_NEWNET``."""

from __future__ import annotations

from collections.abc import Iterable

from engine.linux.namespaces import FLAG_BY_ENTRY

_NAMES = {flag: f"CLONE_NEW{'NS' if entry == 'mnt' else entry.upper()}" for entry, flag in FLAG_BY_ENTRY.items()}


def flags_of(kinds: Iterable[str]) -> int:
    """The flags of clone(2), unshare(2) and setns(2) for entries of /proc/PID/ns."""
    flags = 0
    for kind in kinds:
        flags |= FLAG_BY_ENTRY[kind]
    return flags


def named(flags: int) -> str:
    """Flags by name; ``0`` for none."""
    return "|".join(name for flag, name in _NAMES.items() if flags & flag) or "0"
