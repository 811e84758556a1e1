"""Containers' places on networks in the store: interfaces, hardware addresses, leased addresses.

No two containers on a network have the same address or hardware address: the store's constraints see to it. What is
leased stays the container's until it is removed or disconnected.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from ipaddress import ip_address, ip_network
from itertools import chain
from typing import Any

import msgspec

from engine.errors import Conflict, InvalidRequest
from engine.model import Attachment, Endpoint, Network, Subnet
from engine.network import addresses, records
from engine.store.database import Database

MOST_INTERFACES = 36  # a container's: the host's ends are told apart by one digit or letter
_MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}")
_MULTICAST = 1  # the lowest bit of a hardware address (IEEE 802)
_Row = tuple[Any, ...]  # of what _ENDPOINTS selects

_ENDPOINTS = """
    SELECT endpoints.network_id, endpoints.container_id, number, host_interface, mac, aliases,
           four.address, six.address
    FROM endpoints
    LEFT JOIN leases AS four ON four.network_id = endpoints.network_id
        AND four.container_id = endpoints.container_id AND four.family = 4
    LEFT JOIN leases AS six ON six.network_id = endpoints.network_id
        AND six.container_id = endpoints.container_id AND six.family = 6
"""


def of_container(database: Database, container_id: str) -> tuple[Endpoint, ...]:
    """A container's endpoints, in the order of its interfaces."""
    return tuple(_endpoint(network, row) for network, row in _places(database, container_id, ()))


def of_network(database: Database, network: Network) -> list[tuple[str, Endpoint]]:
    """The ids of the containers on a network with their endpoints, whether they run or not, in no certain order."""
    rows = database.rows(f"{_ENDPOINTS} WHERE endpoints.network_id = ?", (network.id,))
    return [(row[1], _endpoint(network, row)) for row in rows]


def take(
    database: Database, network: Network, container_id: str, wish: Attachment, host_name: Callable[[int], str]
) -> Endpoint:
    """Put a container on a network; call it in a transaction. Where it is on it already it keeps its place.

    The container's row has to be there; its endpoints go with it.

    Args:
        host_name: what the host's end of the interface with a number is called.

    Raises:
        Conflict: the network is full, or what is wished for is another's.
        InvalidRequest: what is wished for can't be.
    """
    known = _place(database, network, container_id)
    if known is not None:
        return known
    chosen = _chosen(database, network, wish, known={})
    mac = _mac(database, network, wish.mac, next(iter(chosen.values())))
    number = _free_number(database, container_id)
    query = (
        "INSERT INTO endpoints (network_id, container_id, number, host_interface, mac, aliases) VALUES (?,?,?,?,?,?)"
    )
    aliases = msgspec.json.encode(wish.aliases).decode()
    database.execute(query, (network.id, container_id, number, host_name(number), mac, aliases))
    for family, address in chosen.items():
        _lease(database, network, container_id, family, address)
    place = _place(database, network, container_id)
    assert place is not None
    return place


def completed(database: Database, container_id: str, known: Iterable[Network] = ()) -> tuple[Endpoint, ...]:
    """As `of_container`, with a lease of each subnet that a network has been given since.

    Args:
        known: networks as they are now, which aren't looked up again.
    """
    places = _places(database, container_id, known)
    lacking = [network for network, row in places if _lacks_a_lease(network, row)]
    for network in lacking:
        _complete(database, network, container_id)
    return of_container(database, container_id) if lacking else tuple(_endpoint(*place) for place in places)


def _places(database: Database, container_id: str, known: Iterable[Network]) -> list[tuple[Network, _Row]]:
    networks = {network.id: network for network in known}
    rows = database.rows(f"{_ENDPOINTS} WHERE endpoints.container_id = ? ORDER BY number", (container_id,))
    return [(networks.get(row[0]) or records.find(database, row[0]), row) for row in rows]


def _lacks_a_lease(network: Network, row: _Row) -> bool:
    *_, four, six = row
    return any((six if records.family(subnet) == 6 else four) is None for subnet in network.subnets)


def _complete(database: Database, network: Network, container_id: str) -> None:
    query = "SELECT family, address FROM leases WHERE network_id = ? AND container_id = ?"
    known = dict(database.rows(query, (network.id, container_id)))
    for family, address in _chosen(database, network, Attachment(network=network.name), known).items():
        if family not in known:
            _lease(database, network, container_id, family, address)


def give_back(database: Database, network: Network, container_id: str) -> None:
    """Take a container from a network; nothing happens when it isn't on it."""
    query = "DELETE FROM endpoints WHERE network_id = ? AND container_id = ?"
    database.execute(query, (network.id, container_id))


def _place(database: Database, network: Network, container_id: str) -> Endpoint | None:
    query = f"{_ENDPOINTS} WHERE endpoints.network_id = ? AND endpoints.container_id = ?"
    row = database.row(query, (network.id, container_id))
    return _endpoint(network, row) if row is not None else None


def _free_number(database: Database, container_id: str) -> int:
    rows = database.rows("SELECT number FROM endpoints WHERE container_id = ?", (container_id,))
    taken = {number for (number,) in rows}
    if len(taken) >= MOST_INTERFACES:
        raise Conflict(f"a container can be on {MOST_INTERFACES} networks", "disconnect it from another one first")
    return next(number for number in range(MOST_INTERFACES) if number not in taken)


