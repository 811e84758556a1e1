"""What containers are doing, as ``state`` and ``list`` tell it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.errors import BoxdeckError, NotFound
from engine.runtime.oci import folder as folders
from engine.runtime.oci.folder import Folder
from engine.runtime.oci.record import Record, Report, stamp

if TYPE_CHECKING:
    from engine.cgroups.manager import Cgroup


def report(root: str, container_id: str) -> Report:
    """The state of one container.

    Raises:
        NotFound: it doesn't exist.
    """
    folder = Folder(root, container_id)
    record = folder.record()
    status = status_of(record)
    return Report(
        id=record.container_id,
        pid=record.pid if status != "stopped" else 0,
        status=status,
        bundle=record.bundle,
        rootfs=record.rootfs,
        created=stamp(record.created_unix_ns),
        owner=_name_of(folder.owner),
        annotations=record.annotations,
    )


def reports(root: str) -> list[Report]:
    """The states of all; one that is half made, or deleted meanwhile, is left out."""
    found = []
    for name in folders.names(root):
        try:
            found.append(report(root, name))
        except (BoxdeckError, FileNotFoundError):
            continue
    return found


def status_of(record: Record) -> str:
    """One of ``created``, ``running``, ``paused`` (which a created one can be, too) and ``stopped``."""
    if not record.is_alive:
        return "stopped"
    cgroup = cgroup_of(record)
    if cgroup is not None and cgroup.is_frozen:
        return "paused"
    return "running" if record.started else "created"


def cgroup_of(record: Record) -> Cgroup | None:
    """The control group of a container; None when it is gone."""
    from engine.cgroups.manager import Cgroup

    try:
        return Cgroup.open(record.cgroups_path) if record.cgroups_path else None
    except NotFound:
        return None


def running_cgroup(root: str, container_id: str) -> Cgroup:
    """The control group of a container that has processes.

    Raises:
        NotFound: there is no such container, or it has stopped.
    """
    record = Folder(root, container_id).record()
    cgroup = cgroup_of(record)
    if cgroup is None or not record.is_alive:
        raise not_running(container_id)
    return cgroup


def not_running(container_id: str) -> NotFound:
    """The failure by whose words callers know that a container has ended."""
    return NotFound(f"container not running: {container_id!r} has stopped", "delete it")


def _name_of(uid: int) -> str:
    import pwd

    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
