"""/dev of a container: the nodes that every program expects, and those of the spec (config-linux.md, "Devices")."""

from __future__ import annotations

import contextlib
import errno
import os
import stat

from engine.errors import InvalidRequest, RuntimeFailure
from engine.linux import mounts, trace
from engine.linux.paths import normal, open_in_root
from engine.oci.linux_spec import Device
from engine.oci.runtime_spec import Spec
from engine.runtime import mount_targets, mounting
from engine.runtime.mounting import Sources, attach_and_close

DEFAULT = (
    Device(type="c", path="/dev/null", major=1, minor=3, file_mode=0o666),
    Device(type="c", path="/dev/zero", major=1, minor=5, file_mode=0o666),
    Device(type="c", path="/dev/full", major=1, minor=7, file_mode=0o666),
    Device(type="c", path="/dev/random", major=1, minor=8, file_mode=0o666),
    Device(type="c", path="/dev/urandom", major=1, minor=9, file_mode=0o666),
    Device(type="c", path="/dev/tty", major=5, minor=0, file_mode=0o666),
)
LINKS = (
    ("/proc/self/fd", "fd"),
    ("/proc/self/fd/0", "stdin"),
    ("/proc/self/fd/1", "stdout"),
    ("/proc/self/fd/2", "stderr"),
    *((("/proc/kcore", "core"),) if os.path.exists("/proc/kcore") else ()),  # kernels can be built without it
    ("pts/ptmx", "ptmx"),
)
TYPES = {"c": stat.S_IFCHR, "u": stat.S_IFCHR, "b": stat.S_IFBLK, "p": stat.S_IFIFO}
DEFAULT_MODE = 0o666


def wanted(spec: Spec) -> tuple[Device, ...]:
    """The default devices and those that the spec adds; one that the spec gives again is as the spec has it.

    None where the host's own /dev is shown, which isn't ours to change.
    """
    added = spec.linux.devices if spec.linux else ()
    if not _is_ours(spec):
        return ()
    given = {normal(device.path) for device in added}
    return tuple(device for device in DEFAULT if device.path not in given) + added


def _is_ours(spec: Spec) -> bool:
    return not any(normal(m.destination) == "/dev" and mounting.is_bind(m) for m in spec.mounts)


def open_sources(spec: Spec, made: bool = False) -> Sources:
    """The host's own nodes, for a container in a user namespace, where mknod(2) is forbidden.

    Args:
        made: whether `dev_folder.make` has made those that it can.

    Returns:
        Detached mounts by the position in `wanted`.

    Raises:
        RuntimeFailure: the host has no node of such a device.
    """
    sources = Sources()
    try:
        for number, device in enumerate(wanted(spec)):
            if device.type != "p" and not (made and is_in_dev(spec, device)):
                sources[number] = _open_source(device)
    except BaseException:
        for descriptor in sources.values():
            os.close(descriptor)
        raise
    return sources


def is_in_dev(spec: Spec, device: Device) -> bool:
    """Whether a device is in /dev itself or in a folder of its own there, and not elsewhere or in another mount."""
    folder = os.path.dirname(normal(device.path))
    if folder == "/dev" or not folder.startswith("/dev/"):
        return folder == "/dev"
    return not any(
        f"{folder}/".startswith(f"{normal(m.destination)}/")
        for m in spec.mounts
        if normal(m.destination) not in ("/", "/dev")
    )


def _open_source(device: Device) -> int:
    source = _open_if(device, device.path)
    if source is None:
        source = _open_if(device, _path_by_number(device))
    if source is None:
        raise RuntimeFailure(
            f"the host has no device {device.type} {device.major}:{device.minor} for {device.path}",
            "in a user namespace only devices that the host has a node of can be shown",
        )
    return source


def _open_if(device: Device, path: str) -> int | None:
    """The host's node, if it is of this device."""
    try:
        source = mounts.open_tree(path)
    except OSError:
        return None
    if _is(device, os.fstat(source)):
        return source
    os.close(source)
    return None


