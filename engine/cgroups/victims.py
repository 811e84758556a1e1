"""Whom the kernel killed for lack of memory, as its log tells."""

from __future__ import annotations

from collections.abc import Iterable

_MARK = b";oom-kill:"


def last_victim(records: Iterable[bytes], path: str) -> str:
    """The name of the process that was last killed in a cgroup or below it; empty where the log doesn't tell.

    The kernel logs ten of these in five seconds at most (lib/ratelimit.c), and the log is a ring.

    Args:
        records: of the kernel's log.
        path: of the cgroup, below the top of its hierarchy.
    """
    inside = f",task_memcg={path}".encode()
    found = b""
    for record in records:
        if _MARK in record and (f := _victim(record, inside)):
            found = f
    return found.decode("utf-8", "replace")


def _victim(record: bytes, inside: bytes) -> bytes:
    """From ``…,task_memcg=/PATH,task=NAME,pid=N,uid=N`` (mm/oom_kill.c, dump_oom_victim) where that is our path."""
    _, found, rest = record.partition(inside)
    if not found or rest[:1] not in (b",", b"/"):
        return b""
    return rest.partition(b",task=")[2].rpartition(b",pid=")[0]
