"""Networks and leases in the store."""

from __future__ import annotations

import sqlite3
from ipaddress import IPv4Address, IPv4Network

from msgspec import Struct

from engine.errors import Conflict
from engine.network import addresses
from engine.store.database import Database

_LEASE_ATTEMPTS = 5

# The lowest address in first..last that nobody has: the first one, or one that follows a lease.
_INSERT_LOWEST_FREE = """
    INSERT INTO leases (network, container_id, address)
    SELECT ?1, ?2, min(candidate) FROM (
        SELECT ?3 AS candidate
        UNION ALL SELECT address + 1 FROM leases WHERE network = ?1
    )
    WHERE candidate BETWEEN ?3 AND ?4
      AND candidate NOT IN (SELECT address FROM leases WHERE network = ?1)
    HAVING min(candidate) IS NOT NULL
"""


class Network(Struct, frozen=True, kw_only=True):
    """A network in the store."""

    name: str
    bridge: str
    subnet: IPv4Network
    gateway: IPv4Address


def find(database: Database, name: str) -> Network | None:
    """The network of that name, if there is one."""
    row = database.row("SELECT name, bridge, subnet, gateway FROM networks WHERE name = ?", (name,))
    if row is None:
        return None
    return Network(name=row[0], bridge=row[1], subnet=IPv4Network(row[2]), gateway=IPv4Address(row[3]))


def every(database: Database) -> list[Network]:
    """All networks, by name."""
    names = [name for (name,) in database.rows("SELECT name FROM networks ORDER BY name")]
    return [network for name in names if (network := find(database, name)) is not None]


def save(database: Database, network: Network) -> None:
    """Store a network; when it is there on another subnet, its leases move with it."""
    with database.transaction():
        previous = find(database, network.name)
        if previous is None:
            _insert(database, network)
        elif previous.subnet != network.subnet:
            _move(database, previous, network)


def lease(database: Database, network: Network, container_id: str) -> IPv4Address:
    """The container's address on the network, the lowest free one if it has none yet.

    It is one statement, so it may run inside or outside a transaction. The container's row has to be there.

    Raises:
        Conflict: no address is free.
    """
    for _ in range(_LEASE_ATTEMPTS):
        address = leased(database, network.name, container_id)
        if address is not None:
            return address
        _take_lowest_free(database, network, container_id)
    raise Conflict(
        f"network {network.name} has no free address", "remove containers that are no longer needed (boxdeck rm)"
    )


def leased(database: Database, network_name: str, container_id: str) -> IPv4Address | None:
    """The address that a container has, if any."""
    row = database.row(
        "SELECT address FROM leases WHERE network = ? AND container_id = ?", (network_name, container_id)
    )
    return IPv4Address(row[0]) if row else None


def _take_lowest_free(database: Database, network: Network, container_id: str) -> None:
    first, last = addresses.lease_range(network.subnet)
    try:
        database.execute(_INSERT_LOWEST_FREE, (network.name, container_id, first, last))
    except sqlite3.IntegrityError as error:
        if "UNIQUE" not in str(error):  # not another engine that was faster, but a container without a row
            raise


def _insert(database: Database, network: Network) -> None:
    database.execute(
        "INSERT INTO networks (name, bridge, subnet, gateway) VALUES (?, ?, ?, ?)",
        (network.name, network.bridge, str(network.subnet), str(network.gateway)),
    )


def _move(database: Database, previous: Network, network: Network) -> None:
    distance = int(network.subnet.network_address) - int(previous.subnet.network_address)
    database.execute("UPDATE leases SET address = address + ? WHERE network = ?", (distance, network.name))
    database.execute(
        "UPDATE networks SET subnet = ?, gateway = ? WHERE name = ?",
        (str(network.subnet), str(network.gateway), network.name),
    )
