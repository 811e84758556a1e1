"""The bridge device that a network's containers hang on."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from ipaddress import IPv4Address, IPv4Network
from socket import socket

from engine.network import addresses, encode, interface, transport


def is_ready(name: str, gateway: IPv4Address) -> bool:
    """Whether the bridge is there, up, and has the network's gateway as its address."""
    return interface.address_of(name) == gateway and interface.is_up(name)


def create(name: str, subnet: IPv4Network, mtu: int, stale_addresses: Iterable[str] = ()) -> None:
    """Make the bridge as it should be, whatever part of it is there already.

    Args:
        mtu: for the bridge and what hangs on it, in bytes: no more than the way out takes.
        stale_addresses: in CIDR form, to be taken from the bridge.

    Raises:
        OSError: EPERM without CAP_NET_ADMIN, EOPNOTSUPP on a kernel without bridges.
    """
    gateway = addresses.gateway_of(subnet)
    with transport.open_socket() as sock:
        _send_unless_there(sock, encode.create_bridge(name, addresses.mac_of(gateway)))
        # Told apart from creation, an MTU is the user's own wish, which ports that come and go don't change (br_if.c).
        transport.send_requests(sock, (encode.set_link_up(name, mtu),))
        index = interface.index_of(name) or 0
        for address in stale_addresses:
            transport.send_requests(sock, (encode.delete_address(address, index),))
        _send_unless_there(sock, encode.add_address(addresses.with_prefix(gateway, subnet), index))


def remove(name: str) -> None:
    """Remove the bridge; nothing happens when there is none.

    Raises:
        OSError: EPERM without CAP_NET_ADMIN.
    """
    if interface.index_of(name) is not None:
        with transport.open_socket() as sock:
            transport.send_requests(sock, (encode.delete_link(name),))


def _send_unless_there(sock: socket, request: bytes) -> None:
    """Another engine on the same root may have been faster."""
    with suppress(FileExistsError):
        transport.send_requests(sock, (request,))
