"""Every namespace of the machine: who is in it, who owns it, what it was made in, whose container it is."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from contextlib import suppress

from engine import processes
from engine.linux import nsfs
from engine.model import Container, NamespaceEntry
from engine.namespaces.scan import KINDS, Scan, Seen


def read_list(containers: Iterable[Container]) -> tuple[NamespaceEntry, ...]:
    """All namespaces that we may see, by kind, the host's own first.

    Args:
        containers: those whose names are to be told, running or not.
    """
    scan = Scan()
    relations = _Relations(scan)
    hosts = {inode for kind in KINDS if (inode := _inode("self", kind)) is not None}
    owners = _Owners(containers, hosts)
    entries = [_entry(seen, relations, owners, hosts) for seen in scan.found.values()]
    return tuple(sorted(entries, key=lambda entry: (KINDS.index(entry.kind), not entry.is_host, entry.inode)))


def _entry(seen: Seen, relations: _Relations, owners: _Owners, hosts: set[int]) -> NamespaceEntry:
    first = seen.members[0] if seen.members else None
    process = next((found for pid in seen.members if (found := processes.read(pid)) is not None), None)
    has_ids = seen.kind == "user" and first is not None
    return NamespaceEntry(
        kind=seen.kind,
        inode=seen.inode,
        is_host=seen.inode in hosts,
        owner_inode=relations.owner.get(seen.inode),
        owner_uid=relations.owner_uid.get(seen.inode),
        parent_inode=relations.parent.get(seen.inode),
        processes=len(seen.members),
        pid=first,
        command=process.command if process is not None else "",
        containers=owners.of(seen),
        held_by=tuple(seen.held_by),
        uid_map=processes.id_map(first, "uid_map") if has_ids else (),
        gid_map=processes.id_map(first, "gid_map") if has_ids else (),
        pids=process.pids if process is not None and seen.kind == "pid" else (),
    )


class _Relations:
    """Owners and parents by number; following them also finds namespaces that only those below keep alive."""

    def __init__(self, scan: Scan) -> None:
        self.owner: dict[int, int] = {}
        self.parent: dict[int, int] = {}
        self.owner_uid: dict[int, int] = {}
        self._scan = scan
        for seen in list(scan.found.values()):
            descriptor = seen.open()
            if descriptor is not None:
                self._follow(seen, descriptor)

    def _follow(self, seen: Seen, descriptor: int) -> None:
        """Look up what a namespace stands in, and go on there where that is new; closes the descriptor."""
        try:
            if seen.kind == "user":
                self._note_uid(seen.inode, descriptor)
            if seen.kind in ("user", "pid"):
                self._step(seen, nsfs.parent, descriptor, self.parent)
            self._step(seen, nsfs.owner, descriptor, self.owner)
        finally:
            os.close(descriptor)

    def _step(self, seen: Seen, ask: Callable[[int], int], descriptor: int, into: dict[int, int]) -> None:
        with suppress(OSError):  # EPERM: the first of its kind, or outside of what we may see
            above = ask(descriptor)
            number = into[seen.inode] = nsfs.inode(above)
            if ask is nsfs.owner and seen.kind != "user":
                self._note_uid(seen.inode, above)
            if number in self._scan.found:
                os.close(above)
                return
            new = self._scan.add("pid" if ask is nsfs.parent and seen.kind == "pid" else "user", number)
            new.held_by.append("namespaces below it")
            self._follow(new, above)

    def _note_uid(self, inode: int, user_namespace: int) -> None:
        with suppress(OSError):
            self.owner_uid[inode] = nsfs.owner_uid(user_namespace)


class _Owners:
    """Which containers a namespace belongs to: by their first processes, or by the cgroup of who is in it."""

    def __init__(self, containers: Iterable[Container], hosts: set[int]) -> None:
        self._living = [container for container in containers if container.pid is not None]
        self._hosts = hosts
        self._names: dict[int, list[str]] = {}
        for container in self._living:
            for inode in {_inode(container.pid, kind) for kind in KINDS} - hosts - {None}:
                self._names.setdefault(inode or 0, []).append(container.name)

    def of(self, seen: Seen) -> tuple[str, ...]:
        """Names, sorted; the host's own belong to nobody."""
        if seen.inode in self._hosts:
            return ()
        if seen.inode in self._names:
            return tuple(sorted(self._names[seen.inode]))
        if not seen.members or not self._living:
            return ()
        cgroups = processes.cgroups_of(seen.members[0])
        return tuple(container.name for container in self._living if container.id in cgroups)


def _inode(pid: int | str | None, kind: str) -> int | None:
    try:
        return os.stat(f"/proc/{pid}/ns/{kind}").st_ino
    except OSError:
        return None
