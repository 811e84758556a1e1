"""The names of all networks of a root, read from its store; who lives is asked of the status files."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

import msgspec

from engine.names.living import Living
from engine.names.zone import Member, Zone
from engine.paths import Paths

_SHORT_ID_DIGITS = 12
_MEMBERS = """
    SELECT containers.id, containers.name, aliases, four.address, six.address,
           json_extract(CAST(record AS TEXT), '$.request.dns')
    FROM endpoints JOIN containers ON containers.id = endpoints.container_id
    LEFT JOIN leases AS four ON four.network_id = endpoints.network_id
        AND four.container_id = endpoints.container_id AND four.family = 4
    LEFT JOIN leases AS six ON six.network_id = endpoints.network_id
        AND six.container_id = endpoints.container_id AND six.family = 6
    WHERE endpoints.network_id = ?
"""

_OTHERS = """
    SELECT endpoints.network_id FROM leases JOIN endpoints USING (container_id)
    WHERE leases.network_id = ? AND leases.address = ? ORDER BY endpoints.number
"""


class Directory:
    """Reads a root's store, anew only when somebody has written to it.

    Raises:
        sqlite3.Error: it can't be opened.
    """

    def __init__(self, paths: Paths) -> None:
        self._living = Living(paths)
        self._connection = sqlite3.connect(f"file:{paths.database}?mode=ro", uri=True, isolation_level=None)
        self._version = -1
        self._zones: dict[str, Zone] = {}
        self._views: dict[tuple[str, str], tuple[Zone, ...]] = {}

    def view(self, network_id: str, address: str) -> tuple[Zone, ...]:
        """What the container with an address on a network knows: the names of that, and of others that it is on."""
        (version,) = self._connection.execute("PRAGMA data_version").fetchone()
        if version != self._version:
            self._version = version
            self._zones.clear()
            self._views.clear()
        key = (network_id, address)
        if key not in self._views:
            others = [row[0] for row in self._connection.execute(_OTHERS, key)]
            self._views[key] = tuple(self._zone(each) for each in dict.fromkeys((network_id, *others)))
        return self._views[key]

    def _zone(self, network_id: str) -> Zone:
        if network_id not in self._zones:
            self._zones[network_id] = self._read(network_id)
        return self._zones[network_id]

    def has_living(self, network_ids: Iterable[str]) -> bool:
        """Whether any container on any of the networks lives."""
        query = "SELECT DISTINCT container_id FROM endpoints WHERE network_id = ?"
        return any(
            container_id in self._living
            for network_id in network_ids
            for (container_id,) in self._connection.execute(query, (network_id,))
        )

    def _read(self, network_id: str) -> Zone:
        row = self._connection.execute("SELECT name FROM networks WHERE id = ?", (network_id,)).fetchone()
        if row is None:
            return Zone("", (), self._living)
        rows = self._connection.execute(_MEMBERS, (network_id,)).fetchall()
        return Zone(row[0], map(_member, rows), self._living)


def _member(row: tuple[str, str, str, str | None, str | None, str | None]) -> Member:
    container_id, name, aliases, four, six, servers = row
    return Member(
        container_id=container_id,
        names=(name, *msgspec.json.decode(aliases, type=tuple[str, ...]), container_id[:_SHORT_ID_DIGITS]),
        addresses=tuple(address for address in (four, six) if address),
        servers=msgspec.json.decode(servers or "[]", type=tuple[str, ...]),
    )
