"""IPv4 arithmetic: which subnet is free, what lies in it, what a device on it is called. No kernel, no store."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address, IPv4Network

from engine.errors import Conflict

PREFIX_LENGTH = 24

# Private space (RFC 1918), beginning where podman does; the start is a /24 of the network's own.
_POOLS = (
    (IPv4Address("10.89.0.0"), IPv4Address("10.255.255.255")),
    (IPv4Address("172.16.0.0"), IPv4Address("172.31.255.255")),
    (IPv4Address("192.168.0.0"), IPv4Address("192.168.255.255")),
)


def free_subnet(taken: Iterable[IPv4Network]) -> IPv4Network:
    """The first /24 of private space, from 10.89.0.0 upward, that overlaps with none of the networks in `taken`.

    Networks as wide as a default route (prefix length 0) say nothing about who is where and are ignored.

    Raises:
        Conflict: all of it is taken.
    """
    occupied = sorted(_span(network) for network in taken if network.prefixlen > 0)
    for first, last in _POOLS:
        found = _first_gap(int(first), int(last), occupied)
        if found is not None:
            return IPv4Network((found, PREFIX_LENGTH))
    raise Conflict("every private IPv4 subnet is in use on this machine", "remove a route or address of 10.0.0.0/8")


def overlaps_any(subnet: IPv4Network, taken: Iterable[IPv4Network]) -> bool:
    """Whether a subnet shares an address with any other; default routes don't count."""
    return any(network.prefixlen > 0 and subnet.overlaps(network) for network in taken)


def gateway_of(subnet: IPv4Network) -> IPv4Address:
    """The bridge's own address: the first of the subnet."""
    return subnet.network_address + 1


def lease_range(subnet: IPv4Network) -> tuple[int, int]:
    """The first and the last address, as numbers, that a container may have."""
    return int(subnet.network_address) + 2, int(subnet.broadcast_address) - 1


def mac_of(address: IPv4Address) -> str:
    """A locally administered hardware address that is as unique as the IPv4 address in it (docker's scheme)."""
    return ":".join(f"{byte:02x}" for byte in (0x02, 0x42, *address.packed))


def with_prefix(address: IPv4Address, subnet: IPv4Network) -> str:
    """An address in CIDR form."""
    return f"{address}/{subnet.prefixlen}"


def _first_gap(first: int, last: int, occupied: Iterable[tuple[int, int]]) -> int | None:
    """The lowest /24 boundary in first..last whose 256 addresses touch no occupied span (sorted by start)."""
    size = 1 << (32 - PREFIX_LENGTH)
    candidate = first
    for start, end in _ending_after(first, occupied):
        if start > candidate + size - 1:
            break
        candidate = max(candidate, (end // size + 1) * size)
    return candidate if candidate + size - 1 <= last else None


def _ending_after(first: int, occupied: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    return ((start, end) for start, end in occupied if end >= first)


def _span(network: IPv4Network) -> tuple[int, int]:
    return int(network.network_address), int(network.broadcast_address)
