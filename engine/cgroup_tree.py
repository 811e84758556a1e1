"""The tree of control groups, ours or the machine's: who is in them, what binds them and what they use."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from msgspec import Struct

from engine import descriptors
from engine.cgroups import folders, layout
from engine.cgroups.in_force import InForce
from engine.cgroups.layout import Layout
from engine.cgroups.read_back import read_back
from engine.cgroups.statistics.reader import MOST_FILES, UsageReader, read_once
from engine.cgroups.statistics.usage import Usage
from engine.limits import Limits
from engine.model import CgroupNode, Container
from engine.model.limits_in_force import LimitsInForce
from engine.rates import Reading, compare

TOP = "/"
_LIMITS_EVERY = 10  # looks: there are many files of limits, and they seldom change


class CgroupTree:
    """Looks at cgroups from some path on, and remembers the look before for the sake of rates. Writes nothing."""

    def __init__(self) -> None:
        self._machine = layout.detect()
        self._side: _Side = _V2(self._machine) if self._machine.version == "v2" else _V1(self._machine)
        self._known: dict[str, dict[str, _Known]] = {}

    def look(self, path: str, containers: Iterable[Container] = ()) -> CgroupNode:
        """The cgroup at a path below the top of the hierarchies and all below it; ``/`` is the top.

        A cgroup that vanishes meanwhile is left out; one that isn't there at all has no controllers. Costs half a
        millisecond a cgroup, and less when it was there at the look before: call it in a thread.

        Args:
            containers: whose names are told.
        """
        names = {container.id: container.name for container in containers}
        look = _Look(self._machine, self._side, InForce(), names, self._known.get(path, {}), {}, path == TOP)
        node = look.node(path) or CgroupNode(path=path)
        for gone in look.before.values():
            gone.close()
        self._known[path] = look.now
        return node

    def close(self) -> None:
        """Close all files."""
        for known in self._known.values():
            for each in known.values():
                each.close()
        self._known.clear()


class _Known:
    """One cgroup between two looks: its open files, its last reading and its limits."""

    def __init__(self, machine: Layout, path: str) -> None:
        self._machine = machine
        self._path = path
        self._reader: UsageReader | None = None
        self._looks = 0
        self._limits = Limits()
        self._bounds: LimitsInForce | None = None
        self.last: Reading | None = None

    def read(self, keep_open: bool) -> Usage | None:
        """What it uses now; None when it has gone."""
        usage = self._reader.read() if self._reader is not None else None
        if usage is not None:
            return usage
        self.close()  # a cgroup that was made anew at the same path has other files
        if not keep_open:
            return read_once(self._machine, self._path)
        try:
            self._reader = UsageReader(self._machine, self._path)
        except OSError:
            return None
        return self._reader.read()

    def limits(self, bounds: LimitsInForce) -> Limits:
        """The limits that are set here, read again now and then, and when those in force have changed."""
        if self._looks % _LIMITS_EVERY == 0 or bounds != self._bounds:
            self._limits, self._bounds = read_back(self._machine, self._path), bounds
        self._looks += 1
        return self._limits

    def close(self) -> None:
        """Close its files."""
        if self._reader is not None:
            self._reader.close()
            self._reader = None


class _Look(Struct):
    """One look at a tree.

    Attributes:
        names: of containers, by id.
        before, now: what is known of each cgroup; what is found moves from the one to the other.
        is_everything: whether all of the machine is looked at. Processes may be in different cgroups in different
            hierarchies of v1 then, as others put them; otherwise one hierarchy tells of all, and the files that list
            them are dear. Files don't stay open.
    """

    machine: Layout
    side: _Side
    in_force: InForce
    names: Mapping[str, str]
    before: dict[str, _Known]
    now: dict[str, _Known]
    is_everything: bool

    def node(self, path: str) -> CgroupNode | None:
        """A cgroup and all below it; None when it has gone."""
        known = self.before.pop(path, None) or _Known(self.machine, path)
        room = MOST_FILES * (len(self.now) + 1)
        usage = known.read(keep_open=not self.is_everything and descriptors.make_room(room) >= room)
        where = [] if usage is None else self.side.folders(path)
        if usage is None or not where:
            known.close()
            return None
        self.now[path] = known
        bounds = self.in_force.read(path)
        reading = Reading(usage)
        sample = compare("", reading, known.last, _counting(bounds))
        known.last = reading
        own = path.rsplit("/", 1)[1]
        return CgroupNode(
            path=path,
            container_id=own if own in self.names else "",
            container_name=self.names.get(own, ""),
            controllers=self.side.controllers(path),
            handed_down=self.side.handed_down(path),
            processes=self._count_processes(where, usage),
            is_frozen=self.side.is_frozen(path),
            limits=Limits() if path == TOP else known.limits(bounds),
            in_force=bounds,
            cpu=sample.cpu,
            memory=sample.memory,
            io=sample.io,
            pids=sample.pids,
            children=self._below(path, where),
        )

    def _count_processes(self, where: Sequence[str], usage: Usage) -> int:
        if usage.pids is not None and usage.pids.current == 0:
            return 0
        telling = where if self.is_everything else where[:1]
        return len({pid for folder in telling for pid in _pids(folder)})

    def _below(self, path: str, where: Iterable[str]) -> tuple[CgroupNode, ...]:
        names = sorted({name for folder in where for name in folders.children(folder)})
        nodes = (self.node(f"{path.rstrip('/')}/{name}") for name in names)
        return tuple(node for node in nodes if node is not None)


class _Side(Protocol):
    """What differs between the versions of cgroups."""

    def folders(self, path: str) -> list[str]:
        """Where the cgroup is; empty when it has gone."""

    def controllers(self, path: str) -> tuple[str, ...]:
        """Those that count or limit there."""

    def handed_down(self, path: str) -> tuple[str, ...] | None:
        """Those that children get; None where there is no such choice."""

    def is_frozen(self, path: str) -> bool:
        """Whether it stands still, for its own sake or that of one above it."""


class _V2:
    """One hierarchy (cgroup-v2.rst, "Core Interface Files")."""

    def __init__(self, machine: Layout) -> None:
        self._top = machine.unified or ""

    def folders(self, path: str) -> list[str]:
        folder = self._folder(path)
        return [folder] if os.path.isdir(folder) else []

    def controllers(self, path: str) -> tuple[str, ...]:
        return tuple(folders.read(f"{self._folder(path)}/cgroup.controllers").split())

    def handed_down(self, path: str) -> tuple[str, ...] | None:
        return tuple(folders.read(f"{self._folder(path)}/cgroup.subtree_control").split())

    def is_frozen(self, path: str) -> bool:
        return folders.value_of(folders.read(f"{self._folder(path)}/cgroup.events"), "frozen") == 1

    def _folder(self, path: str) -> str:
        return f"{self._top}{path.rstrip('/')}"


class _V1:
    """The folders at the same path of all hierarchies, taken as one cgroup (cgroup-v1/cgroups.rst)."""

    def __init__(self, machine: Layout) -> None:
        every = (*machine.hierarchies, *machine.spare)  # the freezer's first: what is frozen is what is listed
        self._hierarchies = sorted(every, key=lambda hierarchy: "freezer" not in hierarchy.controllers)
        self._freezer = next((h.point for h in every if "freezer" in h.controllers), "")

    def folders(self, path: str) -> list[str]:
        found = (f"{hierarchy.point}{path.rstrip('/')}" for hierarchy in self._hierarchies)
        return [folder for folder in found if os.path.isdir(folder)]

    def controllers(self, path: str) -> tuple[str, ...]:
        there = (h.controllers for h in self._hierarchies if os.path.isdir(h.point + path))
        return tuple(sorted(name for names in there for name in names if "=" not in name))

    def handed_down(self, path: str) -> None:
        del path  # each hierarchy goes as deep as it likes

    def is_frozen(self, path: str) -> bool:
        return bool(self._freezer) and folders.read(f"{self._freezer}{path}/freezer.state") == "FROZEN"


def _pids(folder: str) -> list[str]:
    """Who is in a cgroup itself; a threaded one tells only of threads (cgroup-v2.rst, "Threads")."""
    try:
        with open(f"{folder}/cgroup.procs") as file:
            return file.read().split()
    except OSError as error:
        return folders.read(f"{folder}/cgroup.threads").split() if error.errno == errno.EOPNOTSUPP else []


def _counting(bounds: LimitsInForce) -> Limits:
    """The limits that use is measured by: those that a cgroup sets."""
    return Limits(memory_bytes=bounds.memory_limit_bytes, cpus=bounds.cpus_limit, pids=bounds.pids_limit)
