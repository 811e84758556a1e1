"""Arithmetic of addresses: which subnet is free, what lies in it, what a device on it is called."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from engine.errors import Conflict
from engine.model import Network, Subnet

IpAddress = IPv4Address | IPv6Address
IpNetwork = IPv4Network | IPv6Network

PREFIX_LENGTH = 24
PREFIX_LENGTH_6 = 64  # what every host expects of a link (RFC 4291, 2.5.1)
DEFAULT_NETWORK = "bridge"
_FEW_ADDRESSES = 8
_LOCAL_PREFIX_LENGTH = 48
_UNIQUE_LOCAL = 0xFD << 120  # fd00::/8 (RFC 4193, 3.1)

# Private space (RFC 1918), beginning where podman does; the start is a /24 of the network's own.
_POOLS = (
    (int(IPv4Address("10.89.0.0")), int(IPv4Address("10.255.255.255"))),
    (int(IPv4Address("172.16.0.0")), int(IPv4Address("172.31.255.255"))),
    (int(IPv4Address("192.168.0.0")), int(IPv4Address("192.168.255.255"))),
)


def new_local_prefix() -> IPv6Network:
    """A /48 of unique local addresses with 40 random bits (RFC 4193, 3.2.2)."""
    return IPv6Network((_UNIQUE_LOCAL | secrets.randbits(40) << 80, _LOCAL_PREFIX_LENGTH))


def free_subnet(taken: Iterable[IpNetwork]) -> IPv4Network:
    """The first /24 of private space, from 10.89.0.0 upward, that overlaps with none of the networks in `taken`.

    Networks as wide as a default route (prefix length 0) say nothing about who is where and are ignored.

    Raises:
        Conflict: all of it is taken.
    """
    occupied = _occupied(taken, 4)
    for first, last in _POOLS:
        found = _first_gap(first, last, 1 << (32 - PREFIX_LENGTH), occupied)
        if found is not None:
            return IPv4Network((found, PREFIX_LENGTH))
    raise Conflict("every private IPv4 subnet is in use on this machine", "name another one with --subnet")


def free_subnet_6(prefix: IPv6Network, taken: Iterable[IpNetwork]) -> IPv6Network:
    """The first /64 of a prefix that overlaps with none of the networks in `taken`.

    Raises:
        Conflict: all of it is taken.
    """
    first, last = _span(prefix)
    found = _first_gap(first, last, 1 << (128 - PREFIX_LENGTH_6), _occupied(taken, 6))
    if found is None:
        raise Conflict(f"every subnet of {prefix} is in use on this machine", "name another one with --subnet")
    return IPv6Network((found, PREFIX_LENGTH_6))


def overlap(subnet: IpNetwork, taken: Iterable[IpNetwork]) -> IpNetwork | None:
    """The first of other networks that a subnet shares an address with; default routes don't count."""
    first, last = _span(subnet)
    for other in taken:
        if other.version == subnet.version and other.prefixlen > 0:
            start, end = _span(other)
            if start <= last and end >= first:
                return other
    return None


def gateway_of(subnet: IpNetwork) -> IpAddress:
    """The bridge's own address where nobody names another: the first of the subnet."""
    return subnet.network_address + 1 if subnet.num_addresses > 2 else subnet.network_address


def usable(subnet: IpNetwork) -> tuple[int, int]:
    """The first and the last address, as numbers, that a device may have.

    Neither the network's own address (IPv6: the subnet-router anycast address) nor the broadcast address is any
    device's, but where there are only two (RFC 3021, RFC 6164).
    """
    first, last = _span(subnet)
    if subnet.num_addresses <= 2:
        return first, last
    return first + 1, last - 1 if subnet.version == 4 else last


def lease_range(subnet: Subnet) -> tuple[int, int]:
    """The first and the last address, as numbers, that a container may be given; the gateway may lie between them."""
    first, last = usable(ip_network(subnet.subnet))
    if subnet.ip_range:
        start, end = _span(ip_network(subnet.ip_range))
        first, last = max(first, start), min(last, end)
    gateway = int(ip_address(subnet.gateway))
    return first + (first == gateway), last


def name_server_of(network: Network) -> str:
    """The address that names are asked at: the last one of a network's first subnet, or the one before.

    A subnet that is so small that its addresses are better given to containers is passed over; empty without another.
    """
    return next(filter(None, (_name_server_in(each.subnet, each.gateway) for each in network.subnets)), "")


@lru_cache(maxsize=64)
def _name_server_in(subnet: str, gateway: str) -> str:
    """Kept, since every start asks for it several times."""
    first, last = usable(ip_network(subnet))
    if last - first < _FEW_ADDRESSES:
        return ""
    return text_of(last - (last == int(ip_address(gateway))), 6 if ":" in subnet else 4)


def text_of(number: int, family: int) -> str:
    """An address in its canonical form, from a number."""
    if family == 4:
        return f"{number >> 24}.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
    return str(IPv6Address(number))


def mac_of(address: IpAddress) -> str:
    """A locally administered hardware address with the last four bytes of an address in it (docker's scheme).

    That of an IPv4 address is as unique as the address.
    """
    first = 0x02, (0x42 if address.version == 4 else 0x46)
    return ":".join(f"{byte:02x}" for byte in (*first, *address.packed[-4:]))


def random_mac() -> str:
    """A locally administered hardware address."""
    return "02:46:" + ":".join(f"{byte:02x}" for byte in secrets.token_bytes(4))


def moved(address: str, before: str, after: str) -> str:
    """The address that has the same place in another subnet."""
    distance = int(ip_network(after).network_address) - int(ip_network(before).network_address)
    return str(ip_address(address) + distance)


def _first_gap(first: int, last: int, size: int, occupied: list[tuple[int, int]]) -> int | None:
    """The lowest multiple of a size in first..last whose addresses touch no occupied span (sorted by start)."""
    candidate = first
    for start, end in _ending_after(first, occupied):
        if start > candidate + size - 1:
            break
        candidate = max(candidate, (end // size + 1) * size)
    return candidate if candidate + size - 1 <= last else None


def _ending_after(first: int, occupied: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    return ((start, end) for start, end in occupied if end >= first)


def _occupied(taken: Iterable[IpNetwork], version: int) -> list[tuple[int, int]]:
    return sorted(_span(network) for network in taken if network.version == version and network.prefixlen > 0)


def _span(network: IpNetwork) -> tuple[int, int]:
    return int(network.network_address), int(network.broadcast_address)
