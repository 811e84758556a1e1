"""Networks in the store."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Collection
from ipaddress import IPv6Network

import msgspec

from engine.errors import Conflict, InvalidRequest, NotFound
from engine.model import Network, Subnet
from engine.network import addresses
from engine.store.database import Database

_COLUMNS = "id, name, bridge, internal, mtu, labels, created_unix_ns"


def new_id() -> str:
    """64 random hexadecimal digits."""
    return secrets.token_hex(32)


def local_prefix(database: Database) -> IPv6Network:
    """The store's own /48, from which its networks have their IPv6 subnets; chosen when it is first asked for."""
    row = database.row("SELECT prefix FROM local_prefix")
    if row is None:
        made = str(addresses.new_local_prefix())
        database.execute("INSERT OR IGNORE INTO local_prefix (only_row, prefix) VALUES (1, ?)", (made,))
        return local_prefix(database)
    return IPv6Network(row[0])


def named(database: Database, name: str) -> Network | None:
    """The network of exactly that name, if there is one."""
    row = database.row(f"SELECT {_COLUMNS} FROM networks WHERE name = ?", (name,))
    return _network(database, row) if row is not None else None


def find(database: Database, reference: str) -> Network:
    """A network by name, id, or a beginning of the id that only one has.

    Raises:
        NotFound: none goes by it.
        InvalidRequest: several do.
    """
    row = database.row(f"SELECT {_COLUMNS} FROM networks WHERE name = ?1 OR id = ?1", (reference,))
    if row is not None:
        return _network(database, row)
    query = f"SELECT {_COLUMNS} FROM networks WHERE substr(id, 1, ?) = ? LIMIT 2"
    rows = database.rows(query, (len(reference), reference)) if reference else []
    if len(rows) > 1:
        raise InvalidRequest(f"several networks' ids begin with {reference!r}", "give more digits")
    if not rows:
        raise NotFound(f"there is no network {reference!r}", "see all with: boxdeck network ls")
    return _network(database, rows[0])


def every(database: Database) -> list[Network]:
    """All networks, by name."""
    return [_network(database, row) for row in database.rows(f"SELECT {_COLUMNS} FROM networks ORDER BY name")]


def insert(database: Database, network: Network) -> None:
    """Store a network; call it in a transaction.

    Raises:
        Conflict: its name is in use.
    """
    try:
        database.execute(
            f"INSERT INTO networks ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                network.id, network.name, network.bridge, int(network.internal), network.mtu,
                msgspec.json.encode(network.labels).decode(), network.created_unix_ns,
            ),
        )  # fmt: skip
    except sqlite3.IntegrityError as error:
        raise Conflict(
            f"there is a network {network.name!r} already",
            f"choose another name, or remove that one with: boxdeck network rm {network.name}",
        ) from error
    for subnet in network.subnets:
        add_subnet(database, network.id, subnet)


def add_subnet(database: Database, network_id: str, subnet: Subnet) -> None:
    """Give a network a subnet of a family that it doesn't have yet; call it in a transaction."""
    database.execute(
        "INSERT INTO subnets (network_id, family, subnet, gateway, ip_range, is_fixed) VALUES (?, ?, ?, ?, ?, ?)",
        (network_id, family(subnet), subnet.subnet, subnet.gateway, subnet.ip_range, int(subnet.is_fixed)),
    )


def move(database: Database, network_id: str, before: Subnet, after: Subnet) -> None:
    """Exchange a subnet for another of the same size; leases move along. Call it in a transaction."""
    database.execute(
        "UPDATE subnets SET subnet = ?, gateway = ? WHERE network_id = ? AND family = ?",
        (after.subnet, after.gateway, network_id, family(after)),
    )
    query = "SELECT container_id, address FROM leases WHERE network_id = ? AND family = ?"
    for container_id, address in database.rows(query, (network_id, family(after))):
        database.execute(
            "UPDATE leases SET address = ? WHERE network_id = ? AND container_id = ? AND family = ?",
            (addresses.moved(address, before.subnet, after.subnet), network_id, container_id, family(after)),
        )


def delete(database: Database, network: Network) -> None:
    """Forget a network; call it in a transaction.

    Raises:
        Conflict: containers are on it.
    """
    users = [name for _, name in users_of(database, network)]
    if users:
        raise Conflict(
            f"the network {network.name} is used by {_listed(users)}",
            f"disconnect {_them(users)} first with: boxdeck network disconnect {network.name} {users[0]}",
        )
    database.execute("DELETE FROM networks WHERE id = ?", (network.id,))


def users_of(database: Database, network: Network) -> list[tuple[str, str]]:
    """Ids and names of the containers that are on a network, whether they run or not, by name."""
    query = """
        SELECT containers.id, containers.name FROM endpoints JOIN containers ON containers.id = endpoints.container_id
        WHERE network_id = ? ORDER BY containers.name
    """
    return [(container_id, name) for container_id, name in database.rows(query, (network.id,))]


def family(subnet: Subnet) -> int:
    """4 or 6."""
    return 6 if ":" in subnet.subnet else 4


def _network(database: Database, row: Collection[object]) -> Network:
    network_id, name, bridge, internal, mtu, labels, created_unix_ns = row
    query = "SELECT subnet, gateway, ip_range, is_fixed FROM subnets WHERE network_id = ? ORDER BY family"
    subnets = tuple(
        Subnet(subnet=subnet, gateway=gateway, ip_range=ip_range, is_fixed=bool(is_fixed))
        for subnet, gateway, ip_range, is_fixed in database.rows(query, (network_id,))
    )
    return Network(
        id=str(network_id),
        name=str(name),
        bridge=str(bridge),
        subnets=subnets,
        internal=bool(internal),
        mtu=mtu if isinstance(mtu, int) else None,
        labels=msgspec.json.decode(str(labels), type=dict[str, str]),
        created_unix_ns=int(str(created_unix_ns)),
    )


def _them(names: Collection[str]) -> str:
    return "it" if len(names) == 1 else "them"


def _listed(names: list[str], shown: int = 3) -> str:
    more = f" and {len(names) - shown} more" if len(names) > shown else ""
    return ", ".join(names[:shown]) + more
