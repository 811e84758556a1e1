"""The machine's namespaces: a tree of containers, a list of all, and commands in fresh or existing ones."""

from __future__ import annotations

import asyncio
import os
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from engine import processes
from engine.errors import Conflict
from engine.model import (
    Container,
    ContainerNamespaces,
    NamespaceEntry,
    NamespaceInfo,
    NamespaceKind,
    NamespacePortrait,
    NamespaceRun,
    NamespaceTree,
    NamespaceVisit,
    ProcessInfo,
)
from engine.namespaces.listing import read_list
from engine.namespaces.scan import KINDS
from engine.processes import Process

if TYPE_CHECKING:
    from engine.containers import Containers
    from engine.namespaces.start import Program

Inodes = dict[NamespaceKind, int]


class Namespaces:
    """Views of the kernel's namespaces, and commands in them; nothing is kept between calls.

    Args:
        containers: whose names are told and who can be entered by name; None where there is no engine.
    """

    def __init__(self, containers: Containers | None = None) -> None:
        self._containers = containers

    async def list(self) -> tuple[NamespaceEntry, ...]:
        """Every namespace of the machine that we may see, by kind, the host's own first."""
        containers = await self._containers.list() if self._containers else ()
        return await asyncio.to_thread(read_list, containers)

    async def run(self, request: NamespaceRun) -> int:
        """Run a command in fresh namespaces (clone(2), unshare(2)), on our own streams and terminal.

        Returns:
            Its exit status, 128 + n after signal n.

        Raises:
            BoxdeckError: why it couldn't begin.
        """
        from engine.namespaces.shell import run_program

        return await run_program(request).follow()

    async def enter(self, request: NamespaceVisit) -> int:
        """Run a command in the namespaces of a process or container (setns(2)), on our own streams and terminal.

        It stays in our cgroup and has no filter of system calls: it is for looking into a container, not for working
        in one, which `Containers.exec` is for.

        Returns:
            Its exit status, 128 + n after signal n.

        Raises:
            NotFound: there is neither a process nor a container of that name.
            Conflict: the container doesn't run.
            BoxdeckError: why it couldn't begin.
        """
        return await (await self.visit(request)).follow()

    async def visit(self, request: NamespaceVisit) -> Program:
        """What `enter` starts, for a caller who wants to start it in another way.

        Raises:
            NotFound, Conflict: as `enter` says.
        """
        from engine.namespaces.shell import visit_program

        return await visit_program(request, self._containers.get if self._containers else None)

    async def portrait(self, reference: str = "") -> NamespacePortrait:
        """What a container's first process sees in each of its namespaces, or with no reference what the host does.

        Raises:
            NotFound: there is no such container.
            Conflict: it isn't running.
        """
        from engine.namespaces.portrait import portrait

        if not reference or self._containers is None:
            return await asyncio.to_thread(portrait, "host", os.getpid())
        container = await self._containers.get(reference)
        if container.pid is None:
            raise Conflict(f"{container.name} is not running", f"start it with: boxdeck start {container.name}")
        return await asyncio.to_thread(portrait, container.name, container.pid)

    async def tree(self, containers: Sequence[Container]) -> NamespaceTree:
        """The host's namespaces and those of every container among `containers` that runs.

        A container or process that ends meanwhile is left out. Reading a machine with many processes takes
        milliseconds, so it is done in a thread.
        """
        return await asyncio.to_thread(read_tree, containers)


def read_tree(containers: Iterable[Container]) -> NamespaceTree:
    """What `Namespaces.tree` returns, read in the calling thread."""
    host = _inodes("self")
    living = [(c, inodes) for c in containers if c.pid is not None and (inodes := _inodes(c.pid))]
    names = _names_by_namespace(living)
    members = _members(living, host)
    return NamespaceTree(
        host=tuple(NamespaceInfo(kind=kind, inode=inode, is_host=True) for kind, inode in host.items()),
        containers=tuple(_described(c, inodes, host, names, members[c.id]) for c, inodes in living),
    )


def _described(
    container: Container,
    inodes: Inodes,
    host: Inodes,
    names: dict[tuple[NamespaceKind, int], list[str]],
    members: Sequence[Process],
) -> ContainerNamespaces:
    return ContainerNamespaces(
        container_id=container.id,
        container_name=container.name,
        namespaces=tuple(
            NamespaceInfo(
                kind=kind,
                inode=inode,
                is_host=host.get(kind) == inode,
                shared_with=tuple(name for name in names[kind, inode] if name != container.name),
            )
            for kind, inode in inodes.items()
        ),
        uid_map=processes.id_map(container.pid, "uid_map"),
        gid_map=processes.id_map(container.pid, "gid_map"),
        processes=tuple(_seen(members, container.pid)),
    )


def _names_by_namespace(living: Iterable[tuple[Container, Inodes]]) -> dict[tuple[NamespaceKind, int], list[str]]:
    names: dict[tuple[NamespaceKind, int], list[str]] = defaultdict(list)
    for container, inodes in living:
        for kind, inode in inodes.items():
            names[kind, inode].append(container.name)
    return names


def _members(living: Sequence[tuple[Container, Inodes]], host: Inodes) -> dict[str, list[Process]]:
    """Every process of each container, by container id.

    A process belongs to the container whose pid namespace it is in. Where that tells nothing (a namespace that
    containers share, or one made inside a container) its cgroup decides, which carries the container's id.
    """
    owners: dict[int, list[Container]] = defaultdict(list)
    for container, inodes in living:
        owners[inodes.get("pid", 0)].append(container)
    elsewhere = host.get("pid") if host.get("pid") not in owners else None
    found: dict[str, list[Process]] = defaultdict(list)
    for pid, namespace in processes.pid_namespaces():
        if namespace != elsewhere and (owner := _owner(pid, namespace, owners, host)) is not None:
            found[owner.id].extend(process for process in [processes.read(pid)] if process is not None)
    return found


def _owner(pid: int, namespace: int, owners: dict[int, list[Container]], host: Inodes) -> Container | None:
    candidates = owners.get(namespace, [])
    if len(candidates) == 1 and namespace != host.get("pid"):
        return candidates[0]
    cgroups = processes.cgroups_of(pid)
    return next((c for c in candidates or _all(owners) if c.id in cgroups), None)


def _all(owners: dict[int, list[Container]]) -> Iterable[Container]:
    return (container for containers in owners.values() for container in containers)


def _seen(members: Sequence[Process], first_pid: int | None) -> Iterable[ProcessInfo]:
    """Parents before children; pids inside are those that the container's first process sees."""
    depth = next((len(process.pids) - 1 for process in members if process.pid == first_pid), 1)
    return (process.seen_at(depth) for process in processes.parents_first(members))


def _inodes(pid: int | str) -> Inodes:
    """Namespace numbers of a process by kind; empty when it has gone. Kinds that the kernel lacks are left out."""
    found: Inodes = {}
    for kind in KINDS:
        try:
            found[kind] = os.stat(f"/proc/{pid}/ns/{kind}").st_ino
        except OSError:
            continue
    return found
