"""The end of containers: signals, and the removal of what is left."""

from __future__ import annotations

import signal
import time

from engine.errors import BoxdeckError, Conflict, NotFound, RuntimeFailure
from engine.runtime.oci.folder import Folder
from engine.runtime.oci.log import Log
from engine.runtime.oci.record import Record, send_kill, send_signal
from engine.runtime.oci.status import cgroup_of

_DYING_SECONDS = 10.0


def kill(root: str, container_id: str, number: int, everyone: bool) -> None:
    """Send a signal to the first process, or to everybody in the control group.

    Raises:
        NotFound: there is no such container, or it has stopped.
    """
    record = Folder(root, container_id).record()
    if not everyone:
        send_signal(record, number)
    if not everyone and number != signal.SIGKILL:
        return
    cgroup = cgroup_of(record)
    if cgroup is not None and everyone:
        cgroup.signal_all(number)
    if cgroup is not None and number == signal.SIGKILL and cgroup.is_frozen:
        cgroup.thaw()  # who is frozen on v1 dies only then


def delete(root: str, container_id: str, force: bool, log: Log) -> None:
    """Remove what is left of a container; what a ``create`` that was killed has left, too.

    Raises:
        NotFound: it doesn't exist, and `force` isn't given.
        Conflict: it runs, and `force` isn't given. One that was never started is deleted at once: runc does so, and
            its callers count on it.
    """
    try:
        folder = Folder(root, container_id)
        if force:  # before the lock, which a start that hangs in a hook holds
            _end_if_known(folder)
        with folder.locked():
            _delete(folder, force, log)
    except NotFound:
        if not force:
            raise


def _delete(folder: Folder, force: bool, log: Log) -> None:
    record = _record_of(folder, force)
    if record is not None:
        if record.is_alive and record.started and not force:
            raise Conflict(f"container {record.container_id!r} has not stopped", "kill it first, or add --force")
        _end(record)
        if record.has_poststop:
            _run_poststop(folder, record, log)
    folder.remove()


def _run_poststop(folder: Folder, record: Record, log: Log) -> None:
    """A failing hook is warned of; the others run all the same (runtime.md, "Lifecycle")."""
    from engine.runtime import hooks
    from engine.runtime.oci.starting import state_for_hooks

    for hook in folder.spec().hooks.poststop:
        try:
            hooks.run((hook,), state_for_hooks(record, "stopped"), "poststop", record.bundle)
        except BoxdeckError as error:
            log.warn(str(error))


def _record_of(folder: Folder, force: bool) -> Record | None:
    """The record; None where there is none that could be read."""
    try:
        return folder.record()
    except NotFound:
        return None
    except RuntimeFailure:
        if not force:
            raise
        return None


def _end_if_known(folder: Folder) -> None:
    record = _record_of(folder, force=True)
    if record is not None:
        _end(record)


def _end(record: Record) -> None:
    """Kill everybody, and remove the control group."""
    send_kill(record)
    cgroup = cgroup_of(record)
    if cgroup is not None:
        if cgroup.is_frozen:
            cgroup.thaw()
        cgroup.kill()
    if record.scope:
        from engine.cgroups import systemd

        systemd.stop_scope(record.scope)
    if cgroup is not None:
        cgroup.remove()
    _await_end(record)


def _await_end(record: Record) -> None:
    deadline = time.monotonic() + _DYING_SECONDS
    pause = 0.0005
    while record.is_alive:
        if time.monotonic() > deadline:
            raise RuntimeFailure(
                f"the process of container {record.container_id!r} doesn't die", "see what it waits for"
            )
        time.sleep(pause)
        pause = min(pause * 2, 0.02)
