"""The topology as people think of it: uplinks, bridges with what hangs on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from engine.model import (
    BridgeNode,
    BridgePort,
    Container,
    Endpoint,
    LinkEnd,
    Network,
    NetworkDevice,
    NetworkSpace,
    PortMap,
    Topology,
    Uplink,
)
from engine.network.addresses import DEFAULT_NETWORK, name_server_of
from engine.paths import NAMES_INTERFACE

_Owner = tuple[Container, Endpoint]
_MAIN_TABLE = 254


def topology(
    spaces: tuple[NetworkSpace, ...],
    networks: Sequence[Network],
    containers: Sequence[Container],
    ports: tuple[PortMap, ...],
) -> Topology:
    """Everything, from namespaces of which the first is the host's."""
    host = spaces[0]
    uplinks = _uplinks(host)
    owners = {endpoint.host_interface: (each, endpoint) for each in containers for endpoint in each.endpoints}
    known = {network.bridge: network for network in networks}
    found = [device for device in host.devices if device.kind == "bridge"]
    found.sort(key=lambda device: _order(known.get(device.name)))
    everything = {space.inode: space for space in spaces}
    return Topology(
        uplink=uplinks[0] if uplinks else None,
        bridges=tuple(_bridge(device, host, known.get(device.name), owners, everything) for device in found),
        uplinks=uplinks,
        spaces=spaces,
        ports=ports,
    )


def _order(network: Network | None) -> tuple[bool, bool, bool, str]:
    """Those that lead out come first, ours before others' and the default one before all; internal ones are last."""
    if network is None:
        return False, True, True, ""
    return network.internal, False, network.name != DEFAULT_NETWORK, network.name


def _uplinks(host: NetworkSpace) -> tuple[Uplink, ...]:
    """Where default routes leave: IPv4's first, each by its metric, each device once."""
    found: dict[int, Uplink] = {}
    for route in host.routes:  # in that order already
        device = host.device(route.index)
        if route.destination == "default" and route.table == _MAIN_TABLE and device and device.index not in found:
            found[device.index] = Uplink(
                interface=device.name,
                addresses=_global(device),
                gateway=route.gateway or None,
                index=device.index,
                is_up=device.is_up,
                has_carrier=device.has_carrier,
                mtu=device.mtu,
                counters=device.counters,
                rates=device.rates,
            )
    return tuple(found.values())


def _bridge(
    bridge: NetworkDevice,
    host: NetworkSpace,
    network: Network | None,
    owners: Mapping[str, _Owner],
    spaces: Mapping[int, NetworkSpace],
) -> BridgeNode:
    return BridgeNode(
        name=bridge.name,
        network=network.name if network is not None else "",
        is_up=bridge.is_up,
        addresses=_global(bridge),
        ports=tuple(_port(d, owners.get(d.name), network, spaces) for d in host.devices if d.master == bridge.index),
        is_internal=network is not None and network.internal,
        index=bridge.index,
        mtu=bridge.mtu,
        rates=bridge.rates,
    )


def _port(
    device: NetworkDevice, owned: _Owner | None, network: Network | None, spaces: Mapping[int, NetworkSpace]
) -> BridgePort:
    """One device on a bridge; what the host's end of a pair sends is what the other end receives."""
    owner, endpoint = owned or (None, None)
    space, inside = _other_end(device.peer, spaces)
    address = next(iter(_global(inside)), None) if inside is not None else None
    name = owner.name if owner is not None else space.holder if space is not None else None
    if network is not None and device.name.startswith(NAMES_INTERFACE) and device.name.endswith(network.id[:6]):
        name, address = "(names)", address or name_server_of(network)
    if endpoint is not None:
        address = address or endpoint.address or endpoint.address6
    return BridgePort(
        host_interface=device.name,
        is_up=device.is_up,
        has_carrier=device.has_carrier,
        index=device.index,
        kind=device.kind,
        container_id=owner.id if owner is not None else next(iter(space.container_ids), None) if space else None,
        container_name=name,
        container_interface=inside.name if inside is not None else endpoint.container_interface if endpoint else None,
        address=address,
        mac=inside.mac if inside is not None else endpoint.mac if endpoint else None,
        mtu=device.mtu,
        peer=device.peer,
        counters=device.counters.turned(),
        rates=device.rates.turned() if device.rates is not None else None,
    )


def _other_end(
    end: LinkEnd | None, spaces: Mapping[int, NetworkSpace]
) -> tuple[NetworkSpace | None, NetworkDevice | None]:
    space = spaces.get(end.namespace) if end is not None else None
    return space, space.device(end.index) if space is not None and end is not None else None


def _global(device: NetworkDevice) -> tuple[str, ...]:
    """Its addresses but those of links alone, which every device has."""
    return tuple(address for address in device.addresses if not address.startswith("fe80:"))
