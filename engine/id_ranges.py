"""Ranges of host ids, one per container that has a user namespace: nobody's on the host, never shared."""

from __future__ import annotations

from engine.compile.id_maps import RANGE_LENGTH
from engine.errors import Conflict
from engine.store.database import Database

# Above what adduser, /etc/subuid and systemd's dynamic and container users take (systemd: UIDS-GIDS.md).
_FIRST = 1_000_013_824
_COUNT = 15_000


def lease(database: Database, container_id: str) -> int:
    """Take the lowest free range, inside the caller's transaction.

    Returns:
        Its first id.

    Raises:
        Conflict: all are taken.
    """
    taken = {int(row[0]) for row in database.rows("SELECT first FROM id_ranges")}
    for number in range(_COUNT):
        first = _FIRST + number * RANGE_LENGTH
        if first not in taken:
            database.execute("INSERT INTO id_ranges (first, container_id) VALUES (?, ?)", (first, container_id))
            return first
    raise Conflict("all id ranges for user namespaces are taken", "remove containers that aren't needed any more")


def lease_again(database: Database, container_id: str, first: int) -> None:
    """Have a range be the container's that its files have; call it outside of a transaction.

    Raises:
        sqlite3.IntegrityError: it is another's.
    """
    query = "INSERT INTO id_ranges (first, container_id) VALUES (?, ?)"
    with database.transaction():
        database.execute("DELETE FROM id_ranges WHERE container_id = ?", (container_id,))
        database.execute(query, (first, container_id))


def first_of(host_id: int) -> int | None:
    """The first id of the range that an id on the host is in; None for one that is in none of ours."""
    number = (host_id - _FIRST) // RANGE_LENGTH
    return _FIRST + number * RANGE_LENGTH if 0 <= number < _COUNT else None
