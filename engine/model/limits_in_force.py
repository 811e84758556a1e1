"""The limits that bind a container in the end."""

from __future__ import annotations

from msgspec import Struct

from engine.limits import Limits

MACHINE = "machine"  # where a limit comes from that no cgroup sets


class LimitsInForce(Struct, frozen=True, kw_only=True):
    """The tightest limits of memory, processor time and processes, and what sets them.

    ``*_from`` is the path of a cgroup below the top of the hierarchy, such as ``/boxdeck/3f2a…`` or an ancestor's, or
    ``machine`` where there is no limit but what the machine has.

    Attributes:
        cpus: processors' worth of time per second; the quota, or how many processors it may run on.
        own: all limits of the container's own cgroup, as the kernel has rounded them; empty where not asked for.
        disk_weights_count: whether some disk is shared by weight; otherwise a weight is taken and changes nothing.
    """

    memory_bytes: int
    memory_from: str
    cpus: float
    cpus_from: str
    pids: int
    pids_from: str
    own: Limits = Limits()
    disk_weights_count: bool = True

    @property
    def memory_limit_bytes(self) -> int | None:
        """The limit that a cgroup sets; None without one."""
        return None if self.memory_from == MACHINE else self.memory_bytes

    @property
    def cpus_limit(self) -> float | None:
        """The limit that a cgroup sets, in processors; None without one."""
        return None if self.cpus_from == MACHINE else self.cpus

    @property
    def pids_limit(self) -> int | None:
        """The limit that a cgroup sets; None without one."""
        return None if self.pids_from == MACHINE else self.pids
