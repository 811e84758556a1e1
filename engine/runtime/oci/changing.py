"""Containers that are paused, resumed, or given other limits."""

from __future__ import annotations

from engine.cgroups.manager import Cgroup
from engine.errors import Conflict
from engine.oci.resources_spec import LinuxResources
from engine.runtime.oci.folder import Folder
from engine.runtime.oci.status import not_running, status_of


def pause(root: str, container_id: str) -> None:
    """Stop all processes where they are.

    Raises:
        Conflict: it isn't running.
        Unsupported: they can't be frozen.
    """
    _freezable(root, container_id, ("created", "running")).freeze()


def resume(root: str, container_id: str) -> None:
    """Let the processes of a paused container run on.

    Raises:
        Conflict: it isn't paused.
    """
    _freezable(root, container_id, ("paused",)).thaw()


def _freezable(root: str, container_id: str, states: tuple[str, ...]) -> Cgroup:
    record = Folder(root, container_id).record()
    status = status_of(record)
    if status == "stopped":
        raise not_running(container_id)
    if status not in states:
        raise Conflict(f"container {container_id!r} is {status}", f"this is for one that is {' or '.join(states)}")
    return Cgroup.open(record.cgroups_path)


def update(root: str, container_id: str, resources: LinuxResources) -> None:
    """Change limits.

    Raises:
        BoxdeckError: there is no such container, or a limit can't be had.
    """
    folder = Folder(root, container_id)
    with folder.locked():
        record = folder.record()
        if record.scope:
            from engine.cgroups import systemd

            systemd.update_scope(record.scope, resources)
        Cgroup.open(record.cgroups_path).update(resources)
