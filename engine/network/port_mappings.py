"""Which elements of the firewall a container's published ports are, given its places on networks. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address

from msgspec import Struct

from engine.errors import Conflict
from engine.model import Endpoint
from engine.model.published_port import PublishedPort
from engine.network.ruleset import Address, PortMapping

EVERYWHERE: tuple[Address, ...] = (IPv4Address("0.0.0.0"), IPv6Address("::"))
_LOOPBACK6 = IPv6Address("::1")


class Way(Struct, frozen=True, kw_only=True):
    """The addresses that a container is reached at from outside its networks, and the bridges that lead there."""

    ipv4: IPv4Address | None = None
    ipv6: IPv6Address | None = None
    bridge4: str = ""
    bridge6: str = ""


def way_to(endpoints: Iterable[Endpoint]) -> Way:
    """By the first network of each family that isn't internal, which is the one with a gateway."""
    way = Way()
    for endpoint in reversed(tuple(endpoints)):
        if endpoint.address and endpoint.gateway:
            address = IPv4Address(endpoint.address.partition("/")[0])
            way = Way(ipv4=address, ipv6=way.ipv6, bridge4=endpoint.bridge, bridge6=way.bridge6)
        if endpoint.address6 and endpoint.gateway6:
            address6 = IPv6Address(endpoint.address6.partition("/")[0])
            way = Way(ipv4=way.ipv4, ipv6=address6, bridge4=way.bridge4, bridge6=endpoint.bridge)
    return way


def host_addresses(port: PublishedPort, way: Way) -> tuple[Address, ...]:
    """Where on the host a port is taken: of the families that lead to the container.

    Raises:
        Conflict: none leads there.
    """
    wanted = (ip_address(port.host_address),) if port.host_address else EVERYWHERE
    found = tuple(each for each in wanted if (way.ipv4 if each.version == 4 else way.ipv6) is not None)
    if not found:
        family = {"": "", "4": "IPv4 "}.get(port.host_address and str(wanted[0].version), "IPv6 ")
        raise Conflict(
            f"port {port.container_words} can't be published: the container has no {family}address that is reached "
            "from outside",
            "put it on a network that isn't internal and has such addresses",
        )
    return found


def mappings(ports: Sequence[PublishedPort], way: Way, loopback6: bool) -> tuple[PortMapping, ...]:
    """One element for each address of the host's and each port.

    Args:
        loopback6: whether [::1] leads to the container's bridge; where it doesn't, what is published at all addresses
            isn't at this one, so that a program that tries it first is refused at once and goes on to 127.0.0.1.

    Raises:
        Conflict: as `host_addresses`.
    """
    found: list[PortMapping] = []
    for port in ports:
        for address in host_addresses(port, way):
            found.append(_mapping(address, port, way))
            if loopback6 and address == EVERYWHERE[1]:
                found.append(_mapping(_LOOPBACK6, port, way))
    return tuple(found)


def _mapping(address: Address, port: PublishedPort, way: Way) -> PortMapping:
    target = way.ipv4 if address.version == 4 else way.ipv6
    assert target is not None
    return PortMapping(
        host_address=address,
        host_port=port.host_port,
        protocol=port.protocol,
        container_address=target,
        container_port=port.container_port,
    )
