"""Containers in the store: rows inserted, found, changed; what shims say folded in. No process is touched here."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Collection, Mapping

import msgspec
from msgspec.structs import replace

from engine.errors import Conflict, InvalidRequest, NotFound
from engine.incident_events import Telling, latest, tellings
from engine.incidents import Incidents
from engine.model import Container, State
from engine.runtime.status import Status
from engine.store.database import Database

_SHORTEST_PREFIX = 1


class Records:
    """The table of containers."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def insert(self, container: Container) -> None:
        """Add a container; call it in a transaction.

        Raises:
            Conflict: its name is in use.
        """
        try:
            self._database.execute(
                "INSERT INTO containers (id, name, image_id, state, record) VALUES (?, ?, ?, ?, ?)",
                (container.id, container.name, container.image_id, container.state.value, _encode(container)),
            )
        except sqlite3.IntegrityError as error:
            raise _taken(container.name) from error
        self._tell(container, Telling("create"))

    def all(self) -> list[Container]:
        """Every container, newest first."""
        containers = [_decode(row[0]) for row in self._database.rows("SELECT record FROM containers")]
        return sorted(containers, key=lambda container: container.created_unix_ns, reverse=True)

    def running(self) -> list[Container]:
        """Every container that has a process, as far as the store knows."""
        query = "SELECT record FROM containers WHERE state IN (?, ?)"
        return [_decode(row[0]) for row in self._database.rows(query, (State.RUNNING.value, State.PAUSED.value))]

    def running_ids(self) -> list[str]:
        """The ids of `running`."""
        query = "SELECT id FROM containers WHERE state IN (?, ?)"
        return [row[0] for row in self._database.rows(query, (State.RUNNING.value, State.PAUSED.value))]

    def unchanged(self, statuses: Collection[Status]) -> set[str]:
        """The ids of those whose words are in the store already, asked for all at once."""
        if not statuses:
            return set()
        rows = self._database.rows("SELECT id, generation, record FROM containers")
        known = {container_id: (generation, record) for container_id, generation, record in rows}
        return {each.container_id for each in statuses if _is_as_known(each, known.get(each.container_id))}

    def running_rows(self, known: Mapping[str, tuple[bytes, Container]]) -> dict[str, tuple[bytes, Container]]:
        """As `running`, by id, with what they were decoded from; those of `known` that haven't changed are kept."""
        query = "SELECT id, record FROM containers WHERE state IN (?, ?)"
        found: dict[str, tuple[bytes, Container]] = {}
        for container_id, record in self._database.rows(query, (State.RUNNING.value, State.PAUSED.value)):
            row = known.get(container_id)
            found[container_id] = row if row and row[0] == record else (record, _decode(record))
        return found

    def get(self, container_id: str) -> Container | None:
        """A container by its full id."""
        row = self._database.row("SELECT record FROM containers WHERE id = ?", (container_id,))
        return _decode(row[0]) if row else None

    def find(self, reference: str) -> Container:
        """A container by name, id, or a prefix of the id that only one has.

        Raises:
            NotFound: none goes by it.
            InvalidRequest: several do.
        """
        row = self._database.row("SELECT record FROM containers WHERE id = ?1 OR name = ?1", (reference,))
        if row is not None:
            return _decode(row[0])
        rows = self._database.rows(
            "SELECT record FROM containers WHERE substr(id, 1, ?) = ? LIMIT 2", (len(reference), reference)
        )
        if len(rows) > 1 and len(reference) >= _SHORTEST_PREFIX:
            raise InvalidRequest(f"several containers' ids begin with {reference!r}", "give more digits")
        if not rows or not reference:
            raise NotFound(f"there is no container {reference!r}", "see all with: boxdeck ps -a")
        return _decode(rows[0][0])

    def next_generation(self, container_id: str) -> int:
        """Count a start; what shims of earlier ones say is ignored from now on."""
        with self._database.transaction(durable=False):
            row = self._database.row(
                "UPDATE containers SET generation = generation + 1 WHERE id = ? RETURNING generation", (container_id,)
            )
        if row is None:
            raise NotFound("the container has just been removed")
        return int(row[0])

    def fold(self, status: Status) -> Container | None:
        """Take over what a shim says, if it is news about the current start, with the event that tells of it.

        Returns:
            The container as it is now; None when it isn't in the store.
        """
        known, is_news = self._compared(status)
        if not is_news:
            return known
        with self._database.transaction(durable=False):
            row = self._database.row("SELECT record, generation FROM containers WHERE id = ?", (status.container_id,))
            if row is None:
                return None
            before = _decode(row[0])
            after = folded(before, status)
            if status.generation != row[1] or after == before:
                return before
            self.update(after)
            self._record_changes(before, after)
            return after

    def _compared(self, status: Status) -> tuple[Container | None, bool]:
        """A container, and whether a status changes anything, asked without the lock that writers wait for."""
        row = self._database.row("SELECT record, generation FROM containers WHERE id = ?", (status.container_id,))
        if row is None:
            return None, False
        known = _decode(row[0])
        return known, status.generation == row[1] and folded(known, status) != known

    def change(
        self, container_id: str, change: Callable[[Container], Container | None], action: str, detail: str = ""
    ) -> Container | None:
        """Change a record as it is at that moment, and tell of it.

        What a shim has said, or another engine has changed, since somebody looked at the container stays.

        Args:
            change: the record that takes the place of one; None leaves it, and nothing is told.

        Returns:
            The container as it is now; None when it isn't in the store any more.
        """
        with self._database.transaction():
            before = self.get(container_id)
            after = change(before) if before is not None else None
            if after is None:
                return before
            self.update(after)
            self._tell(after, Telling(action, detail))
            return after

    def rename(self, container_id: str, name: str) -> Container:
        """Give a container another name, and tell of it with the old one.

        Raises:
            NotFound: it has just been removed.
            Conflict: the name is in use.
        """
        with self._database.transaction():
            before = self.get(container_id)
            if before is None:
                raise NotFound("the container has just been removed")
            after = replace(before, name=name)
            try:
                self.update(after)
            except sqlite3.IntegrityError as error:
                raise _taken(name) from error
            self._tell(after, Telling("rename", before.name))
            return after

    def begin_removal(self, container_id: str) -> None:
        """Write down that a container's files are going; what may be gone mustn't be started after a power cut."""
        with self._database.transaction():
            if (container := self.get(container_id)) is not None:
                self.update(replace(container, state=State.REMOVING, restart=None, error=""))

    def fail_removal(self, container_id: str, cause: str) -> None:
        """Write down that a container's files couldn't all be removed, and tell of it."""
        self.change(container_id, lambda now: replace(now, state=State.DEAD, error=cause), "dead", cause)

    def delete(self, container: Container) -> None:
        """Forget a container whose removal has begun; its leases and id range go with it."""
        with self._database.transaction(durable=False):  # after a power cut it is being removed again
            if self._database.execute("DELETE FROM containers WHERE id = ?", (container.id,)):
                self._tell(container, Telling("destroy"))

    def record_event(self, container: Container, action: str, detail: str = "") -> None:
        """Tell of something that changes no record, such as a signal that was sent."""
        with self._database.transaction():
            self._tell(container, Telling(action, detail))

    def update(self, container: Container) -> None:
        """Replace a record inside the caller's transaction, without an event."""
        self._database.execute(
            "UPDATE containers SET name = ?, state = ?, record = ? WHERE id = ?",
            (container.name, container.state.value, _encode(container), container.id),
        )

    def _record_changes(self, before: Container, after: Container) -> None:
        started = after.started_unix_ns is not None and after.started_unix_ns != before.started_unix_ns
        if started:
            self._tell(after, Telling("start", "", 0, after.started_unix_ns or 0))
        for telling in tellings(Incidents() if started else before.incidents, after.incidents):
            self._tell(after, telling)
        if after.health is not None and (before.health is None or started or before.health.state != after.health.state):
            self._tell(after, Telling("health_status", after.health.state, 0, time.time_ns()))
        over = (State.EXITED, State.RESTARTING)
        if after.state in over and (started or before.state not in over):
            self._tell(after, Telling("die", str(after.exit_status), 0, after.finished_unix_ns or 0))

    def _tell(self, container: Container, telling: Telling) -> None:
        attributes = {**container.request.labels, "image": container.request.image}
        self._database.record_event(
            "container", telling.action, container.id, container.name, *telling[1:], attributes=attributes
        )


