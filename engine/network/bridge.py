"""The bridge device that a network's containers hang on."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path
from socket import socket

from engine.errors import Conflict
from engine.model import Network, Subnet
from engine.network import addresses, encode, interface, links, switches, transport

_CONF = Path("/proc/sys/net/ipv6/conf")
_INET6 = Path("/proc/thread-self/net/if_inet6")


def is_ready(network: Network) -> bool:
    """Whether the bridge is there, up, and has the network's gateway as its address."""
    if network.ipv4 is not None:
        return interface.has_address(network.bridge, network.ipv4.gateway)
    if not interface.is_up(network.bridge):
        return False
    return network.ipv6 is not None and _has_address_6(network.bridge, network.ipv6.gateway)


def create(network: Network, mtu: int, present: Iterable[str] = ()) -> None:
    """Make the bridge as it should be, whatever part of it is there already.

    Args:
        mtu: for the bridge and what hangs on it, in bytes: no more than the way out takes.
        present: the addresses that it has, in CIDR form; those that it shouldn't have are taken away.

    Raises:
        Conflict: there is a device of that name which is no bridge.
        OSError: EPERM without CAP_NET_ADMIN, EOPNOTSUPP on a kernel without bridges.
    """
    name, wanted = network.bridge, {_own_address(subnet) for subnet in network.subnets}
    with transport.open_socket() as sock:
        mac = addresses.mac_of(ip_address(network.subnets[0].gateway))
        _send_unless_there(sock, encode.create_bridge(name, mac))
        if links.kind(sock, name) != "bridge":
            raise Conflict(
                f"there is a device {name} already, which is no bridge", f"remove it with: ip link del {name}"
            )
        _settle_ipv6(network)
        # Told apart from creation, an MTU is the user's own wish, which ports that come and go don't change (br_if.c).
        described = encode.set_alias(name, f"boxdeck network {network.name}")
        transport.send_requests(sock, (encode.set_link_up(name, mtu), described))
        index = interface.index_of(name) or 0
        for address in set(present) - wanted:
            transport.send_requests(sock, (encode.delete_address(address, index),))
        for address in sorted(wanted):
            _send_unless_there(sock, encode.add_address(address, index))


def adopt(name: str, host_interfaces: Iterable[str]) -> None:
    """Put the ports of a bridge that somebody has removed on the new one.

    Raises:
        OSError: EPERM without CAP_NET_ADMIN.
    """
    index = interface.index_of(name) or 0
    with transport.open_socket() as sock:
        for port in host_interfaces:
            with suppress(FileNotFoundError, OSError):  # it has gone meanwhile
                transport.send_requests(sock, (encode.set_master(port, index),))


def remove(name: str) -> None:
    """Remove the bridge; nothing happens when there is none, or another device has its name.

    Raises:
        OSError: EPERM without CAP_NET_ADMIN.
    """
    with transport.open_socket() as sock:
        if links.kind(sock, name) == "bridge":
            transport.send_requests(sock, (encode.delete_link(name),))


def _settle_ipv6(network: Network) -> None:
    """No addresses without a subnet, and no router's advertisements from containers (CVE-2020-13401)."""
    folder = _CONF / network.bridge
    with suppress(FileNotFoundError):  # a kernel without IPv6
        switches.write(folder / "accept_ra", "0")
        switches.write(folder / "disable_ipv6", "0" if network.ipv6 is not None else "1")


def _own_address(subnet: Subnet) -> str:
    return f"{subnet.gateway}/{subnet.subnet.partition('/')[2]}"


def _has_address_6(name: str, address: str) -> bool:
    digits = ip_address(address).packed.hex()
    try:
        lines = _INET6.read_text().splitlines()
    except OSError:
        return False
    return any(line.startswith(digits) and line.endswith(f" {name}") for line in lines)


def _send_unless_there(sock: socket, request: bytes) -> None:
    """Another engine on the same root may have been faster."""
    with suppress(FileExistsError):
        transport.send_requests(sock, (request,))
