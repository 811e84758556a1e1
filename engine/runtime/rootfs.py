"""The root file system as one detached mount: an overlay of layers, or a folder of the bundle.

The shim makes it, because only a privileged process on the host may idmap layers and mount an overlay over
folders that nobody else can read. The container's init gets the descriptor and puts the mount in its own
mount namespace: on the host's tree it never appears.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from engine.errors import RuntimeFailure, Unsupported
from engine.linux import mounts, namespaces
from engine.oci.runtime_spec import Mount, Spec


def overlay_mount(spec: Spec) -> Mount | None:
    """The mount that *is* the root file system, if the spec has one."""
    return next((m for m in spec.mounts if m.destination == "/"), None)


def prepare(spec: Spec, bundle: str, user_namespace: int | None) -> int:
    """Make the root file system; `user_namespace` is the descriptor that layers are idmapped through.

    Returns:
        A descriptor of a detached mount.

    Raises:
        RuntimeFailure: a folder is missing or the kernel refuses the mount.
        Unsupported: the kernel has no overlay.
    """
    if spec.root is None:
        raise RuntimeFailure("config.json has no root", 'give it one: "root": {"path": "rootfs"}')
    folder = os.path.join(bundle, spec.root.path)
    overlay = overlay_mount(spec)
    try:
        if overlay is None:
            return mounts.open_tree(folder, recursive=True)
        if overlay.type == "bind":
            return mounts.open_tree(overlay.source, recursive=True)
        with _aside(folder):
            return _overlay(overlay.options, user_namespace)
    except OSError as error:
        raise _explained(error) from error


@contextmanager
def _aside(folder: str) -> Iterator[None]:
    """A mount namespace for a moment, with an empty tmpfs on `folder` as the working directory.

    Until Linux 6.15 an overlay takes only layers that are mounted in the mounter's own namespace, so idmapped
    ones must be put somewhere; their short names there also fit many layers into the page that mount(2) allows.
    """
    home = os.open("/proc/self/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
    namespaces.unshare(namespaces.CLONE_NEWNS)
    try:
        mounts.mount(None, "/", None, mounts.MS_REC | mounts.MS_PRIVATE)
        mounts.mount("boxdeck", folder, "tmpfs", 0, "mode=700")
        os.chdir(folder)
        yield
    finally:
        namespaces.setns(home, namespaces.CLONE_NEWNS)  # also resets the working directory
        os.close(home)


def _overlay(options: tuple[str, ...], user_namespace: int | None) -> int:
    settings = dict(option.partition("=")[::2] for option in options if "=" in option)
    lowers = [_unescaped(path) for path in _split(settings.pop("lowerdir", ""))]
    for number, path in enumerate(lowers):
        _attach_layer(str(number), path, user_namespace)
    # Upper and work directory by descriptor: their paths may hold commas and colons.
    with _opened(settings.pop("upperdir")) as upper, _opened(settings.pop("workdir")) as work:
        data = [f"lowerdir={':'.join(map(str, range(len(lowers))))}"]
        data += [f"upperdir=/proc/self/fd/{upper}", f"workdir=/proc/self/fd/{work}"]
        data += [f"{key}={value}" for key, value in settings.items()]
        os.mkdir("merged")
        mounts.mount("overlay", "merged", "overlay", mounts.MS_NODEV, ",".join(data))
    return mounts.open_tree("merged")


def _attach_layer(name: str, path: str, user_namespace: int | None) -> None:
    os.mkdir(name)
    layer = mounts.open_tree(path)
    try:
        if user_namespace is not None:
            mounts.set_attributes(layer, 0, user_namespace=user_namespace)
        with _opened(name) as place:
            mounts.attach(layer, place)
    finally:
        os.close(layer)


@contextmanager
def _opened(path: str) -> Iterator[int]:
    descriptor = os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def escaped(path: str) -> str:
    """A folder's name as an element of ``lowerdir`` (overlayfs.rst: colons and backslashes are escaped)."""
    return path.replace("\\", "\\\\").replace(":", "\\:")


def _split(lowerdir: str) -> list[str]:
    parts, current, skip = [], "", False
    for character in lowerdir:
        if character == ":" and not skip:
            parts.append(current)
            current = ""
            continue
        skip = character == "\\" and not skip
        current += character
    return [*parts, current] if current or parts else []


def _unescaped(path: str) -> str:
    return path.replace("\\:", ":").replace("\\\\", "\\")


def _explained(error: OSError) -> RuntimeFailure | Unsupported:
    reason = (error.strerror or "").lower()
    if isinstance(error, FileNotFoundError):
        return RuntimeFailure(f"the root file system can't be made: {error.filename or 'a folder'} is missing")
    if error.errno == 19:  # ENODEV
        return Unsupported("this kernel has no overlay file system", "load it with: modprobe overlay")
    if error.errno == 22:  # EINVAL: the upper directory's file system can't carry overlay's attributes
        return Unsupported(
            f"the overlay can't be mounted ({reason})",
            "put --root on a local file system such as ext4, xfs or btrfs, and look at dmesg",
        )
    return RuntimeFailure(f"the root file system can't be made ({reason})")
