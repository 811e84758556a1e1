"""Which names there are on a network, and of whom."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from engine.names import message
from engine.names.message import Question
from engine.names.zone import Member, Zone

WEB = Member(container_id="a", names=("web", "www", "0123456789ab"), addresses=("10.9.0.2", "fd00::2"))
TWIN = Member(container_id="b", names=("twin", "www", "ba9876543210"), addresses=("10.9.0.3", "fd00::3"))
GONE = Member(container_id="c", names=("gone", "www"), addresses=("10.9.0.4",), servers=("192.0.2.53",))


@pytest.fixture
def zone() -> Zone:
    return Zone("One", (WEB, TWIN, GONE), {"a", "b"})


def asked(zone: Zone, name: str, kind: int) -> set[str] | None:
    found = zone.find(Question(name, kind, 0, 512))
    return None if found is None else {str(value) for value in found}


@pytest.mark.parametrize("name", ["web", "0123456789ab", "web.one"])
def test_a_container_is_found_by_name_short_id_and_with_its_network(zone: Zone, name: str) -> None:
    assert asked(zone, name, message.A) == {"10.9.0.2"} and asked(zone, name, message.AAAA) == {"fd00::2"}
    assert asked(zone, name, message.ANY) == {"10.9.0.2", "fd00::2"}


def test_a_shared_name_is_all_who_live(zone: Zone) -> None:
    assert asked(zone, "www", message.A) == {"10.9.0.2", "10.9.0.3"}
    orders = {tuple(map(str, zone.find(Question("www", message.A, 0, 512)) or ())) for _ in range(200)}
    assert len(orders) == 2


def test_a_known_name_has_none_of_other_kinds_and_an_unknown_one_is_unknown(zone: Zone) -> None:
    assert asked(zone, "web", 16) == set()
    assert asked(zone, "gone", message.A) is None and asked(zone, "example.org", message.A) is None


def test_addresses_have_names(zone: Zone) -> None:
    for address in WEB.addresses:
        assert asked(zone, ip_address(address).reverse_pointer, message.PTR) == {"web.one"}
    assert asked(zone, ip_address("10.9.0.4").reverse_pointer, message.PTR) is None
    assert asked(zone, ip_address("192.0.2.1").reverse_pointer, message.PTR) is None


def test_a_container_may_have_servers_of_its_own(zone: Zone) -> None:
    assert zone.servers_of("10.9.0.4") == ("192.0.2.53",) and zone.servers_of("10.9.0.2") == ()