def folded(container: Container, status: Status) -> Container:
    """The container as its shim describes it in its present start; one that failed leaves it as it was but for that."""
    if not container.is_whole:
        return container
    same_start = container.started_unix_ns == status.started_unix_ns
    incidents = latest(container.incidents, status.incidents) if same_start else status.incidents
    if same_start and container.state in (State.EXITED, State.RESTARTING):
        return container  # its end is known, and perhaps what somebody wants of it since
    if status.state == "running":
        is_paused = container.state is State.PAUSED and same_start  # of which shims know nothing
        state = State.PAUSED if is_paused else State.RUNNING
        return replace(
            container, state=state, pid=status.pid, started_unix_ns=status.started_unix_ns,
            finished_unix_ns=None, exit_status=None, oom_killed=False, error="", incidents=incidents,
            restart=status.restart, automatic_restarts=_count(status),
            was_stopped=(container.was_stopped and same_start) or status.was_stopped, health=status.health,
        )  # fmt: skip
    if status.state == "exited":
        return replace(
            container, state=State.EXITED if status.next_restart is None else State.RESTARTING, pid=None,
            started_unix_ns=status.started_unix_ns, restart=status.next_restart, automatic_restarts=_count(status),
            was_stopped=(container.was_stopped and same_start) or status.was_stopped, health=status.health,
            finished_unix_ns=status.finished_unix_ns, exit_status=status.exit_status,
            oom_killed=status.oom_killed, error=status.error, incidents=incidents,
        )  # fmt: skip
    if status.state == "failed":
        state = State.CREATED if container.started_unix_ns is None else State.EXITED
        return replace(container, state=state, pid=None, error=status.error, restart=None)
    return container


def _is_as_known(status: Status, row: tuple[int, bytes] | None) -> bool:
    if row is None or row[0] != status.generation:
        return False
    container = _decode(row[1])
    return container.is_running and folded(container, status) == container


def _count(status: Status) -> int:
    """How often its policy started it again since somebody did."""
    return status.restart.count if status.restart is not None else 0


def _encode(container: Container) -> bytes:
    return msgspec.json.encode(container)


def _decode(record: bytes) -> Container:
    return msgspec.json.decode(record, type=Container)


def _taken(name: str) -> Conflict:
    return Conflict(
        f"the name {name!r} is in use by another container",
        f"choose another name, or remove that one with: boxdeck rm {name}",
    )
