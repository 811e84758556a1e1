"""How containers reach each other and the outside: the kernel's devices, matched with what the store knows.

Devices, addresses and routes come from the kernel, through pyroute2, at the moment of the call. The store
only says which bridge is ours and which container a veth belongs to.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from engine.model import BridgeNode, BridgePort, Container, Topology, Uplink
from engine.network import host
from engine.network.host import HostNetwork
from engine.network.records import Network

_IFF_UP = 1


async def read(networks: Sequence[Network], containers: Iterable[Container]) -> Topology:
    """The topology in the network namespace of the calling thread.

    Raises:
        OSError: the kernel doesn't answer.
    """
    async with host.route_socket() as route:
        links = [link async for link in await route.get_links()]
        surroundings = await host.read(route)
    owners = {c.endpoint.host_interface: c for c in containers if c.endpoint is not None}
    nodes = (_bridge(network, links, surroundings, owners) for network in networks)
    return Topology(uplink=_uplink(links, surroundings), bridges=tuple(node for node in nodes if node is not None))


def _uplink(links: Iterable[Any], surroundings: HostNetwork) -> Uplink | None:
    route = surroundings.default_route
    name = next((_name(link) for link in links if route and link["index"] == route.index), None)
    if route is None or name is None:
        return None
    return Uplink(interface=name, addresses=surroundings.addresses_of(route.index), gateway=route.gateway)


def _bridge(
    network: Network, links: Sequence[Any], surroundings: HostNetwork, owners: dict[str, Container]
) -> BridgeNode | None:
    device = next((link for link in links if _name(link) == network.bridge), None)
    if device is None:
        return None
    ports = (link for link in links if link.get_attr("IFLA_MASTER") == device["index"])
    return BridgeNode(
        name=network.bridge,
        network=network.name,
        is_up=_is_up(device),
        addresses=surroundings.addresses_of(device["index"]),
        ports=tuple(_port(link, owners.get(_name(link))) for link in ports),
    )


def _port(link: Any, owner: Container | None) -> BridgePort:
    """One device on a bridge; what the host's end of a veth sends is what the container receives."""
    stats = link.get_attr("IFLA_STATS64") or {"tx_bytes": 0, "rx_bytes": 0}
    endpoint = owner.endpoint if owner else None
    return BridgePort(
        host_interface=_name(link),
        is_up=_is_up(link),
        container_id=owner.id if owner else None,
        container_name=owner.name if owner else None,
        container_interface=endpoint.container_interface if endpoint else None,
        address=endpoint.address if endpoint else None,
        mac=endpoint.mac if endpoint else None,
        received_bytes=stats["tx_bytes"],
        sent_bytes=stats["rx_bytes"],
    )


def _name(link: Any) -> str:
    return str(link.get_attr("IFLA_IFNAME"))


def _is_up(link: Any) -> bool:
    return bool(link["flags"] & _IFF_UP)
