"""The mounts of a container: bind sources opened on the host by the shim, everything put in place by init."""

from __future__ import annotations

import errno
import os
import stat

from engine.errors import BoxdeckError, InvalidRequest, RuntimeFailure
from engine.linux import mounts, procfs
from engine.linux.paths import normal, open_in_root
from engine.oci.linux_spec import Linux
from engine.oci.runtime_spec import Mount, Spec
from engine.runtime import cgroup_mount, file_system_mount, foreign_mount, mount_options, mount_targets
from engine.runtime.file_system_mount import FileSystem
from engine.runtime.idmap import map_ids, with_mappings
from engine.runtime.mount_options import MountOptions

Sources = dict[int, int]
"""Descriptors of detached mounts, by the position of what they are for in its list of the spec."""


def is_root(mount: Mount) -> bool:
    """Whether a mount is the root file system itself."""
    return normal(mount.destination) == "/" and not mount_options.parse(mount.options).remount


def is_bind(mount: Mount) -> bool:
    """Whether a mount shows something that exists on the host."""
    options = mount_options.parse(mount.options)
    return (mount.type == "bind" or options.bind) and not options.remount


def open_sources(spec: Spec, bundle: str = "", user_namespace: int | None = None) -> Sources:
    """Detached copies of what bind mounts show; made by the shim, which may look everywhere on the host.

    Args:
        bundle: the folder that relative sources begin in.
        user_namespace: the container's, if it has one of its own; ids are mapped through it.

    Raises:
        RuntimeFailure: a source doesn't exist.
        InvalidRequest, Unsupported: an option that a bind mount can't have, or the source's file system can't do.
    """
    sources, linux = Sources(), spec.linux or Linux()
    try:
        for number, mount in enumerate(spec.mounts):
            if is_bind(mount) and not is_root(mount):
                sources[number] = _open_source(with_mappings(mount, linux), bundle, user_namespace)
    except BaseException:
        for descriptor in sources.values():
            os.close(descriptor)
        raise
    return sources


def _open_source(mount: Mount, bundle: str, user_namespace: int | None) -> int:
    options = mount_options.parse(mount.options)
    mount_options.require_bind_options(options, mount.destination)
    path = os.path.join(bundle, mount.source)
    try:
        if foreign_mount.is_foreign(path):
            source = foreign_mount.open_tree(path, options.recursive)
        else:
            source = mounts.open_tree(path, recursive=options.recursive)
    except OSError as error:
        raise _unmountable(mount, error) from error
    try:
        map_ids(source, mount, options, user_namespace)
        mount_options.apply(source, options, propagation_of_source(options, user_namespace is not None))
    except BaseException as error:
        os.close(source)
        raise _unmountable(mount, error) if isinstance(error, OSError) else error from error
    return source


def _unmountable(mount: Mount, error: OSError) -> RuntimeFailure:
    return RuntimeFailure(
        f"{mount.source or 'a mount without source'} can't be mounted on {mount.destination} "
        f"({os.strerror(error.errno or 0).lower()})",
        "check that it exists on the host",
    )


def propagation_of_source(options: MountOptions, foreign: bool) -> tuple[int, ...]:
    """What to do with the propagation of a bind mount's copy, which begins as a peer of the host's mount.

    Args:
        foreign: whether the container has a user namespace of its own: what it mounts never comes to the host then,
            as the kernel has it for mount namespaces that are copied (mount_namespaces(7), "less privileged").
    """
    wanted = options.propagation
    if any(flags & mounts.MS_SHARED for flags in wanted):
        return (mounts.MS_SLAVE | mounts.MS_REC, *wanted) if foreign else wanted
    if any(flags & mounts.MS_SLAVE for flags in wanted):
        return (mounts.MS_SLAVE | mounts.MS_REC, *wanted)
    rest = tuple(flags for flags in wanted if not flags & mounts.MS_PRIVATE)
    return (mounts.MS_PRIVATE | mounts.MS_REC, *rest)


def make_ahead(spec: Spec) -> Sources:
    """File systems that need nothing of the root: made by init while the shim is still at work on that.

    What fails here is left to `place_all`, which knows other ways, or says why.
    """
    made = Sources()
    linux = spec.linux or Linux()
    for number, mount in enumerate(spec.mounts):
        try:
            source = _make_ahead(mount, linux)
        except OSError:
            continue
        if source is not None:
            made[number] = source
    return made


