"""/dev of a container: the nodes that every program expects (config-linux.md, "Default Devices")."""

from __future__ import annotations

import contextlib
import os
import stat

from engine.linux import mounts
from engine.linux.paths import make_directories_in_root, open_in_root
from engine.oci.runtime_spec import Device, Spec
from engine.runtime.mounting import Sources, attach_and_close, make_file_in_root

DEFAULT = (
    Device(type="c", path="/dev/null", major=1, minor=3, file_mode=0o666),
    Device(type="c", path="/dev/zero", major=1, minor=5, file_mode=0o666),
    Device(type="c", path="/dev/full", major=1, minor=7, file_mode=0o666),
    Device(type="c", path="/dev/random", major=1, minor=8, file_mode=0o666),
    Device(type="c", path="/dev/urandom", major=1, minor=9, file_mode=0o666),
    Device(type="c", path="/dev/tty", major=5, minor=0, file_mode=0o666),
)
_LINKS = (
    ("/proc/self/fd", "fd"),
    ("/proc/self/fd/0", "stdin"),
    ("/proc/self/fd/1", "stdout"),
    ("/proc/self/fd/2", "stderr"),
    ("pts/ptmx", "ptmx"),
)
_TYPES = {"c": stat.S_IFCHR, "u": stat.S_IFCHR, "b": stat.S_IFBLK, "p": stat.S_IFIFO}


def wanted(spec: Spec) -> tuple[Device, ...]:
    """The default devices and those that the spec adds."""
    return DEFAULT + (spec.linux.devices if spec.linux else ())


def open_sources(spec: Spec) -> Sources:
    """The host's own nodes, for a container in a user namespace, where mknod(2) is forbidden."""
    return {device.path: mounts.open_tree(device.path) for device in wanted(spec)}


def make_all(spec: Spec, root: int, sources: Sources) -> None:
    """Make or bind every device below `root`, and the links that belong beside them."""
    for device in wanted(spec):
        if device.path in sources:
            attach_and_close(sources[device.path], make_file_in_root(root, device.path))
        else:
            _make(device, root)
    folder = make_directories_in_root(root, "/dev")
    for target, name in _LINKS:
        _link(target, name, folder)
    os.close(folder)


def _make(device: Device, root: int) -> None:
    folder, name = os.path.split(device.path)
    parent = make_directories_in_root(root, folder)
    mode = 0o666 if device.file_mode is None else device.file_mode
    try:
        os.mknod(name, _TYPES[device.type] | mode, os.makedev(device.major, device.minor), dir_fd=parent)
        os.chown(name, device.uid, device.gid, dir_fd=parent, follow_symlinks=False)
    except FileExistsError:
        pass
    finally:
        os.close(parent)


def _link(target: str, name: str, folder: int) -> None:
    with contextlib.suppress(FileExistsError):
        os.symlink(target, name, dir_fd=folder)


def bind_console(root: int, slave: int) -> None:
    """Show the terminal as /dev/console."""
    terminal = mounts.open_tree(f"/proc/self/fd/{slave}")
    attach_and_close(terminal, make_file_in_root(root, "/dev/console"))


def open_pts(root: int) -> int:
    """The container's own devpts, as a folder."""
    return open_in_root(root, "/dev/pts", os.O_RDONLY | os.O_DIRECTORY)
