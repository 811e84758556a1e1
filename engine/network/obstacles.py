"""Rules of others that may keep traffic from containers: docker's, firewalld's, ufw's or a person's. Only read.

A packet that our table lets pass is still dropped by any other table that drops it (nft(8), "VERDICT STATEMENTS").
Other packets to the same container may pass, by rules for their port, so these are warnings and no refusals.
"""

from __future__ import annotations

from ipaddress import ip_interface

from engine.model import Endpoint
from engine.network import legacy_iptables, nft_passage, transport
from engine.network.passage import Packet


def obstacles(own_table: str, endpoint: Endpoint, has_ports: bool = False) -> tuple[str, ...]:
    """One sentence for each chain that drops what a container sends, or gets by way of other devices of the host's.

    Args:
        endpoint: the container's place. Where it has no gateway, nothing of it is forwarded.
        has_ports: whether others than the host itself reach published ports of it.

    Raises:
        OSError: EPERM without CAP_NET_ADMIN.
    """
    found: dict[str, str] = {}  # who, and what it drops
    packets = _packets(endpoint, has_ports)
    with transport.open_socket(transport.NETLINK_NETFILTER) as sock:
        foreign = nft_passage.ForeignChains(sock, own_table)
        for what, packet in packets:
            chains = [f"the chain {name}" for name in foreign.dropping(packet)]
            chains += [f"the legacy {name} chain FORWARD" for name in legacy_iptables.dropping(packet)]
            for who in chains:
                found.setdefault(who, what)
    remedy = f"have it let pass what comes from {endpoint.bridge} or goes there"
    return tuple(f"{who} may drop what {what}: {remedy}" for who, what in found.items())


def _packets(endpoint: Endpoint, has_ports: bool) -> list[tuple[str, Packet]]:
    """The first packets and the answers, from outside to published ports and from the container; of each family."""
    places = ((endpoint.address, endpoint.gateway), (endpoint.address6, endpoint.gateway6))
    own = [ip_interface(address).ip for address, gateway in places if address and gateway]
    to_ports = (("goes to containers", True, True, True), ("containers send", False, False, True))
    kinds = (
        *(to_ports if has_ports else ()),
        ("containers send", False, True, False),
        ("comes back to containers", True, False, False),
    )
    return [
        (what, Packet(endpoint.bridge, to_bridge, address, is_new, is_published))
        for what, to_bridge, is_new, is_published in kinds
        for address in own
    ]
