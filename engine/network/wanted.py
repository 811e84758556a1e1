"""What a person asks of a network, looked at before anything is made: names, subnets, packet sizes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TypeVar

from engine.errors import InvalidRequest, Unsupported
from engine.model import NetworkRequest, Subnet
from engine.network import addresses, forwarding
from engine.network.addresses import IpAddress, IpNetwork

_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}")
_WORDS = ("none", "host", "default", "container")  # what --network means otherwise
_SMALLEST_MTU = 68  # RFC 791
_SMALLEST_MTU_6 = 1280  # RFC 8200, 5
_LARGEST_MTU = 65535  # br_set_mtu
_Part = TypeVar("_Part", IPv4Address | IPv6Address, IPv4Network | IPv6Network)
_SMALLEST = {4: 31, 6: 127}  # prefix lengths: with room for the bridge and one container


def check_name(name: str) -> None:
    """Refuse what can't be a network's name.

    Raises:
        InvalidRequest: it has characters other than letters, digits and ``_.-``, or means something else.
    """
    if not _NAME.fullmatch(name):
        raise InvalidRequest(
            f"{name!r} can't be a network's name", "use letters, digits, and _ . - after the first, 128 at most"
        )
    if name in _WORDS:
        raise InvalidRequest(f"--network {name} means something else already", "choose another name")


def subnets(request: NetworkRequest) -> tuple[Subnet, ...]:
    """The subnets that are named, IPv4 first.

    Raises:
        InvalidRequest: with what can't be.
    """
    networks = sorted((_network("--subnet", text) for text in request.subnets), key=lambda network: network.version)
    if len({network.version for network in networks}) < len(networks):
        raise InvalidRequest("a network has one subnet of each family", "name one of IPv4 and one of IPv6 at most")
    for network in networks:
        _check_subnet(network)
    gateways = _by_subnet("--gateway", [_address("--gateway", text) for text in request.gateways], networks)
    ranges = _by_subnet("--ip-range", [_network("--ip-range", text) for text in request.ip_ranges], networks)
    return tuple(_subnet(network, gateways.get(network), ranges.get(network)) for network in networks)


def check(request: NetworkRequest, named: Iterable[Subnet], ipv6: bool) -> None:
    """Refuse families that are wanted and not wanted, and packet sizes that a family can't have.

    Args:
        ipv6: whether the network will have it.

    Raises:
        InvalidRequest: with what can't be.
        Unsupported: the kernel has no IPv6.
    """
    families = {ip_network(subnet.subnet).version for subnet in named}
    for family, asked in ((4, request.ipv4), (6, request.ipv6)):
        if family in families and asked is False:
            raise InvalidRequest(f"an IPv{family} subnet contradicts --ipv{family}=false", "leave one of them out")
    if not (families or request.ipv4 or ipv6):
        raise InvalidRequest("a network needs IPv4 or IPv6", "leave out --ipv4=false or --ipv6=false")
    if ipv6 and not forwarding.has_ipv6():
        raise Unsupported("this kernel has no IPv6", "add --ipv6=false, and name no IPv6 --subnet")
    smallest = _SMALLEST_MTU_6 if ipv6 else _SMALLEST_MTU
    if request.mtu is not None and not smallest <= request.mtu <= _LARGEST_MTU:
        reason = f"{smallest} to {_LARGEST_MTU} bytes" + (", or smaller with --ipv6=false" if ipv6 else "")
        raise InvalidRequest(f"--mtu {request.mtu} is not possible", f"choose {reason}")


def _subnet(network: IpNetwork, gateway: IpAddress | None, ip_range: IpNetwork | None) -> Subnet:
    first, last = addresses.usable(network)
    if gateway is not None and not first <= int(gateway) <= last:
        raise InvalidRequest(f"no device can have the address {gateway} in {network}", "choose another --gateway")
    return Subnet(
        subnet=str(network),
        gateway=str(gateway if gateway is not None else addresses.gateway_of(network)),
        ip_range=str(ip_range or ""),
        is_fixed=True,
    )


def _check_subnet(network: IpNetwork) -> None:
    if network.prefixlen > _SMALLEST[network.version]:
        raise InvalidRequest(f"{network} has no room for a bridge and a container", "choose a larger --subnet")
    unusual = network.is_multicast or network.is_loopback or network.is_link_local or network.is_unspecified
    if unusual or network.prefixlen == 0:
        raise InvalidRequest(f"{network} can't be the addresses of a network", "choose one such as 10.10.0.0/24")


def _by_subnet(option: str, values: Iterable[_Part], networks: Sequence[IpNetwork]) -> dict[IpNetwork, _Part]:
    """Addresses or ranges by the subnet that they lie in."""
    found: dict[IpNetwork, _Part] = {}
    for value in values:
        home = next((network for network in networks if _is_within(ip_network(value), network)), None)
        if home is None:
            raise InvalidRequest(f"{option} {value} is in no --subnet of this network", "name its --subnet, too")
        if home in found:
            raise InvalidRequest(f"{option} is given twice for {home}", "leave one of them out")
        found[home] = value
    return found


def _is_within(value: IpNetwork, network: IpNetwork) -> bool:
    return value.version == network.version and value.subnet_of(network)  # type: ignore[arg-type]


def _network(option: str, text: str) -> IpNetwork:
    try:
        return ip_network(text)
    except ValueError:
        pass
    try:
        meant = ip_network(text, strict=False)
    except ValueError as error:
        raise InvalidRequest(
            f"{option} {text!r} is not a subnet", "write it such as 10.10.0.0/24 or fd00::/64"
        ) from error
    raise InvalidRequest(f"{option} {text} is an address within a subnet", f"write {meant}")


def _address(option: str, text: str) -> IpAddress:
    try:
        return ip_address(text)
    except ValueError as error:
        raise InvalidRequest(f"{option} {text!r} is not an address", "write it such as 10.10.0.1 or fd00::1") from error
