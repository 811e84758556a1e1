"""User namespaces: id maps, and the throw-away namespace that idmapped mounts are described by."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from engine.linux import clone, namespaces
from engine.oci.runtime_spec import IdMapping, Linux


def write_maps(pid: int, linux: Linux) -> None:
    """Give the user namespace of a process its ids (user_namespaces(7)).

    Raises:
        OSError: EINVAL for overlapping ranges, EPERM when they were written already.
    """
    Path(f"/proc/{pid}/uid_map").write_text(_lines(linux.uid_mappings))
    Path(f"/proc/{pid}/gid_map").write_text(_lines(linux.gid_mappings))


def open_mapping(linux: Linux) -> int:
    """A descriptor of a user namespace with these maps and nobody in it, for mount_setattr(2)."""
    child = clone.clone(namespaces.CLONE_NEWUSER)
    if child.pid == 0:
        signal.pause()
        os._exit(0)
    try:
        write_maps(child.pid, linux)
        return os.open(f"/proc/{child.pid}/ns/user", os.O_RDONLY | os.O_CLOEXEC)
    finally:
        signal.pidfd_send_signal(child.pidfd, signal.SIGKILL)
        os.waitpid(child.pid, 0)
        os.close(child.pidfd)


def _lines(mappings: tuple[IdMapping, ...]) -> str:
    return "".join(f"{m.container_id} {m.host_id} {m.size}\n" for m in mappings)