def _path_by_number(device: Device) -> str:
    """The host's own name of a device (sysfs, ``/sys/dev/char/MAJOR:MINOR/uevent``)."""
    kind = "block" if device.type == "b" else "char"
    try:
        with open(f"/sys/dev/{kind}/{device.major}:{device.minor}/uevent", encoding="utf-8") as lines:
            return next((f"/dev/{line[8:].strip()}" for line in lines if line.startswith("DEVNAME=")), "")
    except OSError:
        return ""


def _is(device: Device, found: os.stat_result) -> bool:
    if stat.S_IFMT(found.st_mode) != TYPES[device.type]:
        return False
    return device.type == "p" or found.st_rdev == os.makedev(device.major, device.minor)


def make_all(spec: Spec, root: int, sources: Sources, made: bool = False) -> None:
    """Make or bind every device below `root`, and the links that belong beside them.

    Args:
        made: whether `dev_folder.make` has made all that is right in /dev.

    Raises:
        RuntimeFailure: /dev of the image is a link, or something else is in a device's place.
    """
    if not _is_ours(spec):
        return
    folder = mount_targets.folder(root, "/dev")
    try:
        for number, device in enumerate(wanted(spec)):
            if made and is_in_dev(spec, device):
                continue
            try:
                _provide(device, root, folder, sources.get(number))
            except OSError as error:
                raise RuntimeFailure(f"the device {device.path} can't be made ({error.strerror})") from error
        for target, name in () if made else LINKS:
            _link(target, name, folder)
    finally:
        os.close(folder)


def _provide(device: Device, root: int, dev: int, source: int | None) -> None:
    path = normal(device.path)
    if source is not None:
        return attach_and_close(source, mount_targets.file(root, path))
    folder, name = os.path.split(path)
    if folder == "/dev":
        return _make(device, name, dev)
    parent = mount_targets.folder(root, folder)
    try:
        _make(device, name, parent)
    finally:
        os.close(parent)
    return None


def _make(device: Device, name: str, parent: int) -> None:
    mode = DEFAULT_MODE if device.file_mode is None else stat.S_IMODE(device.file_mode)
    try:
        trace.call(os.mknod, name, TYPES[device.type] | mode, os.makedev(device.major, device.minor), dir_fd=parent)
    except FileExistsError:
        return _require(device, os.stat(name, dir_fd=parent, follow_symlinks=False))
    if device.uid or device.gid:
        os.chown(name, device.uid, device.gid, dir_fd=parent, follow_symlinks=False)
    return None


def _require(device: Device, found: os.stat_result) -> None:
    """What exists must be what was asked for (config-linux.md, "Devices": otherwise an error MUST be generated)."""
    if not _is(device, found):
        raise RuntimeFailure(
            f"{device.path} exists in the image and is not the device {device.type} {device.major}:{device.minor}",
            "remove it from the image, or mount a tmpfs on /dev",
        )


def _link(target: str, name: str, folder: int) -> None:
    try:
        os.symlink(target, name, dir_fd=folder)
    except FileExistsError:
        if name == "ptmx":  # a node of the image would open the terminals of another devpts
            _replace(target, name, folder)


def _replace(target: str, name: str, folder: int) -> None:
    with contextlib.suppress(OSError):
        if os.readlink(name, dir_fd=folder) == target:
            return
    os.unlink(name, dir_fd=folder)
    os.symlink(target, name, dir_fd=folder)


def bind_console(root: int, slave: int) -> None:
    """Show the terminal as /dev/console.

    Both ends are descriptors: a name of either could have been exchanged for another (CVE-2025-52565).

    Raises:
        RuntimeFailure: the image's /dev/console is a link.
    """
    try:
        target = mount_targets.file(root, "/dev/console")
        attach_and_close(mounts.open_tree("", slave, empty_path=True), target)
    except OSError as error:
        raise RuntimeFailure(f"the terminal can't be shown as /dev/console ({error.strerror})") from error


def open_pts(root: int) -> int:
    """The container's own devpts, as a folder.

    Raises:
        InvalidRequest: there is none.
    """
    try:
        return open_in_root(root, "/dev/pts", os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        if error.errno not in (errno.ENOENT, errno.ENOTDIR):
            raise
        raise InvalidRequest("a terminal needs a devpts on /dev/pts", "add that mount to config.json") from error
