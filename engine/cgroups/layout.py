"""What control groups this machine has: pure v2, v1, or v1 with an empty v2 hierarchy beside it ("hybrid")."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterable
from typing import Literal

from msgspec import Struct

from engine.errors import Unsupported

# Controllers that every container gets cgroups in. In other v1 hierarchies it gets one when a limit asks for it,
# or where it has to be kept from the top of the hierarchy: each costs a container's start and end 50 to 100 µs.
MANAGED_V1 = ("cpu", "cpuacct", "memory", "pids", "blkio", "freezer", "devices")
MANAGED_V2 = ("cpu", "memory", "pids", "io")


class Mount(Struct, frozen=True):
    """One cgroup file system from /proc/PID/mountinfo.

    Attributes:
        point: where it is mounted.
        is_v2: whether its type is cgroup2.
        options: of its super block, such as ``("rw", "cpu", "cpuacct")``.
    """

    point: str
    is_v2: bool
    options: tuple[str, ...]


class Hierarchy(Struct, frozen=True):
    """A v1 hierarchy.

    Attributes:
        point: where it is mounted, such as ``/sys/fs/cgroup/cpu,cpuacct``.
        controllers: all that are mounted together in it; ``name=systemd`` stands for one without any.
    """

    point: str
    controllers: tuple[str, ...]

    @property
    def name(self) -> str:
        """The folder it is mounted on."""
        return os.path.basename(self.point)

    @property
    def options(self) -> tuple[str, ...]:
        """The options that mount the same hierarchy once more (cgroups(7), "Mounting v1 controllers")."""
        return self.controllers


class Layout(Struct, frozen=True):
    """Where control groups are on this machine.

    Attributes:
        version: ``hybrid`` is v1 with a v2 hierarchy that has no controllers of ours.
        controllers: the ones that we can use here, sorted.
        hierarchies: v1 hierarchies that containers get cgroups in; empty on v2.
        spare: further v1 hierarchies, see `MANAGED_V1`.
        unified: where the v2 hierarchy is mounted, if it is.
    """

    version: Literal["v1", "v2", "hybrid"]
    controllers: tuple[str, ...]
    hierarchies: tuple[Hierarchy, ...] = ()
    unified: str | None = None
    spare: tuple[Hierarchy, ...] = ()


@functools.cache
def detect() -> Layout:
    """This machine's layout; read once a process (the launcher's children inherit the answer).

    Raises:
        Unsupported: no control groups are mounted.
    """
    mounts = parse_mountinfo(_read("/proc/self/mountinfo"))
    unified = next((mount.point for mount in mounts if mount.is_v2), None)
    return compose(mounts, _read("/proc/cgroups"), _read(f"{unified or ''}/cgroup.controllers"))


def compose(mounts: Iterable[Mount], proc_cgroups: str, unified_controllers: str) -> Layout:
    """The layout that these texts describe.

    Args:
        mounts: from `parse_mountinfo`.
        proc_cgroups: /proc/cgroups.
        unified_controllers: ``cgroup.controllers`` at the top of the v2 hierarchy; empty without one.

    Raises:
        Unsupported: no control groups are mounted.
    """
    mounts = tuple(mounts)
    unified = next((mount.point for mount in mounts if mount.is_v2), None)
    found = _hierarchies(mounts, _enabled(proc_cgroups))
    hierarchies = tuple(hierarchy for hierarchy in found if not set(MANAGED_V1).isdisjoint(hierarchy.controllers))
    if hierarchies:
        controllers = {
            controller for hierarchy in found for controller in hierarchy.controllers if "=" not in controller
        }
        version: Literal["v1", "hybrid"] = "hybrid" if unified else "v1"
        spare = tuple(hierarchy for hierarchy in found if hierarchy not in hierarchies)
        return Layout(version, tuple(sorted(controllers)), hierarchies, unified, spare)
    if unified is None:
        raise Unsupported("no control groups are mounted", "mount them: mount -t cgroup2 cgroup2 /sys/fs/cgroup")
    return Layout("v2", tuple(sorted(unified_controllers.split())), (), unified)


def parse_mountinfo(text: str) -> tuple[Mount, ...]:
    """The cgroup file systems in a mountinfo text (proc(5)), in its order."""
    return tuple(mount for line in text.splitlines() if (mount := _parse_line(line)) is not None)


def require(layout: Layout, controllers: Iterable[str]) -> None:
    """Make sure that these controllers are there.

    Raises:
        Unsupported: naming the first one that isn't.
    """
    for controller in controllers:
        if controller not in layout.controllers:
            raise Unsupported(
                f"the {controller} controller, which a limit needs, is not available here",
                "see in /proc/cgroups and /proc/cmdline what keeps it away, or run without that limit",
            )


def _parse_line(line: str) -> Mount | None:
    # 36 35 98:0 /root /point rw,relatime optional… - type source super,options
    before, _, after = line.partition(" - ")
    if not after.startswith("cgroup"):
        return None
    kind, _, options = after.split(" ", 2)
    if kind not in ("cgroup", "cgroup2"):
        return None
    return Mount(_unescaped(before.split(" ")[4]), kind == "cgroup2", tuple(options.split(",")))


def _unescaped(path: str) -> str:
    """The kernel writes a space as a backslash and 040, and so on (proc(5))."""
    if "\\" not in path:
        return path
    return os.fsdecode(os.fsencode(path).decode("unicode_escape").encode("latin-1"))


def _enabled(proc_cgroups: str) -> frozenset[str]:
    rows = (line.split() for line in proc_cgroups.splitlines() if not line.startswith("#"))
    return frozenset(row[0] for row in rows if len(row) == 4 and row[3] == "1")


def _hierarchies(mounts: Iterable[Mount], enabled: frozenset[str]) -> tuple[Hierarchy, ...]:
    found: dict[tuple[str, ...], Hierarchy] = {}
    for mount in mounts:
        controllers = tuple(option for option in mount.options if option in enabled or option.startswith("name="))
        if controllers and not mount.is_v2:
            found.setdefault(controllers, Hierarchy(mount.point, controllers))  # a second mount shows the same one
    return tuple(found.values())


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return file.read()
    except OSError:
        return ""
