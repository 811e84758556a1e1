"""The SQLite database: opened once per engine, shared by several engines through WAL."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import msgspec

from engine.errors import StoreError
from engine.model import Event
from engine.store.reserve import Reserve
from engine.store.schema import MIGRATIONS

BUSY_TIMEOUT_SECONDS = 10.0
EVENTS_KEPT = 10_000
_EVENT_COLUMNS = "at_unix_ns, kind, action, subject, name, detail, count, attributes"
_DISK_ERRORS = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR)  # the lowest byte of extended ones, such as IOERR_WRITE


class Database:
    """One connection to the store.

    Statements outside a transaction commit by themselves. All methods are short enough to be called from
    the event loop's thread; the connection must stay in the thread that opened it.

    Raises:
        StoreError: the file can't be opened, isn't ours or comes from a newer Boxdeck.
    """

    def __init__(self, path: Path) -> None:
        self._reserve = Reserve(path.with_name("reserve"))
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._reserve.make_room()  # SQLite makes its log, and an index of it, even for those who only read
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))  # variables may hold secrets
            self._connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_SECONDS, isolation_level=None)
            self._connection.execute("PRAGMA journal_mode=WAL")
            self._connection.execute("PRAGMA synchronous=FULL")  # what is acknowledged survives a power cut
            self._is_durable = True
            self._connection.execute("PRAGMA foreign_keys=ON")
            self._migrate()
        except (sqlite3.Error, OSError) as error:
            self._abandon()
            if self._reserve.is_used_up:
                raise StoreError(f"the disk of the store {path} is full", "free some space on it") from error
            raise StoreError(
                f"the store {path} can't be opened ({error})", "choose another folder with --root or repair it"
            ) from error

    def _abandon(self) -> None:
        """Close what can't be used: it keeps its file system busy otherwise."""
        with suppress(AttributeError):  # it wasn't even opened
            self._connection.close()

    def _migrate(self) -> None:
        with self.transaction():
            version = int(self._connection.execute("PRAGMA user_version").fetchone()[0])
            if version > len(MIGRATIONS):
                raise StoreError("the store was written by a newer Boxdeck", "upgrade Boxdeck or choose another --root")
            for script in MIGRATIONS[version:]:
                for statement in _statements(script):
                    self._connection.execute(statement)
            if version < len(MIGRATIONS):
                self._connection.execute(f"PRAGMA user_version={len(MIGRATIONS)}")

    @contextmanager
    def transaction(self, durable: bool = True) -> Iterator[None]:
        """All statements inside take effect together or not at all; writers of other engines wait.

        Args:
            durable: whether a power cut must not undo it. What it says of processes may be lost with them; that
                nobody who is killed loses it holds either way.
        """
        self._be_durable(durable)
        with self._begun():
            yield

    def _be_durable(self, wanted: bool) -> None:
        """Have changes survive a power cut from now on, or not; between two that are alike nothing has to be said."""
        if wanted is not self._is_durable:
            self._connection.execute(f"PRAGMA synchronous={'FULL' if wanted else 'NORMAL'}")
            self._is_durable = wanted

    @contextmanager
    def _begun(self) -> Iterator[None]:
        self._reserve.make_room()
        with _explained():
            self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            with _explained():
                self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:  # a full disk may have ended it already
                self._connection.execute("ROLLBACK")
            raise

    def execute(self, statement: str, parameters: tuple[object, ...] = ()) -> int:
        """Run a statement and return how many rows it changed.

        Raises:
            StoreError: the disk is full, or fails.
        """
        if not self._connection.in_transaction:
            self._be_durable(True)
            self._reserve.make_room()
        with _explained():
            return self._connection.execute(statement, parameters).rowcount

    def rows(self, statement: str, parameters: tuple[object, ...] = ()) -> list[tuple]:  # type: ignore[type-arg]
        """All rows of a query."""
        return self._connection.execute(statement, parameters).fetchall()

    def row(self, statement: str, parameters: tuple[object, ...] = ()) -> tuple | None:  # type: ignore[type-arg]
        """The first row of a query, if any."""
        result = self._connection.execute(statement, parameters).fetchone()
        return tuple(result) if result is not None else None

    def record_event(
        self,
        kind: str,
        action: str,
        subject: str,
        name: str,
        detail: str = "",
        count: int = 0,
        at_unix_ns: int = 0,
        attributes: Mapping[str, str] | None = None,
    ) -> None:
        """Append an event; call it inside the transaction that makes the change it tells of.

        Args:
            at_unix_ns: when it happened; 0 for now.
        """
        text = msgspec.json.encode(attributes or {}).decode()
        self.execute(
            f"INSERT INTO events ({_EVENT_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (at_unix_ns or time.time_ns(), kind, action, subject, name, detail, count, text),
        )
        self.execute("DELETE FROM events WHERE revision <= (SELECT max(revision) FROM events) - ?", (EVENTS_KEPT,))

    def events_after(self, revision: int) -> list[Event]:
        """Events newer than a revision, oldest first."""
        found = self.rows(
            f"SELECT revision, {_EVENT_COLUMNS} FROM events WHERE revision > ? ORDER BY revision", (revision,)
        )
        return [_event(row) for row in found]

    def version(self) -> tuple[int, int]:
        """Another pair of numbers whenever somebody, here or elsewhere, may have changed something.

        The first grows with others' commits (SQLite's ``PRAGMA data_version``), the second with our own changes.
        """
        (others,) = self._connection.execute("PRAGMA data_version").fetchone()
        return int(others), self._connection.total_changes

    def latest_revision(self) -> int:
        """The revision of the newest event; 0 when there has been none."""
        found = self.row("SELECT max(revision) FROM events")
        return int(found[0]) if found and found[0] is not None else 0

    def close(self) -> None:
        """Close the connection; later calls fail."""
        self._connection.close()
        self._reserve.replenish()


def _event(row: tuple[int, int, Any, str, str, str, str, int, str]) -> Event:
    revision, at_unix_ns, kind, action, subject, name, detail, count, attributes = row
    return Event(
        revision=revision,
        at_unix_ns=at_unix_ns,
        kind=kind,
        action=action,
        subject=subject,
        name=name,
        detail=detail,
        count=count,
        attributes=msgspec.json.decode(attributes, type=dict[str, str]),
    )


@contextmanager
def _explained() -> Iterator[None]:
    """Turn a disk's no into a sentence."""
    try:
        yield
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF not in _DISK_ERRORS:
            raise
        raise StoreError(
            f"the store can't be written ({error})", "free some space, as with: boxdeck rm, boxdeck system prune"
        ) from error


def _statements(script: str) -> Iterator[str]:
    """Split a script at its semicolons, without sqlite3's executescript, which would commit half way."""
    pending = ""
    for line in script.splitlines(keepends=True):
        pending += line
        if sqlite3.complete_statement(pending):
            yield pending
            pending = ""
