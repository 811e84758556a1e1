"""The mounts of a container: bind sources opened on the host by the shim, everything put in place by init."""

from __future__ import annotations

import os
import stat
from contextlib import suppress

from engine.cgroups import layout
from engine.errors import RuntimeFailure
from engine.linux import mounts
from engine.linux.paths import make_directories_in_root, open_in_root
from engine.oci.runtime_spec import Mount, Spec
from engine.runtime import mount_options

Sources = dict[str, int]  # destination of a bind mount: descriptor of its detached source


def open_sources(spec: Spec) -> Sources:
    """Detached copies of what bind mounts show; made by the shim, which may look everywhere on the host.

    Raises:
        RuntimeFailure: a source doesn't exist.
    """
    return {m.destination: _open_source(m) for m in spec.mounts if m.destination != "/" and is_bind(m)}


def is_bind(mount: Mount) -> bool:
    """Whether a mount shows something that exists on the host."""
    return mount.type == "bind" or mount_options.parse(mount.options).bind


def _open_source(mount: Mount) -> int:
    options = mount_options.parse(mount.options)
    try:
        source = mounts.open_tree(mount.source, recursive=options.recursive)
        if options.attributes:
            mounts.set_attributes(source, options.attributes, recursive=options.recursive_attributes)
        return source
    except OSError as error:
        raise RuntimeFailure(
            f"{mount.source} can't be mounted on {mount.destination} ({os.strerror(error.errno or 0).lower()})",
            "check that it exists on the host",
        ) from error


def place_all(spec: Spec, root: int, sources: Sources) -> None:
    """Put every mount of the spec below `root`, the attached root file system, in the order of the spec.

    Raises:
        RuntimeFailure: the kernel refuses one; the sentence names it.
    """
    for mount in spec.mounts:
        if mount.destination == "/":
            continue
        try:
            _place(mount, root, sources.get(mount.destination))
        except OSError as error:
            kind = mount.type or "bind"
            raise RuntimeFailure(f"{kind} can't be mounted on {mount.destination} ({error.strerror})") from error


def _place(mount: Mount, root: int, source: int | None) -> None:
    if source is not None:
        target = _target_for(source, root, mount.destination)
        attach_and_close(source, target)
    elif mount.type in ("cgroup", "cgroup2"):
        _place_cgroup(mount, root)
    else:
        _place_filesystem(mount, root)


def _place_filesystem(mount: Mount, root: int) -> None:
    options = mount_options.parse(mount.options)
    source = mount.source or mount.type
    made = mounts.new_filesystem(mount.type, source, options.data, options.attributes)
    attach_and_close(made, make_directories_in_root(root, mount.destination))


def _place_cgroup(mount: Mount, root: int) -> None:
    """A view of the container's own cgroups: one file system on v2, a folder of hierarchies on v1."""
    attributes = mount_options.parse(mount.options).attributes
    hierarchies = layout.detect().hierarchies
    if not hierarchies:
        made = mounts.new_filesystem("cgroup2", "cgroup", (), attributes)
        return attach_and_close(made, make_directories_in_root(root, mount.destination))
    folder = mounts.new_filesystem("tmpfs", "cgroup", ("mode=755",), attributes & ~mounts.MOUNT_ATTR_RDONLY)
    attach_and_close(folder, make_directories_in_root(root, mount.destination))
    for hierarchy in hierarchies:
        made = mounts.new_filesystem("cgroup", "cgroup", hierarchy.options, attributes)
        attach_and_close(made, make_directories_in_root(root, f"{mount.destination}/{hierarchy.name}"))
    top = open_in_root(root, mount.destination, os.O_PATH)
    mounts.set_attributes(top, attributes)
    os.close(top)
    return None


def attach_and_close(mount: int, target: int) -> None:
    """Put a detached mount in place and close both descriptors."""
    try:
        mounts.attach(mount, target)
    finally:
        os.close(mount)
        os.close(target)


def _target_for(source: int, root: int, destination: str) -> int:
    if stat.S_ISDIR(os.stat(source).st_mode):
        return make_directories_in_root(root, destination)
    return make_file_in_root(root, destination)


def make_file_in_root(root: int, path: str) -> int:
    """An O_PATH descriptor of a file below `root`, made empty where there is none, to be mounted over.

    A link to nowhere gives way to the file: where systemd has made an image's /etc, resolv.conf is one.
    """
    folder, name = os.path.split(path.rstrip("/"))
    parent = make_directories_in_root(root, folder)
    try:
        with suppress(FileExistsError):
            _make_file(name, parent)
        try:
            return open_in_root(root, path, os.O_PATH)
        except FileNotFoundError:
            os.unlink(name, dir_fd=parent)
            _make_file(name, parent)
            return open_in_root(root, path, os.O_PATH)
    finally:
        os.close(parent)


def _make_file(name: str, parent: int) -> None:
    os.close(os.open(name, os.O_CREAT | os.O_WRONLY | os.O_EXCL | os.O_CLOEXEC, 0o644, dir_fd=parent))


def mask(path: str) -> None:
    """Hide a file behind /dev/null or a folder behind an empty one (config-linux.md, "Masked Paths")."""
    try:
        target = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return  # what isn't there needs no mask
    if stat.S_ISDIR(os.fstat(target).st_mode):
        cover = mounts.new_filesystem("tmpfs", "tmpfs", ("mode=755", "size=0"), mounts.MOUNT_ATTR_RDONLY)
    else:
        cover = mounts.open_tree("/dev/null")
    attach_and_close(cover, target)


def make_readonly(path: str) -> None:
    """Make what is at a path, and all mounts below it, read-only (config-linux.md, "Readonly Paths")."""
    try:
        target = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    cover = mounts.open_tree(path, recursive=True)
    mounts.set_attributes(cover, mounts.MOUNT_ATTR_RDONLY, recursive=True)
    attach_and_close(cover, target)
