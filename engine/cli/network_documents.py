"""Networks as JSON, with docker's field names (Docker Engine API, NetworkList and NetworkInspect)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from msgspec import field

from engine.cli.documents import Document
from engine.cli.formats import rfc3339
from engine.model import Endpoint, Network

if TYPE_CHECKING:
    from engine.engine import Engine

DRIVER = "bridge"
_MTU = "com.docker.network.driver.mtu"
_BRIDGE = "com.docker.network.bridge.name"


class NetworkRow(Document, frozen=True, kw_only=True):
    """``docker network ls --format json``, with the subnets."""

    id: str = field(name="ID")
    name: str
    driver: str = DRIVER
    scope: str = "local"
    ipv4: str = field(name="IPv4")
    ipv6: str = field(name="IPv6")
    internal: str
    labels: str
    created_at: str
    subnets: str


class SubnetDocument(Document, frozen=True, kw_only=True, omit_defaults=True):
    """One of ``IPAM.Config``."""

    subnet: str
    ip_range: str = field(name="IPRange", default="")
    gateway: str


class IpamDocument(Document, frozen=True, kw_only=True):
    """``IPAM`` of a network: where its addresses come from."""

    driver: str = "default"
    options: dict[str, str] = field(default_factory=dict)
    config: tuple[SubnetDocument, ...]


class MemberDocument(Document, frozen=True, kw_only=True):
    """One of ``Containers`` of a network."""

    name: str
    endpoint_id: str = field(name="EndpointID")
    mac_address: str
    ipv4_address: str = field(name="IPv4Address")
    ipv6_address: str = field(name="IPv6Address")
    interface: str
    host_interface: str
    aliases: tuple[str, ...]


class NetworkDocument(Document, frozen=True, kw_only=True):
    """A network with everything that is known of it."""

    name: str
    id: str
    created: str
    scope: str = "local"
    driver: str = DRIVER
    enable_ipv4: bool = field(name="EnableIPv4")
    enable_ipv6: bool = field(name="EnableIPv6")
    ipam: IpamDocument = field(name="IPAM")
    internal: bool
    attachable: bool = False
    ingress: bool = False
    containers: dict[str, MemberDocument]
    options: dict[str, str]
    labels: dict[str, str]


def network_row(network: Network, whole: bool = False) -> NetworkRow:
    """A network as lists show it; its id shortened unless `whole`."""
    return NetworkRow(
        id=network.id if whole else network.short_id,
        name=network.name,
        ipv4=str(network.ipv4 is not None).lower(),
        ipv6=str(network.ipv6 is not None).lower(),
        internal=str(network.internal).lower(),
        labels=",".join(f"{key}={value}" for key, value in network.labels.items()),
        created_at=rfc3339(network.created_unix_ns),
        subnets=", ".join(subnet.subnet for subnet in network.subnets),
    )


async def network_of(engine: Engine, reference: str) -> NetworkDocument:
    """A network by name, id or beginning of its id.

    Raises:
        NotFound: there is none.
    """
    network = await engine.networks.get(reference)
    names = {each.id: each.name for each in await engine.containers.list(all_states=True)}
    return network_document(network, await engine.networks.members(network.id), names)


def network_document(
    network: Network, members: Iterable[tuple[str, Endpoint]], names: Mapping[str, str]
) -> NetworkDocument:
    """A network with the containers on it, whether they run or not.

    Args:
        names: of containers, by their ids.
    """
    options = {_BRIDGE: network.bridge, **({_MTU: str(network.mtu)} if network.mtu else {})}
    return NetworkDocument(
        name=network.name,
        id=network.id,
        created=rfc3339(network.created_unix_ns),
        enable_ipv4=network.ipv4 is not None,
        enable_ipv6=network.ipv6 is not None,
        ipam=IpamDocument(
            config=tuple(
                SubnetDocument(subnet=subnet.subnet, ip_range=subnet.ip_range, gateway=subnet.gateway)
                for subnet in network.subnets
            )
        ),
        internal=network.internal,
        containers={found: _member(names.get(found, ""), found, endpoint) for found, endpoint in members},
        options=options,
        labels=network.labels,
    )


def _member(name: str, container_id: str, endpoint: Endpoint) -> MemberDocument:
    return MemberDocument(
        name=name,
        endpoint_id=f"{endpoint.network_id[:12]}{container_id[:52]}",
        mac_address=endpoint.mac,
        ipv4_address=endpoint.address,
        ipv6_address=endpoint.address6,
        interface=endpoint.container_interface,
        host_interface=endpoint.host_interface,
        aliases=endpoint.aliases,
    )
