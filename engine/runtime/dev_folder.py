"""/dev of a container in a user namespace, made as a whole by its maker, which may make device nodes.

In a user namespace mknod(2) is forbidden, and a tmpfs that is mounted there has no devices. So the maker makes the
tmpfs, on the host but in nobody's tree, with every node in it and owned as the spec says. Since Linux 6.3 its ids can
be mapped as those of an image are: it is made before anybody asks then, and fits whoever comes. The other way, showing
each of the host's nodes by a bind mount, costs seven system calls a node and shows the host's owners.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from typing import NamedTuple

from engine.linux import machine, mounts, trace
from engine.linux.paths import normal
from engine.oci.linux_spec import Device, IdMapping, Linux
from engine.oci.runtime_spec import Mount, Spec
from engine.runtime import devices, mount_options, mounting
from engine.runtime.mounting import Sources

_IDMAPS = machine.KERNEL_VERSION >= (6, 3)  # fs/tmpfs: FS_ALLOW_IDMAP
_ORDINARY = ("mode", "size", "nr_inodes", "nr_blocks")


class Plan(NamedTuple):
    """What the folder is made of, whatever the container's ids are.

    Attributes:
        data, attributes: of the tmpfs.
        nodes: the devices in it.
        places: folders that file systems are mounted on.
    """

    data: tuple[str, ...]
    attributes: int
    nodes: tuple[Device, ...]
    places: tuple[str, ...]


def make(spec: Spec, user_namespace: int) -> Sources:
    """The folder as a detached mount, by the position of its mount in the spec; nothing where it can't be had.

    It can't with anything else than one plain tmpfs on /dev, ids that aren't mapped, and without the privilege.

    Args:
        user_namespace: the container's, which its owners are shown through.
    """
    linux = spec.linux or Linux()
    position = _position(spec)
    if position is None:
        return Sources()
    wanted = _plan(spec, spec.mounts[position])
    owners = {(0, 0), *((node.uid, node.gid) for node in wanted.nodes)}
    if any(host_ids(linux, *ids) is None for ids in owners):
        return Sources()
    try:
        folder = _show(wanted, user_namespace) if _IDMAPS else _build(wanted, linux)
    except PermissionError:
        return Sources()
    return Sources({position: folder})


prepared: list[tuple[Plan, int]] = []
"""At most one folder that was made before anybody asked, and of what."""

_latest: list[Plan] = []


def prepare(wanted: Plan) -> None:
    """Make a folder that will probably be wanted, while nobody waits; none where ids can't be mapped."""
    if _IDMAPS:
        with suppress(OSError):  # whoever wants it will hear why
            prepared.append((wanted, _build(wanted, None)))


def latest() -> Plan | None:
    """What this process was asked for last, if it was."""
    return _latest[-1] if _latest else None


def _show(wanted: Plan, user_namespace: int) -> int:
    """A folder whose owners are those of the container, as with an image's files."""
    _latest[:] = [wanted]
    fits = prepared and prepared[-1][0] == wanted  # another one isn't closed, which would wait for all processors
    folder = prepared.pop()[1] if fits else _build(wanted, None)
    try:
        mounts.set_attributes(folder, 0, user_namespace=user_namespace)
    except BaseException:
        os.close(folder)
        raise
    return folder


def _plan(spec: Spec, mount: Mount) -> Plan:
    options = mount_options.parse(mount.options)
    nodes = tuple(device for device in devices.wanted(spec) if devices.is_in_dev(spec, device))
    attributes = options.attributes.set & ~mounts.MOUNT_ATTR_NODEV
    return Plan(options.data, attributes, nodes, tuple(sorted(_places(spec))))


