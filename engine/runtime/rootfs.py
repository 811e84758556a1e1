"""The root file system as one detached mount: an overlay of layers, or a folder of the bundle.

The shim makes it, because only a privileged process on the host may idmap layers and mount an overlay over
folders that nobody else can read. The container's init gets the descriptor and puts the mount in its own
mount namespace: on the host's tree it never appears.
"""

from __future__ import annotations

import errno
import os

from engine.errors import InvalidRequest, RuntimeFailure, Unsupported
from engine.linux import mounts, trace
from engine.oci.linux_spec import Linux
from engine.oci.runtime_spec import Mount, Spec
from engine.runtime import mount_options, mounting, overlay
from engine.runtime.idmap import map_ids, with_mappings

_PRIVATE = mounts.MS_PRIVATE | mounts.MS_REC
_SLAVE = mounts.MS_SLAVE | mounts.MS_REC


def overlay_mount(spec: Spec) -> Mount | None:
    """The mount that *is* the root file system, if the spec has one; the last of them counts."""
    return next((m for m in reversed(spec.mounts) if mounting.is_root(m)), None)


def prepare(spec: Spec, bundle: str, user_namespace: int | None) -> int:
    """Make the root file system; `user_namespace` is the descriptor that layers are idmapped through.

    Returns:
        A descriptor of a detached mount whose propagation leads nowhere: what is mounted below it stays there.

    Raises:
        RuntimeFailure: a folder is missing or the kernel refuses the mount.
        InvalidRequest: the spec has no root.
        Unsupported: the kernel has no overlay.
    """
    if spec.root is None:
        raise InvalidRequest("config.json has no root", 'give it one: "root": {"path": "rootfs"}')
    folder = os.path.join(bundle, spec.root.path)
    top = overlay_mount(spec)
    try:
        if top is None:
            return _folder(folder, spec)
        if mounting.is_bind(top):
            return _bind(with_mappings(top, spec.linux or Linux()), bundle, spec, user_namespace)
        if top.type == "overlay":
            return overlay.make(overlay.parse(top.options), folder, user_namespace)
        options = mount_options.parse(top.options)
        return mounts.new_filesystem(top.type, top.source or top.type, options.data, options.attributes.set)
    except OSError as error:
        raise _explained(error) from error


def _folder(folder: str, spec: Spec) -> int:
    if not os.path.isdir(folder):
        raise RuntimeFailure(f"the root file system {folder} is no folder", "see root.path in config.json")
    root = mounts.open_tree(folder, recursive=True)
    mounts.set_attributes(root, 0, recursive=True, propagation=_first_propagation(spec) & ~mounts.MS_REC)
    return root


def _bind(top: Mount, bundle: str, spec: Spec, user_namespace: int | None) -> int:
    options = mount_options.parse(top.options)
    mount_options.require_bind_options(options, top.destination)
    root = mounts.open_tree(os.path.join(bundle, top.source), recursive=True)
    try:
        map_ids(root, top, options, user_namespace)
        mount_options.apply(root, options, (_first_propagation(spec),))
    except BaseException:
        os.close(root)
        raise
    return root


def _first_propagation(spec: Spec) -> int:
    """A copy of a shared mount is its peer: what init mounts would appear on the host, if it stayed one.

    With ``slave`` what the host mounts below the folder later still comes in.
    """
    wanted = spec.linux.rootfs_propagation if spec.linux else ""
    return _SLAVE if wanted in ("slave", "rslave") else _PRIVATE


def enter(root: int, pivot: bool = True) -> None:
    """Make `root`, which is attached on top of "/", the root of this process and of its mount namespace.

    Args:
        pivot: by pivot_root(2), after which nothing of the host's tree is left. Without it, for machines whose own
            root is an initramfs, by chroot(2); the host's tree stays below, its procfs and sysfs taken away or covered.

    Raises:
        OSError: EINVAL from pivot_root where the machine's root is an initramfs.
    """
    if not pivot:
        _take_away_kernel_views()
    trace.call(os.fchdir, root)
    if pivot:
        _pivot()
    else:
        trace.call(os.chroot, ".")
    trace.call(os.chdir, "/")


def _pivot() -> None:
    try:
        mounts.pivot_root(".", ".")
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        raise Unsupported(
            "pivot_root isn't possible here: this machine's root is probably an initramfs", "use --no-pivot"
        ) from error
    mounts.unmount(".")  # the old root is on top now


def _take_away_kernel_views() -> None:
    """Let no full /proc or /sys stay in the namespace.

    With one in sight the kernel lets any user namespace mount another, without what we have masked.
    """
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as lines:
        points = [_point_of(line) for line in lines if " - proc " in line or " - sysfs " in line]
    for point in reversed(points):
        try:
            mounts.unmount(point)
        except OSError:  # locked by a user namespace: then it is covered
            mounts.mount("tmpfs", point, "tmpfs", mounts.MS_RDONLY, "size=0")


def _point_of(line: str) -> str:
    """The place of a mount; blanks, line ends and backslashes are octal numbers there (proc(5), "mountinfo")."""
    plain, *escaped = line.split(" ")[4].split("\\")
    return plain + "".join(chr(int(part[:3], 8)) + part[3:] for part in escaped)


def settle(spec: Spec) -> None:
    """Make the root of this process read-only and give it its propagation, as the spec says.

    To be called after `enter`: pivot_root(2) refuses shared mounts. Hooks may write to the root before, and its
    working directory is made there.

    Raises:
        OSError: the kernel refuses it.
    """
    readonly = mounts.MOUNT_ATTR_RDONLY if spec.root is not None and spec.root.readonly else 0
    wanted = (spec.linux or Linux()).rootfs_propagation
    if not readonly and not wanted:
        return
    root = os.open("/", os.O_PATH | os.O_CLOEXEC)
    try:
        if readonly:
            mounts.set_attributes(root, readonly)
        if wanted:
            flags = mount_options.PROPAGATION[wanted]
            mounts.set_attributes(root, 0, recursive=bool(flags & mounts.MS_REC), propagation=flags & ~mounts.MS_REC)
    finally:
        os.close(root)


def _explained(error: OSError) -> RuntimeFailure | Unsupported:
    reason = (error.strerror or "").lower()
    if isinstance(error, FileNotFoundError):
        return RuntimeFailure(f"the root file system can't be made: {error.filename or 'a folder'} is missing")
    if error.errno == errno.ENODEV:
        return Unsupported("this kernel has no overlay file system", "load it with: modprobe overlay")
    if error.errno == errno.EINVAL:  # the upper directory's file system can't carry overlay's attributes
        return Unsupported(
            f"the overlay can't be mounted ({reason})",
            "put --root on a local file system such as ext4, xfs or btrfs, and look at dmesg",
        )
    return RuntimeFailure(f"the root file system can't be made ({reason})")
