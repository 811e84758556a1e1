"""The database in itself, and what it has leased to containers beside what their records say."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial

import msgspec

from engine import id_ranges, joining
from engine.checking.scene import Scene
from engine.errors import BoxdeckError
from engine.model import Container, Endpoint, Finding
from engine.store.database import Database

_LEASED = "INSERT INTO leases (network_id, container_id, family, address) VALUES (?, ?, ?, ?)"
_PLACED = """
    INSERT OR IGNORE INTO endpoints (network_id, container_id, number, host_interface, mac, aliases)
    VALUES (?, ?, ?, ?, ?, json_array())
"""


async def check(scene: Scene) -> AsyncIterator[Finding]:
    """The file, its references, leased addresses and ids."""
    damage = [row[0] for row in scene.database.rows("PRAGMA quick_check(3)")]
    if damage != ["ok"]:
        advice = "save what can be saved with: sqlite3 FILE .recover"
        yield scene.lasting("store", str(scene.paths.database), f"is damaged ({damage[0]})", advice)
        return
    for table, rowid, parent, _ in scene.database.rows("PRAGMA foreign_key_check"):
        remove = partial(scene.database.execute, f"DELETE FROM {table} WHERE rowid = ?", (rowid,))
        words = f"has a row of a {parent.removesuffix('s')} that isn't there"
        yield await scene.found("store", table, words, "deletes the row", remove)
    for container in scene.undisturbed_containers():
        async for finding in _leases(scene, container):
            yield finding


async def _leases(scene: Scene, container: Container) -> AsyncIterator[Finding]:
    known = {row[0] for row in scene.database.rows(
        "SELECT host_interface FROM endpoints WHERE container_id = ?", (container.id,)
    )}  # fmt: skip
    for name in known - {end.host_interface for end in container.endpoints}:
        query = "DELETE FROM endpoints WHERE container_id = ? AND host_interface = ?"
        remove = partial(scene.database.execute, query, (container.id, name))
        words = f"has a place on a network ({name}) that its record doesn't know"
        yield await scene.found("lease", container.name, words, "gives the place back", remove)
    for end in container.endpoints:
        if missing := _missing(scene.database, container, end):
            words = f"has {' and '.join(missing.values())} on {end.network}, leased to nobody"
            lease = partial(_lease, scene.database, container, end, missing)
            yield await scene.found("lease", container.name, words, "leases them to it", lease)
    async for finding in _ids(scene, container):
        yield finding


def _missing(database: Database, container: Container, end: Endpoint) -> dict[int, str]:
    """The addresses of a place that the store hasn't leased to the container, by family."""
    query = "SELECT family FROM leases WHERE container_id = ? AND network_id = ?"
    leased = {row[0] for row in database.rows(query, (container.id, end.network_id))}
    own = {4: end.address, 6: end.address6}
    return {family: address.partition("/")[0] for family, address in own.items() if address and family not in leased}


def _lease(database: Database, container: Container, end: Endpoint, missing: dict[int, str]) -> None:
    number = int(end.container_interface.removeprefix("eth"))
    with database.transaction():
        database.execute(_PLACED, (end.network_id, container.id, number, end.host_interface, end.mac))
        for family, address in missing.items():
            database.execute(_LEASED, (end.network_id, container.id, family, address))


async def _ids(scene: Scene, container: Container) -> AsyncIterator[Finding]:
    """A range of ids is the container's whose own user namespace has it."""
    first = _first_id(scene, container)
    row = scene.database.row("SELECT first FROM id_ranges WHERE container_id = ?", (container.id,))
    leased = row[0] if row is not None else None
    if first is not None and leased != first:
        words = f"has the ids from {first} on, leased to nobody"
        mend = partial(id_ranges.lease_again, scene.database, container.id, first)
        yield await scene.found("lease", container.name, words, "leases them to it", mend)


def _first_id(scene: Scene, container: Container) -> int | None:
    """The first id of the range that a container's files have; None for one that has none of its own."""
    try:
        linux = joining.spec(scene.paths, container.id).linux
    except (OSError, BoxdeckError, msgspec.MsgspecError):  # told of by engine.checking.containers
        return None
    user = linux.namespace("user") if linux is not None else None
    if linux is None or user is None or user.path:
        return None
    return next((first for line in linux.uid_mappings if (first := id_ranges.first_of(line.host_id)) is not None), None)
