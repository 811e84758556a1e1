"""A process of a container."""

from __future__ import annotations

from msgspec import Struct


class ProcessInfo(Struct, frozen=True, kw_only=True):
    """A process of a container, as it is now. What only `Containers.top` finds out has a default.

    Attributes:
        pid: on the host; `parent_pid` likewise.
        pid_inside: the one that it knows itself by.
        command: its command line, or ``[name]`` where it has none.
        memory_bytes: resident; `proportional_bytes` counts a page that n processes share as one nth, and is None unless
            asked for, since the kernel walks all pages for it.
        uid: on the host; None where it wasn't asked for. `uid_inside` is the one in the container's user namespace.
        user: the name that the container has for its user, or the number inside.
        state: psutil's word, such as ``running``, ``sleeping``, ``disk-sleep``, ``stopped``, ``zombie``.
        cpu_percent: of one processor since it was last looked at; None on the first look.
    """

    pid: int
    parent_pid: int
    pid_inside: int
    command: str
    threads: int = 1
    memory_bytes: int = 0
    proportional_bytes: int | None = None
    uid: int | None = None
    uid_inside: int | None = None
    user: str = ""
    state: str = ""
    started_unix_ns: int | None = None
    cpu_usec: int = 0
    cpu_percent: float | None = None
