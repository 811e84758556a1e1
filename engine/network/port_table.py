"""The host's ports that are taken, in the store: one row for each element of the firewall, unique by constraint.

A row is there before its element is, and until after. So whatever an engine that was killed has left in the kernel
has a row, and whoever comes next finds it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from ipaddress import ip_address
from typing import Any

from engine.network.ruleset import PortMapping
from engine.store.database import Database

_COLUMNS = "host_address, host_port, protocol, container_address, container_port"


def every(database: Database) -> tuple[PortMapping, ...]:
    """All of them."""
    return tuple(map(_mapping, database.rows(f"SELECT {_COLUMNS} FROM open_ports ORDER BY rowid")))


def of(database: Database, container_id: str) -> tuple[PortMapping, ...]:
    """Those of a container."""
    query = f"SELECT {_COLUMNS} FROM open_ports WHERE container_id = ? ORDER BY rowid"
    return tuple(map(_mapping, database.rows(query, (container_id,))))


def owners(database: Database) -> list[str]:
    """The ids of the containers that have any."""
    return [row[0] for row in database.rows("SELECT DISTINCT container_id FROM open_ports")]


def owner_of(database: Database, address: str, port: int, protocol: str) -> str | None:
    """The id of the container that has a port, or has one that is in the way of it at this address."""
    query = """
        SELECT container_id FROM open_ports
        WHERE host_port = ? AND protocol = ? AND (host_address IN (?, '0.0.0.0', '::') OR ? IN ('0.0.0.0', '::'))
    """
    row = database.row(query, (port, protocol, address, address))
    return row[0] if row else None


class Taken(Exception):
    """Another container has a port."""

    def __init__(self, mapping: PortMapping) -> None:
        super().__init__(f"{mapping.host_address}:{mapping.host_port}/{mapping.protocol}")
        self.mapping = mapping


def add(database: Database, container_id: str, mappings: Sequence[PortMapping]) -> None:
    """Take ports. Call it in a transaction.

    Raises:
        Taken: somebody has one already.
    """
    for mapping in mappings:
        try:
            database.execute(
                f"INSERT INTO open_ports (container_id, {_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)",
                (container_id, *_values(mapping)),
            )
        except sqlite3.IntegrityError as error:
            if "UNIQUE" not in str(error):  # the container has just been removed
                raise
            raise Taken(mapping) from error


def remove(database: Database, container_id: str, mappings: Sequence[PortMapping]) -> None:
    """Give ports back."""
    for mapping in mappings:
        database.execute(
            "DELETE FROM open_ports WHERE container_id = ? AND host_address = ? AND host_port = ? AND protocol = ?",
            (container_id, *_values(mapping)[:3]),
        )


def remove_all(database: Database, container_id: str) -> None:
    """Give all ports of a container back."""
    database.execute("DELETE FROM open_ports WHERE container_id = ?", (container_id,))


def _values(mapping: PortMapping) -> tuple[str, int, str, str, int]:
    addresses = str(mapping.host_address), str(mapping.container_address)
    return addresses[0], mapping.host_port, mapping.protocol, addresses[1], mapping.container_port


def _mapping(row: Sequence[Any]) -> PortMapping:
    return PortMapping(
        host_address=ip_address(row[0]),
        host_port=row[1],
        protocol=row[2],
        container_address=ip_address(row[3]),
        container_port=row[4],
    )
