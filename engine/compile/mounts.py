"""The mounts of a container: root file system, what every program expects, and what the request adds."""

from __future__ import annotations

import os.path

from engine.compile.namespaces import JOINED, target
from engine.compile.placement import Placement
from engine.errors import InvalidRequest
from engine.model import ContainerRequest
from engine.oci.runtime_spec import Mount
from engine.options import BindMount, TmpfsMount
from engine.runtime.overlay import escaped

SHM_SIZE_BYTES = 64 << 20
_QUIET = ("nosuid", "noexec", "nodev")
_TTY_GROUP = 5
_OPPOSITES = {"exec": "noexec", "suid": "nosuid", "dev": "nodev"}


def mounts(request: ContainerRequest, placement: Placement) -> tuple[Mount, ...]:
    """All mounts, in the order in which they are made; what the request says of a place wins over our own.

    What is further up in the tree comes first, so that none hides another that was asked for.
    Files of /etc come after what is mounted on /etc itself, as with docker: names are found there, too.

    Raises:
        InvalidRequest: a destination that can't be, or two for one place.
    """
    wanted = _requested(request, placement)
    taken = {mount.destination for mount in wanted}
    ours = (mount for mount in _standard(request, placement) if mount.destination not in taken)
    files = (mount for mount in _etc_files(placement) if mount.destination not in taken)
    return (_overlay(request, placement), *ours, *sorted((*files, *wanted), key=_depth))


def _standard(request: ContainerRequest, placement: Placement) -> tuple[Mount, ...]:
    return (
        _proc(request, placement),
        _mount("/dev", "tmpfs", "nosuid", "strictatime", "mode=755", "size=65536k"),
        _devpts(placement),
        _sysfs(request, placement),
        _cgroup(request, placement),
        *_mqueue(request, placement),
        *_shm(request),
    )


def _etc_files(placement: Placement) -> tuple[Mount, ...]:
    return tuple(
        Mount(destination=f"/etc/{name}", type="bind", source=source, options=("rbind", "rprivate"))
        for name, source in placement.files.items()
    )


def _overlay(request: ContainerRequest, placement: Placement) -> Mount:
    """The root file system; only a privileged container can open device nodes that it finds or makes there."""
    lowers = ":".join(escaped(layer) for layer in placement.layers)
    options = [f"lowerdir={lowers}", f"upperdir={placement.upper}", f"workdir={placement.work}"]
    if request.security.privileged:
        options.append("dev")
    return Mount(destination="/", type="overlay", source="overlay", options=tuple(options))


# A file system that shows a namespace can only be mounted by those who own the namespace (proc(5), sysfs, mqueue). With
# a user namespace of its own a container doesn't own the host's, so that it gets the host's mount instead.


def _proc(request: ContainerRequest, placement: Placement) -> Mount:
    if request.pid == "host" and placement.ids.own_user_namespace:
        return _hosts("/proc", *_QUIET)
    return _mount("/proc", "proc", *_QUIET)


def _sysfs(request: ContainerRequest, placement: Placement) -> Mount:
    access = () if request.security.privileged else ("ro",)
    if request.network == "host" and placement.ids.own_user_namespace:
        return _hosts("/sys", "rro", *_QUIET)
    return _mount("/sys", "sysfs", *_QUIET, *access)


def _cgroup(request: ContainerRequest, placement: Placement) -> Mount:
    access = () if request.security.privileged else ("ro",)
    if request.cgroupns == "host" and placement.ids.own_user_namespace:
        return _hosts("/sys/fs/cgroup", "rro", *_QUIET)
    return _mount("/sys/fs/cgroup", "cgroup", *_QUIET, "relatime", *access)


def _mqueue(request: ContainerRequest, placement: Placement) -> tuple[Mount, ...]:
    if request.ipc == "host" and placement.ids.own_user_namespace:
        return (_hosts("/dev/mqueue", *_QUIET),) if os.path.ismount("/dev/mqueue") else ()
    return (_mount("/dev/mqueue", "mqueue", *_QUIET),)


def _shm(request: ContainerRequest) -> tuple[Mount, ...]:
    if request.ipc == "none":
        return ()
    if request.ipc == "host":
        return (_hosts("/dev/shm", *_QUIET),)
    if other := target(request.ipc):
        source = f"{JOINED}{other}/root/dev/shm"
        return (Mount(destination="/dev/shm", type="bind", source=source, options=("bind", "rprivate", *_QUIET)),)
    size = SHM_SIZE_BYTES if request.shm_size_bytes is None else request.shm_size_bytes
    return (_mount("/dev/shm", "tmpfs", *_QUIET, "mode=1777", f"size={size // 1024}k"),)


def _devpts(placement: Placement) -> Mount:
    options = ("nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620")
    return _mount("/dev/pts", "devpts", *options, *((f"gid={_TTY_GROUP}",) if _has_gid(placement, _TTY_GROUP) else ()))


def _has_gid(placement: Placement, gid: int) -> bool:
    maps = placement.ids.gid_mappings
    return not maps or any(m.container_id <= gid < m.container_id + m.size for m in maps)


def _mount(destination: str, kind: str, *options: str) -> Mount:
    return Mount(destination=destination, type=kind, source=kind, options=options)


def _hosts(path: str, *options: str) -> Mount:
    return Mount(destination=path, type="bind", source=path, options=("rbind", "rprivate", *options))


# What the request adds


def _requested(request: ContainerRequest, placement: Placement) -> tuple[Mount, ...]:
    """Binds and file systems in memory."""
    found = [_bind(bind, placement) for bind in request.binds] + [_tmpfs(tmpfs) for tmpfs in request.tmpfs]
    seen: set[str] = set()
    for mount in found:
        if mount.destination in seen:
            raise InvalidRequest(f"two mounts are to be on {mount.destination}", "leave one out")
        seen.add(mount.destination)
    return tuple(found)


def _depth(mount: Mount) -> int:
    return mount.destination.count("/")


def _bind(bind: BindMount, placement: Placement) -> Mount:
    if not os.path.isabs(bind.source):
        raise InvalidRequest(f"the source {bind.source!r} is not an absolute path", "start it with a slash")
    if not os.path.exists(bind.source):
        raise InvalidRequest(f"there is no {bind.source} on this machine to be mounted", "make it first")
    options = ["rbind" if bind.recursive else "bind", bind.propagation, *bind.flags]
    if bind.read_only:
        options.append("rro" if bind.recursive and not bind.writable_below else "ro")
    if idmap := placement.ids.idmap.get(bind.source):
        options.append(idmap)
    return Mount(destination=_destination(bind.destination), type="bind", source=bind.source, options=tuple(options))


def _tmpfs(tmpfs: TmpfsMount) -> Mount:
    refused = {_OPPOSITES.get(option) for option in tmpfs.options}
    options = (*(option for option in _QUIET if option not in refused), *tmpfs.options)
    return _mount(_destination(tmpfs.destination), "tmpfs", *dict.fromkeys(options))


def _destination(path: str) -> str:
    normal = os.path.normpath(path)
    if not os.path.isabs(normal):
        raise InvalidRequest(f"the destination {path!r} is not an absolute path", "start it with a slash")
    if normal.strip("/") == "":
        raise InvalidRequest("nothing can be mounted on / of a container", "choose a folder below it")
    return "/" + normal.lstrip("/")
