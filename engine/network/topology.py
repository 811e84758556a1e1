"""How containers reach each other and the outside: the kernel's devices, matched with what the store knows.

Devices, addresses and routes come from the kernel at the moment of the call, the latter two through pyroute2.
The store only says which bridge is ours and which container a veth belongs to.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from engine.model import BridgeNode, BridgePort, Container, Endpoint, Network, Topology, Uplink
from engine.network import host, links, transport
from engine.network.addresses import name_server_of
from engine.network.host import HostNetwork
from engine.network.links import Link
from engine.paths import NAMES_INTERFACE

_Owner = tuple[Container, Endpoint]


async def read(networks: Sequence[Network], containers: Iterable[Container]) -> Topology:
    """The topology in the network namespace of the calling thread.

    Raises:
        OSError: the kernel doesn't answer.
    """
    with transport.open_socket() as sock:
        devices = links.read(sock)
    async with host.route_socket() as route:
        surroundings = await host.read(route)
    owners = {endpoint.host_interface: (c, endpoint) for c in containers for endpoint in c.endpoints}
    nodes = (_bridge(network, devices, surroundings, owners) for network in networks)
    return Topology(uplink=_uplink(devices, surroundings), bridges=tuple(node for node in nodes if node is not None))


def _uplink(devices: Iterable[Link], surroundings: HostNetwork) -> Uplink | None:
    route = surroundings.default_route
    device = next((device for device in devices if route and device.index == route.index), None)
    if route is None or device is None:
        return None
    return Uplink(interface=device.name, addresses=surroundings.addresses_of(route.index), gateway=route.gateway)


def _bridge(
    network: Network, devices: Sequence[Link], surroundings: HostNetwork, owners: Mapping[str, _Owner]
) -> BridgeNode | None:
    bridge = next((device for device in devices if device.name == network.bridge), None)
    if bridge is None:
        return None
    return BridgeNode(
        name=bridge.name,
        network=network.name,
        is_up=bridge.is_up,
        addresses=surroundings.addresses_of(bridge.index),
        ports=tuple(_port(d, owners.get(d.name), network) for d in devices if d.master == bridge.index),
        is_internal=network.internal,
    )


def _port(device: Link, owned: _Owner | None, network: Network) -> BridgePort:
    """One device on a bridge; what the host's end of a veth sends is what the container receives."""
    owner, endpoint = owned or (None, None)
    if owner is None and device.name.startswith(NAMES_INTERFACE) and device.name.endswith(network.id[:6]):
        address = name_server_of(network)
        return BridgePort(host_interface=device.name, is_up=device.is_up, container_name="(names)", address=address)
    return BridgePort(
        host_interface=device.name,
        is_up=device.is_up,
        container_id=owner.id if owner else None,
        container_name=owner.name if owner else None,
        container_interface=endpoint.container_interface if endpoint else None,
        address=(endpoint.address or endpoint.address6) if endpoint else None,
        mac=endpoint.mac if endpoint else None,
        received_bytes=device.statistics.tx_bytes,
        sent_bytes=device.statistics.rx_bytes,
    )
