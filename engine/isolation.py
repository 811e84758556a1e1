"""What keeps a container apart from the machine, as it was made."""

from __future__ import annotations

from msgspec import Struct


class Isolation(Struct, frozen=True, kw_only=True):
    """What a container's root is and may, in the end.

    Attributes:
        root_uid: what its root is on the host; 0 is root.
        capabilities: what its root may have at most.
        filters_calls: whether system calls are filtered.
        hides_paths: whether dangerous parts of /proc and /sys are hidden or read-only.
        no_new_privileges: whether set-user-id programs give nothing.
        read_only: whether its root file system can't be written to.
    """

    root_uid: int
    capabilities: tuple[str, ...]
    filters_calls: bool
    hides_paths: bool
    no_new_privileges: bool
    read_only: bool
