"""Rules of others that may keep traffic from containers: docker's, firewalld's, ufw's or a person's. Only read.

A packet that our table lets pass is still dropped by any other table that drops it (nft(8), "VERDICT STATEMENTS").
Other packets to the same container may pass, by rules for their port, so these are warnings and no refusals.
"""

from __future__ import annotations

from ipaddress import ip_interface

from engine.model import Endpoint
from engine.network import legacy_iptables, nft_passage, transport
from engine.network.passage import Packet


def obstacles(own_table: str, endpoint: Endpoint) -> tuple[str, ...]:
    """One sentence for each chain that drops what goes to a container's published ports, or what it sends.

    Args:
        endpoint: the container's place.

    Raises:
        OSError: EPERM without CAP_NET_ADMIN.
    """
    found: dict[str, str] = {}  # who, and what it drops
    with transport.open_socket(transport.NETLINK_NETFILTER) as sock:
        for what, packet in _packets(endpoint):
            chains = [f"the chain {name}" for name in nft_passage.dropping(sock, own_table, packet)]
            chains += [f"the legacy {name} chain FORWARD" for name in legacy_iptables.dropping(packet)]
            for who in chains:
                found.setdefault(who, what)
    remedy = f"have it let pass what comes from {endpoint.bridge} or goes there"
    return tuple(f"{who} may drop what {what}: {remedy}" for who, what in found.items())


def _packets(endpoint: Endpoint) -> list[tuple[str, Packet]]:
    """A caller's first packet, the container's answer, and the first of what it sends by itself; of each family."""
    own = [ip_interface(text).ip for text in (endpoint.address, endpoint.address6) if text]
    kinds = (("goes to containers", True, True), ("containers send", False, False), ("containers send", False, True))
    return [
        (what, Packet(endpoint.bridge, to_bridge, address, is_new))
        for what, to_bridge, is_new in kinds
        for address in own
    ]
