"""Addresses that containers lease from the store."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

import pytest

from engine.errors import Conflict, NotFound
from engine.network import records
from engine.network.networks import Networks
from engine.network.records import Network
from engine.store.database import Database
from tests.engine.network.boxes import add_container


def network_on(subnet: str) -> Network:
    chosen = IPv4Network(subnet)
    return Network(name="bridge", bridge="boxdeck0", subnet=chosen, gateway=chosen.network_address + 1)


@pytest.fixture
def networks(engine_on: Callable[..., Networks]) -> Networks:
    made = engine_on()
    records.save(made._database, network_on("10.89.0.0/24"))
    return made


def lease(networks: Networks, number: int) -> str:
    return networks.lease(add_container(networks, number)).address


def remove(networks: Networks, number: int) -> None:
    networks._database.execute("DELETE FROM containers WHERE name = ?", (f"box-{number}",))


def test_containers_get_the_lowest_free_address(networks: Networks) -> None:
    assert [lease(networks, n) for n in range(3)] == ["10.89.0.2/24", "10.89.0.3/24", "10.89.0.4/24"]
    remove(networks, 1)
    remove(networks, 0)
    assert [lease(networks, n) for n in range(3, 6)] == ["10.89.0.2/24", "10.89.0.3/24", "10.89.0.5/24"]


def test_a_container_keeps_its_address(networks: Networks) -> None:
    first = add_container(networks, 1)
    before = networks.lease(first)
    lease(networks, 2)
    assert networks.lease(first) == before


def test_an_endpoint_says_how_a_container_is_connected(networks: Networks) -> None:
    container_id = add_container(networks, 0xABC)
    endpoint = networks.lease(container_id)
    assert (endpoint.network, endpoint.bridge, endpoint.gateway) == ("bridge", "boxdeck0", "10.89.0.1")
    assert (endpoint.container_interface, endpoint.mac) == ("eth0", "02:42:0a:59:00:02")
    assert endpoint.host_interface.endswith("00000abc") and len(endpoint.host_interface) <= 15


def test_a_full_network_says_so_and_takes_again_after_a_removal(networks: Networks) -> None:
    with networks._database.transaction():
        taken = [lease(networks, n) for n in range(253)]
    assert len(set(taken)) == 253 and taken[-1] == "10.89.0.254/24"
    with pytest.raises(Conflict, match="network bridge has no free address"):
        lease(networks, 253)
    remove(networks, 100)
    assert networks.lease(add_container(networks, 254)).address == taken[100]


def test_a_lease_taken_in_a_transaction_that_fails_is_gone(networks: Networks) -> None:
    with contextlib.suppress(ZeroDivisionError), networks._database.transaction():
        assert lease(networks, 1) == "10.89.0.2/24"
        raise ZeroDivisionError
    assert lease(networks, 2) == "10.89.0.2/24"


def test_engines_on_the_same_root_never_lease_the_same_address(networks: Networks, tmp_path: Path) -> None:
    other = Networks(networks._paths, Database(networks._paths.database))
    taken = [lease(engine, n) for n, engine in enumerate([networks, other] * 20)]
    other._database.close()
    assert len(set(taken)) == 40


def test_leases_move_with_their_network(networks: Networks) -> None:
    containers = [add_container(networks, n) for n in range(3)]
    before = [networks.lease(c).address for c in containers]
    records.save(networks._database, network_on("10.89.7.0/24"))
    after = [networks.lease(c).address for c in containers]
    assert before == ["10.89.0.2/24", "10.89.0.3/24", "10.89.0.4/24"]
    assert after == ["10.89.7.2/24", "10.89.7.3/24", "10.89.7.4/24"]
    assert networks.lease(containers[0]).gateway == "10.89.7.1"


def test_a_network_that_nobody_made_is_not_found(engine_on: Callable[..., Networks]) -> None:
    networks = engine_on()
    container_id = add_container(networks, 1)
    with pytest.raises(NotFound, match="no network called bridge"):
        networks.lease(container_id)


def test_a_lease_needs_its_container(networks: Networks) -> None:
    from sqlite3 import IntegrityError

    with pytest.raises(IntegrityError, match="FOREIGN KEY"):
        records.lease(networks._database, network_on("10.89.0.0/24"), "nobody")
    assert records.leased(networks._database, "bridge", "nobody") is None
    assert IPv4Address("10.89.0.2") == records.lease(
        networks._database, network_on("10.89.0.0/24"), add_container(networks, 9)
    )
