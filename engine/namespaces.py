"""The namespaces of the host and of every running container, and who lives in them, read from /proc."""

from __future__ import annotations

import asyncio
import os
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import get_args

from engine import processes
from engine.model import (
    Container,
    ContainerNamespaces,
    IdRange,
    NamespaceInfo,
    NamespaceKind,
    NamespaceTree,
    ProcessInfo,
)
from engine.processes import Process

KINDS: tuple[NamespaceKind, ...] = get_args(NamespaceKind)

Inodes = dict[NamespaceKind, int]


class Namespaces:
    """Views of the kernel's namespaces; nothing is kept between calls."""

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


def parse_id_map(text: str) -> tuple[IdRange, ...]:
    """The lines of /proc/PID/uid_map or gid_map (user_namespaces(7))."""
    rows = (line.split() for line in text.splitlines())
    return tuple(IdRange(inside=int(a), outside=int(b), length=int(n)) for a, b, n in rows)


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
        uid_map=_id_map(container.pid, "uid_map"),
        gid_map=_id_map(container.pid, "gid_map"),
        processes=tuple(_parents_first(members, container.pid)),
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


def _parents_first(members: Sequence[Process], first_pid: int | None) -> Iterable[ProcessInfo]:
    """Depth first from those whose parent is outside; pids inside are those that the container's first process sees."""
    depth = next((len(process.pids) - 1 for process in members if process.pid == first_pid), 1)
    pids = {process.pid for process in members}
    children: dict[int, list[Process]] = defaultdict(list)
    for process in sorted(members, key=lambda p: p.pid, reverse=True):
        children[process.parent_pid if process.parent_pid in pids else 0].append(process)
    pending = children[0]
    while pending:
        process = pending.pop()
        yield process.seen_at(depth)
        pending.extend(children[process.pid])


def _inodes(pid: int | str) -> Inodes:
    """Namespace numbers of a process by kind; empty when it has gone. Kinds that the kernel lacks are left out."""
    found: Inodes = {}
    for kind in KINDS:
        try:
            found[kind] = os.stat(f"/proc/{pid}/ns/{kind}").st_ino
        except OSError:
            continue
    return found


def _id_map(pid: int | None, name: str) -> tuple[IdRange, ...]:
    try:
        with open(f"/proc/{pid}/{name}") as file:
            return parse_id_map(file.read())
    except OSError:
        return ()
