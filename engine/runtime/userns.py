"""User namespaces: id maps, and the throw-away namespace that idmapped mounts are described by."""

from __future__ import annotations

import os
import signal

from engine.linux import clone, namespaces, prctl, trace
from engine.oci.linux_spec import IdMapping, Linux
from engine.oci.process_spec import Process
from engine.oci.runtime_spec import Spec


def write_maps(pid: int, linux: Linux) -> None:
    """Give the user namespace of a process its ids (user_namespaces(7)).

    Raises:
        OSError: EINVAL for overlapping ranges, EPERM when they were written already.
    """
    for name, mappings in (("uid_map", linux.uid_mappings), ("gid_map", linux.gid_mappings)):
        path = f"/proc/{pid}/{name}"
        descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
        try:
            trace.call(os.write, descriptor, _lines(mappings).encode(), path=path)
        finally:
            os.close(descriptor)


def open_mapping(linux: Linux) -> int:
    """A descriptor of a user namespace with these maps and nobody in it, for mount_setattr(2)."""
    parent = os.getpid()
    child = clone.clone(namespaces.CLONE_NEWUSER)
    if child.pid == 0:
        prctl.set_parent_death_signal(signal.SIGKILL)  # it has our descriptors, and with them locks
        if os.getppid() == parent:
            signal.pause()
        os._exit(0)
    try:
        write_maps(child.pid, linux)
        return os.open(f"/proc/{child.pid}/ns/user", os.O_RDONLY | os.O_CLOEXEC)
    finally:
        signal.pidfd_send_signal(child.pidfd, signal.SIGKILL)
        os.waitpid(child.pid, 0)
        os.close(child.pidfd)


def host_id(mappings: tuple[IdMapping, ...], inside: int) -> int | None:
    """What an id of a container is on the host; None for one that it doesn't have."""
    if not mappings:
        return inside
    found = (m for m in mappings if m.container_id <= inside < m.container_id + m.size)
    return next((m.host_id + inside - m.container_id for m in found), None)


def inside_id(mappings: tuple[IdMapping, ...], outside: int) -> int | None:
    """What an id of the host is in a container; None for one that it doesn't have."""
    if not mappings:
        return outside
    found = (m for m in mappings if m.host_id <= outside < m.host_id + m.size)
    return next((m.container_id + outside - m.host_id for m in found), None)


def owner(spec: Spec, process: Process | None) -> int:
    """The user of a process as the host knows it; root for one that isn't mapped."""
    mappings = spec.linux.uid_mappings if spec.linux is not None else ()
    return host_id(mappings, process.user.uid if process is not None else 0) or 0


def _lines(mappings: tuple[IdMapping, ...]) -> str:
    return "".join(f"{m.container_id} {m.host_id} {m.size}\n" for m in mappings)