def early(spec: Spec) -> tuple[FileSystem, ...]:
    """Those that init could make before anybody asks for a container."""
    linux = spec.linux or Linux()
    plain = [(mount, mount_options.parse(mount.options)) for mount in spec.mounts]
    found = [file_system_mount.early(mount, linux, options) for mount, options in plain if _is_plain(mount, options)]
    return tuple(each for each in found if each is not None)


def _is_plain(mount: Mount, options: MountOptions) -> bool:
    return not (options.bind or options.remount or options.propagation or is_root(mount))


def _make_ahead(mount: Mount, linux: Linux) -> int | None:
    options = mount_options.parse(mount.options)
    if not _is_plain(mount, options):
        return None
    if mount.type in ("cgroup", "cgroup2"):
        return cgroup_mount.make_ahead(linux, options)
    return file_system_mount.make_ahead(mount, linux, options)


def place_all(spec: Spec, root: int, sources: Sources) -> None:
    """Put every mount of the spec below `root`, the attached root file system, in the order of the spec.

    To be called before the root is changed: what a user namespace can't mount itself is taken from the host.

    Raises:
        BoxdeckError: an image has a link where none may be, or the kernel refuses a mount; the sentence names it.
    """
    linux = spec.linux or Linux()
    for number, mount in enumerate(spec.mounts):
        if is_root(mount):
            continue
        try:
            _place(mount, linux, root, sources.get(number))
        except OSError as error:
            raise _refused(mount, error) from error
    os.chdir("/")  # file systems are mounted on the working directory


def _refused(mount: Mount, error: OSError) -> BoxdeckError:
    kind = mount.type or "bind"
    reason = error.strerror or ""
    if error.errno in (errno.EOVERFLOW, errno.EACCES):
        remedy = "see whether the root file system's folders belong to ids that the container has"
        return RuntimeFailure(f"{kind} can't be mounted on {mount.destination} ({reason})", remedy)
    return RuntimeFailure(f"{kind} can't be mounted on {mount.destination} ({reason})")


def _place(mount: Mount, linux: Linux, root: int, source: int | None) -> None:
    destination = normal(mount.destination)
    options = mount_options.parse(mount.options)
    if destination == "/proc" and not options.remount:
        _require_procfs(mount, source if is_bind(mount) else None)
    if source is not None:
        _place_source(source, root, destination)
    elif options.remount:
        _remount(root, destination, options)
    elif mount.type in ("cgroup", "cgroup2"):
        cgroup_mount.place(linux, options, mount_targets.folder(root, destination))
    elif mount.type in ("", "none"):
        raise InvalidRequest(f"the mount on {mount.destination} has no type", 'give it one, such as "bind" or "tmpfs"')
    else:
        file_system_mount.place(mount, linux, root, options)


def _require_procfs(mount: Mount, source: int | None) -> None:
    """On /proc nothing but a procfs may be: all that keeps a container in, from labels to masks, is told by it."""
    if mount.type != "proc" if source is None else not procfs.is_top(source):
        raise InvalidRequest(
            f"{mount.source or mount.type} can't be mounted on /proc: it is no procfs", "choose a folder elsewhere"
        )


def _place_source(source: int, root: int, destination: str) -> None:
    is_folder = stat.S_ISDIR(os.fstat(source).st_mode)
    target = (mount_targets.folder if is_folder else mount_targets.file)(root, destination)
    attach_and_close(source, target)


def _remount(root: int, destination: str, options: MountOptions) -> None:
    """Change what is mounted: the mount's own attributes, and without ``bind`` the file system's options as well."""
    target = open_in_root(root, destination, os.O_PATH)
    try:
        if options.data and not options.bind:
            mounts.reconfigure(target, options.data)
        mount_options.apply(target, options, options.propagation)
    finally:
        os.close(target)


def attach_and_close(mount: int, target: int) -> None:
    """Put a detached mount in place and close both descriptors."""
    try:
        mounts.attach(mount, target)
    finally:
        os.close(mount)
        os.close(target)
