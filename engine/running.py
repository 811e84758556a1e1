"""Which containers run, for those who ask again and again: what hasn't changed isn't read a second time."""

from __future__ import annotations

import os
import time
from collections.abc import Collection

from engine.model import Container
from engine.paths import Paths
from engine.records import Records
from engine.recovery import Recovery
from engine.runtime import status
from engine.shim_watch import ShimWatch
from engine.store.database import Database

_COMMIT_NS = 3_000_000_000  # a commit writes to the log first, and shows when that has reached the disk
_ASK_EVERY = 10  # looks
_FEW = 8  # containers; the store is asked for more of them all at once
_COARSE_NS = 50_000_000  # a file's time stands still for a clock tick, 10 ms at most: what is as new may change yet


class Running:
    """The running containers of a root.

    A look without news costs two system calls, however many containers there are: the store's write-ahead log has
    another time when any engine wrote to it, which each does before it starts a shim, and a shim's pidfd tells when it
    has gone. What isn't settled, such as a start, is looked at every time.

    Args:
        paths: of the root.
        database: the engine's connection, which counts its own changes.
        records: the table of containers.
        recovery: takes over what shims say.

    Attributes:
        containers: as they were at the last look, newest first.
    """

    def __init__(self, paths: Paths, database: Database, records: Records, recovery: Recovery) -> None:
        self.containers: tuple[Container, ...] = ()
        self._paths = paths
        self._database = database
        self._records = records
        self._recovery = recovery
        self._folder = str(paths.runroot / "containers")
        self._folder_ns = 0
        self._log = f"{paths.database}-wal"
        self._log_ns = 0
        self._looks = 0
        self._version: tuple[int, int] | None = None
        self._rows: dict[str, tuple[bytes, Container]] = {}
        self._unsettled: set[str] = set()
        self._shims = ShimWatch()

    def look(self, doubtful: Collection[str] = ()) -> set[str]:
        """Bring `containers` up to date.

        Args:
            doubtful: ids of those that the caller found nothing of any more.

        Returns:
            The ids of those that were looked at and don't run, whose end may have to be followed up.
        """
        pending = self._unsettled.union(doubtful, self._shims.gone())
        over: set[str] = set()
        while True:
            if self._may_be_written():
                pending.update(self._new())
                if self._version != (version := self._database.version()):
                    self._version = version
                    pending.update(self._changed())
            if not pending:
                return over
            over.update(self._taken_over(pending))
            pending = set()

    def close(self) -> None:
        """Close all descriptors."""
        self._shims.close()

    def _may_be_written(self) -> bool:
        """Whether somebody may have written to the store since the last look; SQLite itself takes longer to say so."""
        self._looks += 1
        try:
            changed_ns = os.stat(self._log).st_mtime_ns
        except FileNotFoundError:
            return True
        is_as_before = changed_ns == self._log_ns and time.time_ns() - changed_ns > _COMMIT_NS
        self._log_ns = changed_ns
        return not is_as_before or self._looks % _ASK_EVERY == 0

    def _new(self) -> set[str]:
        """Whose run-time folder has come since the last look."""
        try:
            changed_ns = os.stat(self._folder).st_mtime_ns
        except FileNotFoundError:
            return set()
        if changed_ns == self._folder_ns:
            return set()
        self._folder_ns = 0 if abs(time.time_ns() - changed_ns) < _COARSE_NS else changed_ns
        return {container_id for container_id in os.listdir(self._folder) if container_id not in self._shims}

    def _changed(self) -> list[str]:
        """Read the store, and tell which containers run otherwise than it said before."""
        rows = self._records.running_rows(self._rows)
        changed = [container_id for container_id, row in rows.items() if row is not self._rows.get(container_id)]
        self._rows = rows
        found = (container for _, container in rows.values())
        self.containers = tuple(sorted(found, key=lambda container: container.created_unix_ns, reverse=True))
        return changed

    def _taken_over(self, ids: set[str]) -> set[str]:
        """Take over what the shims of containers say; the ids of those that have none."""
        known = self._recovery.known(ids) if len(ids) > _FEW else {}
        for container_id, found in known.items():
            self._shims.discard(container_id)
            self._unsettled.discard(container_id)
            if not self._shims.add(found):
                self._unsettled.add(container_id)
        return {container_id for container_id in ids if container_id not in known and not self._take_over(container_id)}

    def _take_over(self, container_id: str) -> bool:
        """Write down what a container's shim says, and watch it; False when there is none."""
        self._shims.discard(container_id)
        self._unsettled.discard(container_id)
        if not self._recovery.refresh_one(container_id):
            if container_id in self._rows:
                self._recovery.refresh()  # the store says that it runs
            return False
        found = status.read(self._paths.status(container_id))
        if found is None or found.is_final:
            return False
        if found.state != "running" or not self._shims.add(found):
            self._unsettled.add(container_id)
        return True
