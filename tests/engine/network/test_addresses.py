"""Which subnet a network gets, and what its devices are called."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import Conflict
from engine.network import addresses

networks = st.builds(
    lambda base, prefix: IPv4Network((base, prefix), strict=False),
    st.one_of(st.integers(0x0A000000, 0x0AFFFFFF), st.integers(0, 2**32 - 1)),
    st.integers(0, 32),
)


@pytest.mark.parametrize(
    ("taken", "expected"),
    [
        ([], "10.89.0.0/24"),
        (["192.0.2.0/24"], "10.89.0.0/24"),
        (["10.89.0.0/24"], "10.89.1.0/24"),
        (["10.89.0.77/32"], "10.89.1.0/24"),
        (["10.89.1.0/24"], "10.89.0.0/24"),
        (["10.89.0.0/24", "10.89.1.0/24", "10.89.3.0/24"], "10.89.2.0/24"),
        (["10.89.0.0/16"], "10.90.0.0/24"),
        (["10.88.0.0/15"], "10.90.0.0/24"),
        (["10.0.0.0/8"], "172.16.0.0/24"),
        (["10.0.0.0/8", "172.16.0.0/12"], "192.168.0.0/24"),
        (["0.0.0.0/0"], "10.89.0.0/24"),
        (["0.0.0.0/1"], "172.16.0.0/24"),
    ],
)
def test_the_first_free_subnet_is_chosen(taken: list[str], expected: str) -> None:
    assert addresses.free_subnet(map(IPv4Network, taken)) == IPv4Network(expected)


def test_a_machine_without_free_subnets_says_so() -> None:
    with pytest.raises(Conflict, match="every private IPv4 subnet is in use"):
        addresses.free_subnet([IPv4Network("0.0.0.0/1"), IPv4Network("128.0.0.0/1")])


@given(st.lists(networks, max_size=30))
def test_a_chosen_subnet_overlaps_with_nothing(taken: list[IPv4Network]) -> None:
    try:
        subnet = addresses.free_subnet(taken)
    except Conflict:
        return
    assert subnet.is_private
    assert not addresses.overlaps_any(subnet, taken)


@given(st.lists(networks, max_size=10))
def test_nothing_lower_would_have_been_free(taken: list[IPv4Network]) -> None:
    try:
        subnet = addresses.free_subnet(taken)
    except Conflict:
        return
    lower = range(int(IPv4Address("10.89.0.0")), min(int(subnet.network_address), int(IPv4Address("10.91.0.0"))), 256)
    assert all(addresses.overlaps_any(IPv4Network((base, 24)), taken) for base in lower)


def test_a_bridge_has_the_first_address_and_containers_the_rest() -> None:
    subnet = IPv4Network("10.89.4.0/24")
    first, last = addresses.lease_range(subnet)
    assert str(addresses.gateway_of(subnet)) == "10.89.4.1"
    assert (str(IPv4Address(first)), str(IPv4Address(last))) == ("10.89.4.2", "10.89.4.254")
    assert addresses.with_prefix(IPv4Address(first), subnet) == "10.89.4.2/24"


def test_the_hardware_address_carries_the_address() -> None:
    assert addresses.mac_of(IPv4Address("10.89.0.7")) == "02:42:0a:59:00:07"
