"""Networks and what containers lease of them, in the store."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.errors import Conflict, InvalidRequest, NotFound
from engine.model import Attachment, Endpoint, Network, Subnet
from engine.network import leases, records
from engine.network.networks import Networks
from engine.store.database import Database
from tests.engine.network.boxes import add_container

SUBNET = Subnet(subnet="10.89.0.0/24", gateway="10.89.0.1")
SUBNET_6 = Subnet(subnet="fd00:0:0:1::/64", gateway="fd00:0:0:1::1")


def network_of(name: str, *subnets: Subnet, internal: bool = False) -> Network:
    digits = name.encode().hex()
    return Network(
        id=digits.ljust(64, "0"), name=name, bridge=f"br-{name}", subnets=subnets, internal=internal, created_unix_ns=1
    )


def with_network(networks: Networks, network: Network) -> Network:
    with networks._database.transaction():
        records.insert(networks._database, network)
    return network


@pytest.fixture
def networks(engine_on: Callable[..., Networks]) -> Networks:
    made = engine_on()
    with_network(made, network_of("bridge", SUBNET, SUBNET_6))
    return made


def lease(networks: Networks, number: int, **wishes: str) -> Endpoint:
    with networks._database.transaction():
        return networks.lease(add_container(networks, number), Attachment(network="bridge", **wishes))  # type: ignore[arg-type]


def address(networks: Networks, number: int, **wishes: str) -> str:
    return lease(networks, number, **wishes).address


def remove(networks: Networks, number: int) -> None:
    networks._database.execute("DELETE FROM containers WHERE name = ?", (f"box-{number}",))


def test_containers_get_the_lowest_free_address(networks: Networks) -> None:
    assert [address(networks, n) for n in range(3)] == ["10.89.0.2/24", "10.89.0.3/24", "10.89.0.4/24"]
    remove(networks, 1)
    remove(networks, 0)
    assert [address(networks, n) for n in range(3, 6)] == ["10.89.0.2/24", "10.89.0.3/24", "10.89.0.5/24"]


def test_ipv6_has_the_same_place_as_ipv4_where_that_is_free(networks: Networks) -> None:
    assert lease(networks, 0).address6 == "fd00:0:0:1::2/64"
    lease(networks, 1, ip6="fd00:0:0:1::4")
    assert lease(networks, 2, ip="10.89.0.200").address6 == "fd00:0:0:1::2/64".replace("::2", "::3")
    third = lease(networks, 3)
    assert (third.address, third.address6) == ("10.89.0.4/24", "fd00:0:0:1::5/64")


def test_a_container_keeps_its_place(networks: Networks) -> None:
    first = add_container(networks, 1)
    before = networks.lease(first)
    lease(networks, 2)
    assert networks.lease(first) == before
    assert networks.endpoints(first) == (before,)


def test_an_endpoint_says_how_a_container_is_connected(networks: Networks) -> None:
    endpoint = networks.lease(add_container(networks, 0xABC), Attachment(network="bridge", aliases=("web", "www")))
    assert (endpoint.network, endpoint.bridge, endpoint.gateway) == ("bridge", "br-bridge", "10.89.0.1")
    assert (endpoint.container_interface, endpoint.mac) == ("eth0", "02:42:0a:59:00:02")
    assert (endpoint.gateway6, endpoint.aliases) == ("fd00:0:0:1::1", ("web", "www"))
    assert endpoint.host_interface.endswith("00000abc") and len(endpoint.host_interface) <= 15


def test_the_interfaces_of_a_container_are_numbered_over_its_networks(networks: Networks) -> None:
    for number in range(1, 13):
        subnet = Subnet(subnet=f"10.90.{number}.0/24", gateway=f"10.90.{number}.1")
        with_network(networks, network_of(f"net{number}", subnet))
    container_id = add_container(networks, 1)
    names = [f"net{number}" for number in range(1, 13)]
    made = [networks.lease(container_id, Attachment(network=name)) for name in names]
    assert [end.container_interface for end in made] == [f"eth{number}" for number in range(12)]
    assert len({end.host_interface for end in made}) == 12
    assert all(len(end.host_interface) <= 15 for end in made)
    networks.give_back(container_id, records.find(networks._database, "net5"))
    assert networks.lease(container_id, Attachment(network="bridge")).container_interface == "eth4"
    assert [end.container_interface for end in networks.endpoints(container_id)] == [f"eth{n}" for n in range(12)]


def test_an_internal_network_has_no_way_out(networks: Networks) -> None:
    subnet = Subnet(subnet="10.90.0.0/24", gateway="10.90.0.1")
    with_network(networks, network_of("cellar", subnet, internal=True))
    endpoint = networks.lease(add_container(networks, 1), Attachment(network="cellar"))
    assert (endpoint.address, endpoint.gateway, endpoint.address6, endpoint.gateway6) == ("10.90.0.2/24", "", "", "")


def test_a_full_network_says_so_and_takes_again_after_a_removal(networks: Networks) -> None:
    with networks._database.transaction():
        taken = [networks.lease(add_container(networks, n)).address for n in range(252)]
    # the last address is where names are asked for
    assert len(set(taken)) == 252 and taken[-1] == "10.89.0.253/24"
    with pytest.raises(Conflict, match="the network bridge has no free IPv4 address"):
        lease(networks, 253)
    remove(networks, 100)
    assert address(networks, 254) == taken[100]


def test_addresses_are_chosen_from_the_range_and_wished_for_anywhere(networks: Networks) -> None:
    subnet = Subnet(subnet="10.90.0.0/24", gateway="10.90.0.17", ip_range="10.90.0.16/30")
    with_network(networks, network_of("small", subnet))

    def on_small(number: int, ip: str = "") -> str:
        return networks.lease(add_container(networks, number), Attachment(network="small", ip=ip)).address

    assert [on_small(n) for n in range(3)] == ["10.90.0.16/24", "10.90.0.18/24", "10.90.0.19/24"]
    with pytest.raises(Conflict, match="no free IPv4 address"):
        on_small(3)
    assert on_small(4, ip="10.90.0.200") == "10.90.0.200/24"


def test_what_is_wished_for_is_had(networks: Networks) -> None:
    made = lease(networks, 1, ip="10.89.0.77", ip6="fd00:0:0:1:0:0:0:77", mac="02-42-AB-00-00-01")
    assert (made.address, made.address6, made.mac) == ("10.89.0.77/24", "fd00:0:0:1::77/64", "02:42:ab:00:00:01")


@pytest.mark.parametrize(
    ("wish", "kind", "words"),
    [
        ({"ip": "10.89.0.77"}, Conflict, "the address 10.89.0.77 belongs to the container box-1"),
        ({"ip6": "fd00:0:0:1::0077"}, Conflict, "the address fd00:0:0:1::77 belongs to the container box-1"),
        ({"mac": "02:42:AB:00:00:01"}, Conflict, "another container on bridge has the hardware address"),
        ({"ip": "10.89.0.1"}, Conflict, "the address 10.89.0.1 is that of the bridge"),
        ({"ip": "10.89.0.0"}, InvalidRequest, "10.89.0.0 is no address of bridge"),
        ({"ip": "10.89.0.255"}, InvalidRequest, "10.89.0.255 is no address of bridge"),
        ({"ip": "10.90.0.7"}, InvalidRequest, "10.90.0.7 is no address of bridge: choose one in 10.89.0.0/24"),
        ({"ip": "fd00:0:0:1::7"}, InvalidRequest, "can't give fd00:0:0:1::7 as an IPv4 address"),
        ({"ip": "seven"}, InvalidRequest, "'seven' is not an address"),
        ({"mac": "03:42:ab:00:00:01"}, InvalidRequest, "can't be a device's hardware address"),
        ({"mac": "00:00:00:00:00:00"}, InvalidRequest, "can't be a device's hardware address"),
        ({"mac": "02:42"}, InvalidRequest, "can't be a device's hardware address"),
    ],
)
def test_what_cannot_be_had_is_refused_in_one_sentence(
    networks: Networks, wish: dict[str, str], kind: type[Exception], words: str
) -> None:
    lease(networks, 1, ip="10.89.0.77", ip6="fd00:0:0:1::77", mac="02:42:ab:00:00:01")
    with pytest.raises(kind, match=words):
        lease(networks, 2, **wish)
    assert networks._database.row("SELECT count(*) FROM endpoints") == (1,)


def test_a_hardware_address_that_somebody_wished_for_is_not_given_twice(networks: Networks) -> None:
    lease(networks, 1, ip="10.89.0.9", mac="02:42:0a:59:00:02")
    made = lease(networks, 2)
    assert made.address == "10.89.0.2/24" and made.mac.startswith("02:46:")


def test_the_store_itself_refuses_what_two_would_share(networks: Networks) -> None:
    lease(networks, 1)
    lease(networks, 2)
    for change in ("UPDATE leases SET address = '10.89.0.2'", "UPDATE endpoints SET mac = '02:42:0a:59:00:02'"):
        with pytest.raises(sqlite3.IntegrityError, match="UNIQUE"):
            networks._database.execute(change)


def test_a_lease_taken_in_a_transaction_that_fails_is_gone(networks: Networks) -> None:
    with contextlib.suppress(ZeroDivisionError), networks._database.transaction():
        assert networks.lease(add_container(networks, 1)).address == "10.89.0.2/24"
        raise ZeroDivisionError
    assert address(networks, 2) == "10.89.0.2/24"


def test_engines_on_the_same_root_never_lease_the_same_address(networks: Networks) -> None:
    other = Networks(networks._paths, Database(networks._paths.database))
    taken = [address(engine, n) for n, engine in enumerate([networks, other] * 20)]
    other._database.close()
    assert len(set(taken)) == 40


def test_leases_move_with_their_network(networks: Networks) -> None:
    containers = [add_container(networks, n) for n in range(3)]
    before = [networks.lease(c).address for c in containers]
    moved = Subnet(subnet="10.89.7.0/24", gateway="10.89.7.1")
    with networks._database.transaction():
        records.move(networks._database, records.find(networks._database, "bridge").id, SUBNET, moved)
    after = [networks.lease(c).address for c in containers]
    assert before == ["10.89.0.2/24", "10.89.0.3/24", "10.89.0.4/24"]
    assert after == ["10.89.7.2/24", "10.89.7.3/24", "10.89.7.4/24"]
    assert networks.lease(containers[0]).gateway == "10.89.7.1"


def test_a_network_that_is_given_ipv6_gives_it_to_those_who_are_on_it(networks: Networks) -> None:
    old = with_network(networks, network_of("old", Subnet(subnet="10.90.0.0/24", gateway="10.90.0.1")))
    container_id = add_container(networks, 1)
    assert networks.lease(container_id, Attachment(network="old")).address6 == ""
    with networks._database.transaction():
        records.add_subnet(networks._database, old.id, Subnet(subnet="fd00:0:0:9::/64", gateway="fd00:0:0:9::1"))
    (endpoint,) = networks.endpoints(container_id)
    assert (endpoint.address, endpoint.address6) == ("10.90.0.2/24", "fd00:0:0:9::2/64")


def test_a_network_that_nobody_made_is_not_found(engine_on: Callable[..., Networks]) -> None:
    networks = engine_on()
    container_id = add_container(networks, 1)
    with pytest.raises(NotFound, match="no network 'bridge'"):
        networks.lease(container_id)


def test_a_lease_needs_its_container(networks: Networks) -> None:
    with pytest.raises(sqlite3.IntegrityError, match="FOREIGN KEY"):
        networks.lease("nobody")


def test_networks_are_found_by_name_id_and_beginning(networks: Networks) -> None:
    database = networks._database
    other = with_network(networks, network_of("bri", Subnet(subnet="10.90.0.0/24", gateway="10.90.0.1")))
    bridge = records.find(database, "bridge")
    assert records.find(database, bridge.id) == records.find(database, bridge.id[:8]) == bridge
    assert records.find(database, "bri") == other
    with pytest.raises(InvalidRequest, match="several networks' ids begin with '6272'"):
        records.find(database, "6272")
    for wrong in ("", "62ff"):
        with pytest.raises(NotFound):
            records.find(database, wrong)


def test_a_network_with_containers_on_it_stays(networks: Networks) -> None:
    network = records.find(networks._database, "bridge")
    for number in range(5):
        lease(networks, number)
    with pytest.raises(Conflict, match="is used by box-0, box-1, box-2 and 2 more"), networks._database.transaction():
        records.delete(networks._database, network)
    assert leases.of_network(networks._database, network)
    for number in range(5):
        remove(networks, number)
    records.delete(networks._database, network)
    assert records.every(networks._database) == []


def test_the_prefix_of_a_store_is_chosen_once(networks: Networks, engine_on: Callable[..., Networks]) -> None:
    first = records.local_prefix(networks._database)
    assert records.local_prefix(networks._database) == first
    assert records.local_prefix(engine_on("other")._database) != first


def test_a_store_of_the_days_of_one_network_keeps_its_containers_places(tmp_path: Path) -> None:
    from engine.store.schema import MIGRATIONS

    path = tmp_path / "boxdeck.db"
    connection = sqlite3.connect(path)
    for script in MIGRATIONS[:2]:
        connection.executescript(script)
    connection.execute("PRAGMA user_version = 2")
    record = (
        b'{"id":"aa","name":"web","endpoint":{"network":"bridge","bridge":"boxdeck0","host_interface":"bdaa",'
        b'"container_interface":"eth0","address":"10.89.0.7/24","gateway":"10.89.0.1","mac":"02:42:0a:59:00:07"}}'
    )
    connection.execute("INSERT INTO networks VALUES ('bridge', 'boxdeck0', '10.89.0.0/24', '10.89.0.1')")
    insert = "INSERT INTO containers (id, name, image_id, state, record) VALUES (?, ?, '', 'running', ?)"
    connection.execute(insert, ("aa", "web", record))
    connection.execute(insert, ("bb", "job", b'{"id":"bb","name":"job","endpoint":null}'))
    connection.execute("INSERT INTO leases VALUES ('bridge', 'aa', ?)", (0x0A590007,))
    connection.commit()
    connection.close()
    database = Database(path)
    (endpoint,) = leases.of_container(database, "aa")
    assert (endpoint.address, endpoint.mac, endpoint.host_interface) == ("10.89.0.7/24", "02:42:0a:59:00:07", "bdaa")
    assert leases.of_container(database, "bb") == ()
    (kept,) = records.every(database)
    assert (kept.name, kept.bridge, len(kept.id)) == ("bridge", "boxdeck0", 64)
    (written,) = database.rows("SELECT json_extract(CAST(record AS TEXT), '$.endpoints[0].mac') FROM containers"
                               " WHERE id = 'aa'")  # fmt: skip
    assert written == ("02:42:0a:59:00:07",)
    database.close()
