"""The tree of control groups, with limits and use."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from engine.limits import Limits
from engine.model.limits_in_force import LimitsInForce
from engine.model.sample import CpuSample, IoSample, MemorySample, PidsSample


class CgroupNode(Struct, frozen=True, kw_only=True):
    """One cgroup and those below it. On v1 the folders at the same path in all hierarchies are one node.

    Attributes:
        path: below the top of the hierarchies, such as ``/boxdeck/3f2a…``; ``/`` is the top itself.
        container_id, container_name: whose it is; empty for one that isn't a container's own.
        controllers: those that count or limit here. v1: of all hierarchies that have this path. v2:
            ``cgroup.controllers``.
        handed_down: v2's ``cgroup.subtree_control``, those that children get; None on v1.
        processes: how many are in it, without those below.
        is_frozen: whether it or one above it is frozen.
        limits: those that are set on this very cgroup.
        in_force: the tightest of this cgroup and those above, and which of them sets it; None for one that isn't there.
        cpu: percent is over the time since the tree was last looked at, and None at the first look.
    """

    path: str
    container_id: str = ""
    container_name: str = ""
    controllers: tuple[str, ...] = ()
    handed_down: tuple[str, ...] | None = None
    processes: int = 0
    is_frozen: bool = False
    limits: Limits = Limits()
    in_force: LimitsInForce | None = None
    cpu: CpuSample | None = None
    memory: MemorySample | None = None
    io: IoSample | None = None
    pids: PidsSample | None = None
    children: tuple[CgroupNode, ...] = ()

    @property
    def name(self) -> str:
        """The last part of its path; ``/`` for the top."""
        return self.path.rsplit("/", 1)[1] or "/"

    @property
    def all_processes(self) -> int:
        """How many processes are in it and below."""
        return self.processes + sum(child.all_processes for child in self.children)

    def walk(self) -> Iterator[CgroupNode]:
        """Itself and all below, parents first."""
        yield self
        for child in self.children:
            yield from child.walk()
