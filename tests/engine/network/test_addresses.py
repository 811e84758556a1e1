"""Which subnet a network gets, and what its devices are called."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import Conflict
from engine.model import Subnet
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
    assert addresses.overlap(subnet, taken) is None


@given(st.lists(networks, max_size=10))
def test_nothing_lower_would_have_been_free(taken: list[IPv4Network]) -> None:
    try:
        subnet = addresses.free_subnet(taken)
    except Conflict:
        return
    lower = range(int(IPv4Address("10.89.0.0")), min(int(subnet.network_address), int(IPv4Address("10.91.0.0"))), 256)
    assert all(addresses.overlap(IPv4Network((base, 24)), taken) for base in lower)


networks_6 = st.builds(
    lambda base, prefix: IPv6Network((base, prefix), strict=False),
    st.integers(0xFD << 120, (0xFD << 120) + (1 << 82)),
    st.integers(0, 128),
)


@given(st.lists(networks_6, max_size=30), st.integers(0, 7))
def test_an_ipv6_subnet_is_a_64_of_its_prefix_that_nobody_has(taken: list[IPv6Network], number: int) -> None:
    prefix = IPv6Network(((0xFD << 120) + (number << 80), 48))
    try:
        subnet = addresses.free_subnet_6(prefix, taken)
    except Conflict:
        assert any(addresses.overlap(prefix, (other,)) for other in taken)
        return
    assert subnet.prefixlen == 64 and subnet.subnet_of(prefix)
    assert addresses.overlap(subnet, taken) is None


def test_a_full_ipv6_prefix_says_so() -> None:
    prefix = IPv6Network("fd00:0:1::/48")
    with pytest.raises(Conflict, match="every subnet of fd00:0:1::/48 is in use"):
        addresses.free_subnet_6(prefix, [IPv6Network("fd00::/32")])


def test_prefixes_are_unique_local_and_random() -> None:
    made = {addresses.new_local_prefix() for _ in range(50)}
    assert len(made) == 50
    assert all(prefix.prefixlen == 48 and prefix.subnet_of(IPv6Network("fd00::/8")) for prefix in made)


@pytest.mark.parametrize(
    ("subnet", "gateway", "ip_range", "expected"),
    [
        ("10.89.4.0/24", "10.89.4.1", "", ("10.89.4.2", "10.89.4.254")),
        ("10.89.4.0/24", "10.89.4.254", "", ("10.89.4.1", "10.89.4.254")),
        ("10.89.4.0/24", "10.89.4.1", "10.89.4.128/25", ("10.89.4.128", "10.89.4.254")),
        ("10.89.4.0/24", "10.89.4.1", "10.89.4.0/30", ("10.89.4.2", "10.89.4.3")),
        ("10.89.4.0/31", "10.89.4.0", "", ("10.89.4.1", "10.89.4.1")),
        ("fd00::/64", "fd00::1", "", ("fd00::2", "fd00::ffff:ffff:ffff:ffff")),
        ("fd00::/127", "fd00::", "", ("fd00::1", "fd00::1")),
    ],
)
def test_containers_have_what_the_bridge_and_the_subnet_leave(
    subnet: str, gateway: str, ip_range: str, expected: tuple[str, str]
) -> None:
    first, last = addresses.lease_range(Subnet(subnet=subnet, gateway=gateway, ip_range=ip_range))
    family = 6 if ":" in subnet else 4
    assert (addresses.text_of(first, family), addresses.text_of(last, family)) == expected


def test_an_address_keeps_its_place_in_another_subnet() -> None:
    assert addresses.moved("10.89.0.7", "10.89.0.0/24", "10.91.3.0/24") == "10.91.3.7"
    assert addresses.moved("fd00::7", "fd00::/64", "fd00:0:0:4::/64") == "fd00:0:0:4::7"


def test_the_hardware_address_carries_the_address() -> None:
    assert addresses.mac_of(IPv4Address("10.89.0.7")) == "02:42:0a:59:00:07"
    assert addresses.mac_of(IPv6Address("fd00::a:7")) == "02:46:00:0a:00:07"
