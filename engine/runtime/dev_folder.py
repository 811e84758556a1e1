"""/dev of a container in a user namespace, made as a whole by the shim, which may make device nodes.

In a user namespace mknod(2) is forbidden, and a tmpfs that is mounted there has no devices. So the shim makes the
tmpfs, on the host but in nobody's tree, with every node in it and owned as the spec says. The other way, showing each
of the host's nodes by a bind mount, costs seven system calls a node and shows the host's owners.
"""

from __future__ import annotations

import os
import stat

from engine.linux import mounts, trace
from engine.linux.paths import normal
from engine.oci.linux_spec import Device, IdMapping, Linux
from engine.oci.runtime_spec import Spec
from engine.runtime import devices, mount_options, mounting
from engine.runtime.mounting import Sources

_ORDINARY = ("mode", "size", "nr_inodes", "nr_blocks")


def make(spec: Spec) -> Sources:
    """The folder as a detached mount, by the position of its mount in the spec; nothing where it can't be had.

    It can't with anything else than one plain tmpfs on /dev, ids that aren't mapped, and without the privilege.
    """
    linux = spec.linux or Linux()
    position = _position(spec)
    root = host_ids(linux, 0, 0)
    if position is None or root is None:
        return Sources()
    options = mount_options.parse(spec.mounts[position].options)
    data = (*options.data, f"uid={root[0]}", f"gid={root[1]}")
    folder = mounts.new_filesystem("tmpfs", "tmpfs", data, options.attributes.set & ~mounts.MOUNT_ATTR_NODEV)
    before = os.umask(0)
    try:
        for device in devices.wanted(spec):
            if devices.is_in_dev(spec, device):
                _make(device, linux, folder, root)
        for name in _places(spec):
            os.mkdir(name, 0o755, dir_fd=folder)
            os.chown(name, *root, dir_fd=folder)
        for target, name in devices.LINKS:
            os.symlink(target, name, dir_fd=folder)
            os.chown(name, *root, dir_fd=folder, follow_symlinks=False)
    except (PermissionError, LookupError):
        os.close(folder)
        return Sources()
    finally:
        os.umask(before)
    return Sources({position: folder})


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


def _make(device: Device, linux: Linux, folder: int, root: tuple[int, int]) -> None:
    owner = host_ids(linux, device.uid, device.gid)
    if owner is None:
        raise LookupError(device.path)
    name = normal(device.path).removeprefix("/dev/")
    _make_folders(os.path.dirname(name), folder, root)
    mode = devices.DEFAULT_MODE if device.file_mode is None else stat.S_IMODE(device.file_mode)
    trace.call(os.mknod, name, devices.TYPES[device.type] | mode, os.makedev(device.major, device.minor), dir_fd=folder)
    os.chown(name, *owner, dir_fd=folder, follow_symlinks=False)


def _make_folders(path: str, folder: int, root: tuple[int, int]) -> None:
    """Folders for what is further down, such as net/tun; nobody else can put a link in their place here."""
    if not path:
        return
    _make_folders(os.path.dirname(path), folder, root)
    try:
        os.mkdir(path, 0o755, dir_fd=folder)
    except FileExistsError:
        return
    os.chown(path, *root, dir_fd=folder)


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