def _chosen(database: Database, network: Network, wish: Attachment, known: Mapping[int, str]) -> dict[int, str]:
    """An address of each family; that of IPv6 has the same place in its subnet as that of IPv4 where that is free."""
    wishes = {4: wish.ip, 6: wish.ip6}
    for family, text in wishes.items():
        _check_wish(network, family, text)
    chosen: dict[int, str] = {}
    place = None
    for subnet in network.subnets:
        family, base = records.family(subnet), int(ip_network(subnet.subnet).network_address)
        if family in known:
            chosen[family], place = known[family], int(ip_address(known[family])) - base
        elif wishes[family]:
            chosen[family] = _require_free(database, network, str(ip_address(wishes[family])))
        else:
            number = _lowest_free(database, network, subnet, None if place is None else base + place)
            chosen[family], place = addresses.text_of(number, family), number - base
    return chosen


def _lowest_free(database: Database, network: Network, subnet: Subnet, preferred: int | None) -> int:
    family = records.family(subnet)
    query = "SELECT address FROM leases WHERE network_id = ? AND family = ?"
    taken = {address for (address,) in database.rows(query, (network.id, family))}
    taken |= {subnet.gateway, addresses.name_server_of(network)}
    first, last = addresses.lease_range(subnet)
    before = (preferred,) if preferred is not None and first <= preferred <= last else ()
    for number in chain(before, range(first, last + 1)):
        if addresses.text_of(number, family) not in taken:
            return number
    raise Conflict(
        f"the network {network.name} has no free IPv{family} address",
        "remove containers that are no longer needed (boxdeck rm)",
    )


def _require_free(database: Database, network: Network, address: str) -> str:
    query = """
        SELECT name FROM leases JOIN containers ON containers.id = container_id WHERE network_id = ? AND address = ?
    """
    row = database.row(query, (network.id, address))
    if row is not None:
        raise Conflict(f"the address {address} belongs to the container {row[0]}", "choose another one")
    return address


def _lease(database: Database, network: Network, container_id: str, family: int, address: str) -> None:
    query = "INSERT INTO leases (network_id, container_id, family, address) VALUES (?, ?, ?, ?)"
    database.execute(query, (network.id, container_id, family, address))


def _mac(database: Database, network: Network, wanted: str, address: str) -> str:
    """The hardware address that is wished for, or one made of the address, or a random one where that is another's."""
    query = "SELECT 1 FROM endpoints WHERE network_id = ? AND mac = ?"
    mac = _checked_mac(wanted) if wanted else addresses.mac_of(ip_address(address))
    while database.row(query, (network.id, mac)) is not None:
        if wanted:
            raise Conflict(f"another container on {network.name} has the hardware address {mac}", "choose another one")
        mac = addresses.random_mac()
    return mac


def _checked_mac(text: str) -> str:
    mac = text.lower().replace("-", ":")
    if not _MAC.fullmatch(mac) or int(mac[:2], 16) & _MULTICAST or mac == "00:00:00:00:00:00":
        raise InvalidRequest(f"{text!r} can't be a device's hardware address", "write it such as 02:42:0a:59:00:07")
    return mac


def _check_wish(network: Network, family: int, text: str) -> None:
    if not text:
        return
    try:
        address = ip_address(text)
    except ValueError as error:
        raise InvalidRequest(f"{text!r} is not an address", "write it such as 10.10.0.7 or fd00::7") from error
    subnet = network.ipv6 if family == 6 else network.ipv4
    if address.version != family or subnet is None:
        options = "--ip is for IPv4 and --ip6 for IPv6" if address.version != family else "see: boxdeck network inspect"
        raise InvalidRequest(f"the network {network.name} can't give {text} as an IPv{family} address", options)
    whole = ip_network(subnet.subnet)
    first, last = addresses.usable(whole)
    if not first <= int(address) <= last:
        raise InvalidRequest(f"{text} is no address of {network.name}", f"choose one in {whole}")
    if str(address) == subnet.gateway:
        raise Conflict(f"the address {text} is that of the bridge", f"choose another one in {whole}")
    if str(address) == addresses.name_server_of(network):
        raise Conflict(f"names are asked for at the address {text}", f"choose another one in {whole}")


def _endpoint(network: Network, row: _Row) -> Endpoint:
    _, _, number, host_interface, mac, aliases, four, six = row
    return Endpoint(
        network=network.name,
        network_id=network.id,
        bridge=network.bridge,
        host_interface=host_interface,
        container_interface=f"eth{number}",
        address=_with_prefix(four, network.ipv4),
        gateway=_way_out(network, network.ipv4),
        address6=_with_prefix(six, network.ipv6),
        gateway6=_way_out(network, network.ipv6),
        mac=mac,
        aliases=msgspec.json.decode(aliases, type=tuple[str, ...]),
        name_server=addresses.name_server_of(network),
    )


def _with_prefix(address: str | None, subnet: Subnet | None) -> str:
    return f"{address}/{subnet.subnet.partition('/')[2]}" if address and subnet else ""


def _way_out(network: Network, subnet: Subnet | None) -> str:
    return subnet.gateway if subnet and not network.internal else ""
