"""Mounts of file systems of a container's own, as procfs, tmpfs or whatever else the kernel has."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from contextlib import suppress
from typing import NamedTuple

from engine.errors import InvalidRequest
from engine.linux import mounts, trace
from engine.linux.paths import make_missing_in_root, normal
from engine.oci.linux_spec import Linux
from engine.oci.runtime_spec import Mount
from engine.runtime import copy_up, mount_options, mount_targets
from engine.runtime.mount_options import MountOptions

# Where the host has what a user namespace may not mount, because the namespace that it shows isn't its own.
_HOSTS_OWN = {"proc": ("pid", "/proc"), "sysfs": ("network", "/sys"), "mqueue": ("ipc", "/dev/mqueue")}
# Mounted by mount(2), in a third of the calls. Of the others read-only would be said of a file system that others
# see as well (sysfs, mqueue), or the kernel's words on a refused option are worth more than the time.
_QUICK = ("proc", "tmpfs", "sysfs", "mqueue", "devpts")
_QUICK_READONLY = ("proc", "tmpfs")


_EARLY = ("proc", "sysfs")  # which show namespaces and nobody's files: ids need not be mapped yet


class FileSystem(NamedTuple):
    """What a file system is made of, as `mounts.new_filesystem` takes it."""

    kind: str
    source: str
    data: tuple[str, ...]
    attributes: int


prepared: dict[FileSystem, int] = {}
"""Those that were made before anybody asked, as detached mounts."""


def prepare(wanted: Iterable[FileSystem]) -> None:
    """Make some that will probably be wanted of a process with these namespaces, while nobody waits."""
    for each in wanted:
        with suppress(OSError):  # whoever wants it will hear why
            prepared[each] = mounts.new_filesystem(*each)


def early(mount: Mount, linux: Linux, options: MountOptions) -> FileSystem | None:
    """What `prepare` could make of a mount."""
    is_early = mount.type in _EARLY and _can_be_ahead(mount, linux, options)
    return _described(mount, options) if is_early else None


def make_ahead(mount: Mount, linux: Linux, options: MountOptions) -> int | None:
    """A detached mount of an ordinary file system; None for one that depends on what it will cover.

    Raises:
        OSError: the kernel refuses it.
    """
    if not _can_be_ahead(mount, linux, options):
        return None
    wanted = _described(mount, options)
    made = prepared.pop(wanted, None)
    return mounts.new_filesystem(*wanted) if made is None else made


def _described(mount: Mount, options: MountOptions) -> FileSystem:
    return FileSystem(mount.type, mount.source or mount.type, options.data, options.attributes.set)


def _can_be_ahead(mount: Mount, linux: Linux, options: MountOptions) -> bool:
    if mount.type not in _QUICK or options.copy_up or options.idmap or options.recursive_attributes != (0, 0):
        return False
    if mount.type != "tmpfs":
        return True
    # What a tmpfs covers may give it its mode; in a user namespace the shim makes /dev.
    is_dev = normal(mount.destination) == "/dev" and linux.namespace("user") is not None
    return any(option.startswith("mode=") for option in options.data) and not is_dev


def place(mount: Mount, linux: Linux, root: int, options: MountOptions) -> None:
    """Make a file system and mount it on its destination below `root`.

    Raises:
        InvalidRequest: ids are to be mapped, which only those of bind mounts can be.
        OSError: the kernel refuses it; its own words are in `strerror` where it gives any.
    """
    destination = normal(mount.destination)
    target = mount_targets.existing(root, destination, os.O_PATH | os.O_DIRECTORY)
    data = options.data
    if target is None:
        target = make_missing_in_root(root, destination)
    elif mount.type == "tmpfs" and not any(option.startswith("mode=") for option in data):
        data += (f"mode={stat.S_IMODE(os.fstat(target).st_mode):o}",)  # as the image has the folder
    try:
        if _mount_quickly(mount, options, data, target):
            return
        made = _make(mount, linux, options, data)
        try:
            if options.copy_up:
                copy_up.copy_tree(target, made, with_top=not _says_whose(options.data))
            mounts.attach(made, target)
            mount_options.apply(made, options if options.copy_up else options.without_attributes, options.propagation)
        finally:
            os.close(made)
    finally:
        os.close(target)


def _says_whose(data: tuple[str, ...]) -> bool:
    return any(option.startswith(("mode=", "uid=", "gid=")) for option in data)


def _mount_quickly(mount: Mount, options: MountOptions, data: tuple[str, ...], target: int) -> bool:
    """Mount an ordinary file system by mount(2); False when that isn't enough, or to hear why it fails."""
    if (
        mount.type not in _QUICK
        or options.copy_up
        or options.idmap
        or options.propagation
        or options.recursive_attributes != (0, 0)
        or (options.attributes.set & mounts.MOUNT_ATTR_RDONLY and mount.type not in _QUICK_READONLY)
        or any("," in option or option in mount_options.SUPERBLOCK for option in data)
    ):
        return False
    flags = mounts.flags_of_attributes(options.attributes.set)
    trace.call(os.fchdir, target)
    try:
        mounts.mount(mount.source or mount.type, ".", mount.type, flags, ",".join(data))
    except OSError:
        return False
    return True


def _make(mount: Mount, linux: Linux, options: MountOptions, data: tuple[str, ...]) -> int:
    """A detached mount of a file system; the host's view of it where a user namespace may not make one."""
    if options.idmap:
        raise InvalidRequest(
            f"ids can't be mapped for {mount.type} on {mount.destination}", "only of bind mounts can they"
        )
    attributes = options.attributes.set
    if options.copy_up:
        attributes &= ~mounts.MOUNT_ATTR_RDONLY
    if mount.type not in _QUICK and attributes & mounts.MOUNT_ATTR_RDONLY:
        data = ("ro", *data)  # a block device may be read-only itself
    try:
        return mounts.new_filesystem(mount.type, mount.source or mount.type, data, attributes)
    except PermissionError:
        kind, place = _HOSTS_OWN.get(mount.type, ("", ""))
        shown = next((n for n in linux.namespaces if n.type == kind and not n.path), None)
        if not place or shown is not None:
            raise
    made = mounts.open_tree(place, recursive=True)
    mounts.set_attributes(made, attributes, clear=options.attributes.clear, recursive=True)
    return made
