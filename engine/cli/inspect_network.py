"""``NetworkSettings`` of a container in ``inspect``, with docker's field names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import field

from engine.cli.documents import Document
from engine.cli.inspect_ports import PortBindings, port_bindings
from engine.model import Endpoint, PublishedPort


class EndpointDocument(Document, frozen=True, kw_only=True):
    """A container's place on one network."""

    network_id: str = field(name="NetworkID")
    gateway: str
    ip_address: str = field(name="IPAddress")
    ip_prefix_length: int = field(name="IPPrefixLen")
    ipv6_gateway: str = field(name="IPv6Gateway")
    global_ipv6_address: str = field(name="GlobalIPv6Address")
    global_ipv6_prefix_length: int = field(name="GlobalIPv6PrefixLen")
    mac_address: str
    aliases: tuple[str, ...]
    interface: str
    host_interface: str


class NetworkSettingsDocument(Document, frozen=True, kw_only=True):
    """``NetworkSettings`` of a container; outside of ``Networks`` it tells of its first one."""

    bridge: str = ""
    gateway: str = ""
    ip_address: str = field(name="IPAddress", default="")
    ip_prefix_length: int = field(name="IPPrefixLen", default=0)
    ipv6_gateway: str = field(name="IPv6Gateway", default="")
    global_ipv6_address: str = field(name="GlobalIPv6Address", default="")
    global_ipv6_prefix_length: int = field(name="GlobalIPv6PrefixLen", default=0)
    mac_address: str = ""
    host_interface: str = ""
    ports: PortBindings = field(default_factory=dict)
    networks: dict[str, EndpointDocument] = field(default_factory=dict)


def network_settings(endpoints: Sequence[Endpoint], ports: Iterable[PublishedPort]) -> NetworkSettingsDocument:
    """All places of a container.

    Args:
        ports: those that lead to it now.
    """
    if not endpoints:
        return NetworkSettingsDocument()
    first = _place(endpoints[0])
    return NetworkSettingsDocument(
        bridge=endpoints[0].bridge,
        gateway=first.gateway,
        ip_address=first.ip_address,
        ip_prefix_length=first.ip_prefix_length,
        ipv6_gateway=first.ipv6_gateway,
        global_ipv6_address=first.global_ipv6_address,
        global_ipv6_prefix_length=first.global_ipv6_prefix_length,
        mac_address=first.mac_address,
        host_interface=first.host_interface,
        ports=port_bindings(ports),
        networks={endpoint.network: _place(endpoint) for endpoint in endpoints},
    )


def _place(endpoint: Endpoint) -> EndpointDocument:
    address, _, prefix_length = endpoint.address.partition("/")
    address6, _, prefix_length6 = endpoint.address6.partition("/")
    return EndpointDocument(
        network_id=endpoint.network_id,
        gateway=endpoint.gateway,
        ip_address=address,
        ip_prefix_length=int(prefix_length or 0),
        ipv6_gateway=endpoint.gateway6,
        global_ipv6_address=address6,
        global_ipv6_prefix_length=int(prefix_length6 or 0),
        mac_address=endpoint.mac,
        aliases=endpoint.aliases,
        interface=endpoint.container_interface,
        host_interface=endpoint.host_interface,
    )
