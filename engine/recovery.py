"""What a killed shim, engine or machine left behind, found and cleaned up by whoever comes next."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from msgspec.structs import replace

from engine.cgroups import delegation, incident_counts
from engine.cgroups.manager import Cgroup, list_children
from engine.errors import BoxdeckError, NotFound
from engine.images.removal import discard_tree
from engine.incidents import Incidents
from engine.locks import ContainerLock
from engine.model import Container, State
from engine.network import withdrawal
from engine.paths import STATUS, Paths, names_in
from engine.ports import Ports
from engine.records import Records, folded
from engine.restarts import Restarts
from engine.runtime.status import Status, read, shim_is_alive
from engine.shim_end import kill_shim
from engine.standstill import Standstill

SHIM_KILLED_STATUS = 137
UNKNOWN_STATUS = 255
_SHIM_KILLED = "its shim was killed"
_NO_SHIM = "its shim has gone, as after a restart of the machine"


class Recovery:
    """Folds what shims say into the store, and speaks for those that can't speak any more."""

    def __init__(self, paths: Paths, records: Records, ports: Ports, restarts: Restarts) -> None:
        self._paths = paths
        self._records = records
        self._ports = ports
        self._restarts = restarts

    def refresh(self) -> set[str]:
        """Bring the store up to date with every shim; cheap enough to call before each answer.

        Returns:
            The ids of the containers that run as the store has it now, and have a living shim.
        """
        ids = names_in(self._paths.runroot / "containers")
        settled = set(self.known(ids))
        seen = settled | {each for each in ids if each not in settled and self.refresh_one(each)}
        for container_id in self._records.running_ids():
            if container_id not in seen and (container := self._records.get(container_id)) is not None:
                self.bury(container)
        return settled

    def known(self, ids: Iterable[str]) -> dict[str, Status]:
        """What living shims say that is in the store already, by the ids of their containers; asked for all at once."""
        folder = str(self._paths.runroot / "containers")
        found = (read(f"{folder}/{container_id}/{STATUS}") for container_id in ids)
        living = {each.container_id: each for each in found if each is not None and _has_a_future(each)}
        settled = self._records.unchanged(living.values())
        return {container_id: each for container_id, each in living.items() if container_id in settled}

    def refresh_one(self, container_id: str) -> bool:
        """Fold one status file; False when there is none to speak for the container."""
        status = read(self._paths.status(container_id))
        if status is None:
            self._forget_unwritten(container_id)
            return False
        if not status.is_final and self._records.get(container_id) is None:
            self._lay(status)
            return True
        if not status.is_final and not _has_a_future(status):
            status = self._speak_for(status)
            if status is None:
                return True  # somebody else is at it
        self._records.fold(status)
        if status.is_final:
            self._forget_runtime(status)
        return True

    def look(self, container: Container) -> Container:
        """A container as its shim describes it, which nobody writes down yet."""
        now = self._records.get(container.id) or container
        status = read(self._paths.status(container.id))
        return now if status is None else folded(now, status)

    def _forget_unwritten(self, container_id: str) -> None:
        """Remove the folder of a shim that was killed before its first word; a living one's engine holds the lock."""
        if not os.path.exists(self._paths.runtime(container_id)) and not self._ports.has_any(container_id):
            return  # as nearly always: whoever starts a container looks here first
        with ContainerLock(self._paths, container_id).attempt() as locked:
            if not locked or read(self._paths.status(container_id)) is not None:
                return
            if self._paths.status(container_id).exists():  # damaged, or written by another version
                from engine.shims import listens

                if listens(self._paths.runtime(container_id)):
                    return
                self._kill_cgroup(container_id)
            self._ports.close(container_id)
            discard_tree(self._paths.runtime(container_id))

    def _speak_for(self, status: Status) -> Status | None:
        """The status that a shim can't write any more, once nothing of its container runs any more.

        A shim that waits for a start while nobody holds the container's lock waits for an engine that was killed.
        """
        with ContainerLock(self._paths, status.container_id).attempt() as locked:
            if not locked or read(self._paths.status(status.container_id)) != status:
                return None
            kill_shim(status.shim_pid, lambda: shim_is_alive(status))
            incidents = incident_counts.count(self._paths.cgroup_path(status.container_id), status.incidents)
            self._kill_cgroup(status.container_id)
        return self._restarts.spoken_for(_ended(status, incidents))

    def _lay(self, status: Status) -> None:
        """End a shim of a container that has been removed."""
        with ContainerLock(self._paths, status.container_id).attempt() as locked:
            if locked and self._records.get(status.container_id) is None:
                kill_shim(status.shim_pid, lambda: shim_is_alive(status))
                self._kill_cgroup(status.container_id)
                self._remove_runtime(status.container_id)

    def _forget_runtime(self, status: Status) -> None:
        """Remove the run-time folder, unless a new start has already taken it over."""
        with ContainerLock(self._paths, status.container_id).attempt() as locked:
            now = read(self._paths.status(status.container_id))
            if locked and now is not None and now.generation == status.generation:
                is_due = withdrawal.is_due(str(self._paths.runtime(status.container_id)))
                self._ports.close(status.container_id, is_withdrawn=not is_due)
                self._remove_runtime(status.container_id)

    def _remove_runtime(self, container_id: str) -> None:
        folder = self._paths.runtime(container_id)
        try:
            os.unlink(self._paths.status(container_id))
            os.rmdir(folder)
        except OSError:  # there is more in it than a shim leaves
            discard_tree(folder)

    def bury(self, container: Container) -> None:
        """Write down that a container has ended of which nobody says anything, unless somebody is at it."""
        with ContainerLock(self._paths, container.id).attempt() as locked:
            now = self._records.get(container.id)
            if not locked or now is None or not now.is_running or self._paths.status(container.id).exists():
                return
            self._ports.close(container.id)
            self._records.change(container.id, _buried, "die", str(UNKNOWN_STATUS))

    def clean_up(self) -> None:
        """Once per engine: cgroups and folders that belong to no container any more."""
        living = self.refresh()
        known = {container.id for container in self._records.all()}
        for container_id in set(self.cgroup_children()) - living:
            with suppress(BoxdeckError):  # somebody in it doesn't die; `system check` tells of it
                self.reap_cgroup(container_id)
        for folder in self._orphans(known):
            with ContainerLock(self._paths, folder.name).attempt() as locked:
                if locked and self._records.get(folder.name) is None:
                    discard_tree(folder)
        Standstill(self._paths, self._records).settle_all()
        self._sweep_files(known)
        self._settle_ports()

    def _settle_ports(self) -> None:
        """Ports of containers that have ended, and those that somebody was killed over."""
        for container_id in self._ports.owners():
            with ContainerLock(self._paths, container_id).attempt() as locked:
                if locked:
                    with suppress(BoxdeckError):  # one of them mustn't keep everybody from everything
                        self._ports.settle(container_id)

    def _sweep_files(self, known: set[str]) -> None:
        """Histories and locks of containers that whoever was killed couldn't remove any more."""
        for container_id in self._unknown(names_in(self._paths.histories), known):
            self._paths.history(container_id).unlink(missing_ok=True)
        for container_id in self._unknown(names_in(self._paths.runroot / "locks"), known):
            with ContainerLock(self._paths, container_id).attempt():
                continue  # whoever lets go of it removes it

    def _unknown(self, ids: Iterable[str], known: set[str]) -> list[str]:
        """Those that aren't known, nor have come since."""
        return [each for each in ids if each not in known and self._records.get(each) is None]

    def _orphans(self, known: set[str]) -> list[Path]:
        parent = self._paths.root / "containers"
        if not parent.is_dir():
            return []
        return [folder for folder in parent.iterdir() if folder.name not in known]

    def reap_cgroup(self, container_id: str) -> None:
        """Remove a cgroup whose shim has gone; a shim writes its status before it makes the cgroup."""
        status = read(self._paths.status(container_id))
        if status is None or not shim_is_alive(status):
            with ContainerLock(self._paths, container_id).attempt() as locked:
                if locked and not self.shim_lives(container_id):
                    self._kill_cgroup(container_id)

    def shim_lives(self, container_id: str) -> bool:
        """Whether somebody keeps the container."""
        status = read(self._paths.status(container_id))
        return status is not None and shim_is_alive(status)

    def cgroup_children(self) -> list[str]:
        """The ids of the containers that have a cgroup, dead or alive."""
        return [name for name in list_children(self._paths.cgroup_name) if name != delegation.MONITORS]

    def _kill_cgroup(self, container_id: str) -> None:
        try:
            cgroup = Cgroup.open(self._paths.cgroup_path(container_id))
        except NotFound:
            return
        cgroup.kill()
        cgroup.remove()


def _buried(container: Container) -> Container | None:
    """A container with the end of which nobody has told, unless somebody has meanwhile."""
    if not container.is_running:
        return None
    return replace(
        container, state=State.EXITED, pid=None, exit_status=UNKNOWN_STATUS, finished_unix_ns=time.time_ns(),
        error=_NO_SHIM,
    )  # fmt: skip


def _ended(status: Status, incidents: Incidents) -> Status:
    """What a killed shim would have said of its container's end."""
    return Status(
        container_id=status.container_id,
        generation=status.generation,
        boot_id=status.boot_id,
        shim_pid=status.shim_pid,
        shim_start_ticks=status.shim_start_ticks,
        state="exited" if status.started_unix_ns else "failed",
        started_unix_ns=status.started_unix_ns,
        finished_unix_ns=time.time_ns(),
        exit_status=SHIM_KILLED_STATUS if status.started_unix_ns else None,
        error=_SHIM_KILLED,
        incidents=incidents,
        restart=status.restart,
    )


def _has_a_future(status: Status) -> bool:
    return status.state == "running" and shim_is_alive(status)