def _build(wanted: Plan, linux: Linux | None) -> int:
    """Make it, with owners as the container has them, or shifted to the ids that its namespace gives them."""
    root = _outside(linux, 0, 0)
    data = wanted.data if linux is None else (*wanted.data, f"uid={root[0]}", f"gid={root[1]}")
    folder = mounts.new_filesystem("tmpfs", "tmpfs", data, wanted.attributes)
    before = os.umask(0)
    try:
        for node in wanted.nodes:
            _make(node, _outside(linux, node.uid, node.gid), folder, root)
        for name in wanted.places:
            os.mkdir(name, 0o755, dir_fd=folder)
            _give(name, root, folder)
        for target, name in devices.LINKS:
            os.symlink(target, name, dir_fd=folder)
            _give(name, root, folder)
    except BaseException:
        os.close(folder)
        raise
    finally:
        os.umask(before)
    return folder


def _outside(linux: Linux | None, uid: int, gid: int) -> tuple[int, int]:
    return (uid, gid) if linux is None else host_ids(linux, uid, gid) or (uid, gid)


def is_made(spec: Spec, sources: Sources) -> bool:
    """Whether it is among the sources of mounts."""
    return any(spec.mounts[position].type == "tmpfs" for position in sources)


def _position(spec: Spec) -> int | None:
    found = [n for n, mount in enumerate(spec.mounts) if normal(mount.destination) == "/dev"]
    if len(found) != 1 or spec.mounts[found[0]].type != "tmpfs":
        return None
    options = mount_options.parse(spec.mounts[found[0]].options)
    if options.propagation or options.copy_up or options.idmap or options.remount or options.bind:
        return None
    if options.recursive_attributes != (0, 0) or options.attributes.set & mounts.MOUNT_ATTR_RDONLY:
        return None
    known = all(option.partition("=")[0] in _ORDINARY for option in options.data)
    return found[0] if known else None


def _make(device: Device, owner: tuple[int, int], folder: int, root: tuple[int, int]) -> None:
    name = normal(device.path).removeprefix("/dev/")
    _make_folders(os.path.dirname(name), folder, root)
    mode = devices.DEFAULT_MODE if device.file_mode is None else stat.S_IMODE(device.file_mode)
    trace.call(os.mknod, name, devices.TYPES[device.type] | mode, os.makedev(device.major, device.minor), dir_fd=folder)
    _give(name, owner, folder)


def _make_folders(path: str, folder: int, root: tuple[int, int]) -> None:
    """Folders for what is further down, such as net/tun; nobody else can put a link in their place here."""
    if not path:
        return
    _make_folders(os.path.dirname(path), folder, root)
    try:
        os.mkdir(path, 0o755, dir_fd=folder)
    except FileExistsError:
        return
    _give(path, root, folder)


def _give(name: str, owner: tuple[int, int], folder: int) -> None:
    if owner != (0, 0):  # whose it is already
        os.chown(name, *owner, dir_fd=folder, follow_symlinks=False)


def _places(spec: Spec) -> set[str]:
    """Names right in /dev that file systems are mounted on; without a mode of its own a tmpfs takes its folder's."""
    found = set()
    for mount in spec.mounts:
        folder, name = os.path.split(normal(mount.destination))
        if folder != "/dev" or mounting.is_bind(mount):
            continue
        if mount.type != "tmpfs" or any(option.startswith("mode=") for option in mount.options):
            found.add(name)
    taken = [normal(d.path).removeprefix("/dev/").partition("/")[0] for d in devices.wanted(spec)]
    return found - {*taken, *(name for _, name in devices.LINKS)}


def host_ids(linux: Linux, uid: int, gid: int) -> tuple[int, int] | None:
    """What a uid and a gid of the container are on the host; None when one isn't mapped."""
    outer_uid, outer_gid = _outer(linux.uid_mappings, uid), _outer(linux.gid_mappings, gid)
    return None if outer_uid is None or outer_gid is None else (outer_uid, outer_gid)


def _outer(mappings: tuple[IdMapping, ...], number: int) -> int | None:
    for mapping in mappings:
        if 0 <= number - mapping.container_id < mapping.size:
            return mapping.host_id + number - mapping.container_id
    return None
