"""A container's view of control groups: of its own cgroup and what is below, as far as the kernel lets us say so.

In a cgroup namespace the kernel itself makes the container's cgroup the top of what is mounted. Without one, version 1
is shown by bind mounts of the container's own folders, and version 2 as the host has it, or, where a user namespace
may not mount it, by a bind mount as well.
"""

from __future__ import annotations

import os

from engine.cgroups import layout
from engine.cgroups.layout import Hierarchy, Layout
from engine.linux import mounts, trace
from engine.linux.mounts import MS_BIND, MS_REMOUNT
from engine.oci.linux_spec import Linux
from engine.runtime import mount_options
from engine.runtime.mount_options import MountOptions


def make_ahead(linux: Linux, options: MountOptions) -> int | None:
    """The same, before there is a target: a mount to be moved there; None where it can't be.

    On version 1 it is put together on top of the host's, in our own mount namespace: only attached mounts can have
    others in them.
    """
    if linux.namespace("cgroup") is None:
        return None
    machine = layout.detect()
    if not machine.hierarchies:
        made = _make_v2(linux, options, machine)
    else:
        spot = os.open(os.path.dirname(machine.hierarchies[0].point), os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            made = _make_v1(linux, options, machine, spot)
        finally:
            os.close(spot)
    mount_options.apply(made, options)
    return made


def place(linux: Linux, options: MountOptions, target: int) -> None:
    """Mount the cgroup file systems of this machine on a folder, whose descriptor is closed.

    Raises:
        OSError: the kernel refuses it.
    """
    machine = layout.detect()
    try:
        if machine.hierarchies:
            made = _make_v1(linux, options, machine, target)
        else:
            made = _make_v2(linux, options, machine)
            mounts.attach(made, target)
        mount_options.apply(made, options, options.propagation)
        os.close(made)
    finally:
        os.close(target)


def _make_v2(linux: Linux, options: MountOptions, machine: Layout) -> int:
    try:
        return mounts.new_filesystem("cgroup2", "cgroup", options.data)
    except PermissionError:
        if linux.namespace("cgroup") is not None or machine.unified is None:
            raise
    return mounts.open_tree(machine.unified + own_paths().get("", "/"))


def _make_v1(linux: Linux, options: MountOptions, machine: Layout, target: int) -> int:
    """A tmpfs with one folder a hierarchy. Nobody else can see it yet, so plain names are safe inside."""
    top = mounts.new_filesystem("tmpfs", "cgroup", ("mode=755",))
    mounts.attach(top, target)
    trace.call(os.fchdir, top)
    try:
        flags = mounts.flags_of_attributes(options.attributes.set)
        own = own_paths() if linux.namespace("cgroup") is None else {}
        for hierarchy in machine.hierarchies:
            os.mkdir(hierarchy.name, 0o755)
            if linux.namespace("cgroup") is None:
                _bind(hierarchy, own, flags)
            else:
                mounts.mount("cgroup", hierarchy.name, "cgroup", flags, ",".join(hierarchy.options))
            _link_controllers(hierarchy)
    finally:
        trace.call(os.chdir, "/")
    return top


def _bind(hierarchy: Hierarchy, own: dict[str, str], flags: int) -> None:
    path = next((own[name] for name in hierarchy.controllers if name in own), "/")
    mounts.mount(hierarchy.point + path, hierarchy.name, None, MS_BIND)
    mounts.mount(None, hierarchy.name, None, MS_REMOUNT | MS_BIND | flags)


def _link_controllers(hierarchy: Hierarchy) -> None:
    """``cpu`` beside ``cpu,cpuacct``, where programs look for it."""
    for controller in hierarchy.controllers:
        if controller != hierarchy.name and not os.path.lexists(controller):
            os.symlink(hierarchy.name, controller)


def own_paths() -> dict[str, str]:
    """Where the calling process is, by controller; the v2 hierarchy has the empty name (cgroups(7), "/proc files")."""
    paths = {}
    with open("/proc/self/cgroup", encoding="utf-8", errors="surrogateescape") as lines:
        for line in lines:
            _, controllers, path = line.rstrip("\n").split(":", 2)
            paths.update(dict.fromkeys(controllers.split(","), path))
    return paths
