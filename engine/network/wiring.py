"""A container's interfaces, made and taken away by prepared messages; with the standard library alone.

Whoever makes a container does the same here as whoever connects a running one.
"""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import struct
from contextlib import suppress

from engine.linux import namespaces
from engine.network import links, switches, transport
from engine.network.plan import EndpointPlan, NetworkPlan, with_namespace

# linux/rtnetlink.h, linux/if_link.h, linux/sockios.h
_RTM_DELLINK = 17
_RTM_NEWADDR = 20
_IFLA_IFNAME = 3
_SIOCGIFINDEX = 0x8933

_IPV6 = "/proc/sys/net/ipv6/conf"
_QUIET = (  # ip-sysctl.rst
    ("accept_ra", "0"),  # the way out is known, and a neighbour's offer of another isn't taken
    ("accept_dad", "0"),  # the store sees to it that addresses are unique
    ("mldv2_unsolicited_report_interval", "3600000"),  # of saying again what is wanted, in ms: a bridge loses nothing
)

_HEADER_BYTES = 16  # struct nlmsghdr
_IFINFO_BYTES = 16  # struct ifinfomsg


class NameTaken(OSError):
    """A device of somebody else's has the name that the host's end of an interface is to have."""

    def __init__(self, name: str) -> None:
        super().__init__(errno.EEXIST, f"there is a device {name} on the host already, which isn't ours")
        self.remedy = f"remove it with: ip link del {name}"


def connect(home: int, plan: NetworkPlan) -> None:
    """Make the interfaces of a plan: all, or none that stays.

    Args:
        home: a descriptor of the container's network namespace.

    Raises:
        NameTaken: a stranger's device is in the way.
        OSError: with the kernel's reason.
    """
    made: list[str] = []
    try:
        with transport.open_socket() as here:
            for endpoint in plan.endpoints:
                create, *further = (with_namespace(request, home) for request in endpoint.host_requests)
                _make_pair(here, endpoint.host_interface, create)
                made.append(endpoint.host_interface)
                _leave_to_bridge(endpoint.host_interface)
                transport.send_together(here, further)
        with namespaces.entered(home, "net"):
            there = transport.open_socket()
            for endpoint in plan.endpoints:
                _keep_quiet(endpoint.container_interface)
        with there:
            for endpoint in plan.endpoints:
                _configure(there, endpoint)
    except OSError:
        for name in made:
            remove(name)
        raise


def describe(plan: NetworkPlan) -> None:
    """Have ``ip link`` tell whose the interfaces of a plan are; one that has gone with its container is passed over."""
    with transport.open_socket() as here, suppress(OSError):
        transport.send_together(here, [endpoint.description for endpoint in plan.endpoints if endpoint.description])


def remove(host_interface: str) -> None:
    """Remove a veth pair by the name of its end here; nothing happens when there is none. Takes 13 to 21 ms.

    Raises:
        OSError: EPERM without CAP_NET_ADMIN.
    """
    with transport.open_socket() as sock:
        _remove(sock, host_interface)


def _leave_to_bridge(host_interface: str) -> None:
    """Have the host's end no address of its own: nobody asks for it, and it would look for routers in the container.

    Later its routes would be gone through by each start of another container.
    """
    with suppress(OSError):  # a kernel without IPv6, or a /proc that can't be written to
        switches.write(f"{_IPV6}/{host_interface}/disable_ipv6", "1")


def _keep_quiet(name: str) -> None:
    """Have an interface tell and ask as little as can be: a bridge brings such words to all, at 4 µs for each."""
    with suppress(OSError):
        for switch, value in _QUIET:
            switches.write_elsewhere(f"{_IPV6}/{name}/{switch}", value)


def _make_pair(sock: socket.socket, host_interface: str, request: bytes) -> None:
    """Create a pair; where a predecessor's device is in the way, remove it and try again.

    Its name is the container's own, and its namespace one that the kernel is still taking down, or that somebody
    else holds. A device that is no veth is a stranger's.
    """
    try:
        transport.send_requests(sock, (request,))
    except FileExistsError:
        kind = links.kind(sock, host_interface)
        if kind == "veth":
            _remove(sock, host_interface)
        elif kind is not None:
            raise NameTaken(host_interface) from None
        transport.send_requests(sock, (request,))


def _configure(sock: socket.socket, plan: EndpointPlan) -> None:
    """Send the container's requests on a socket of its network namespace."""
    index = _index(sock, plan.container_interface)
    transport.send_together(sock, [_with_index(request, index) for request in plan.container_requests])


def _with_index(request: bytes, index: int) -> bytes:
    """Name the device of an address that was encoded before the device had an index."""
    _, kind = struct.unpack_from("=IH", request)
    if kind != _RTM_NEWADDR:
        return request
    place = _HEADER_BYTES + 4  # of ifa_index in struct ifaddrmsg
    return request[:place] + struct.pack("=I", index) + request[place + 4 :]


def _index(sock: socket.socket, name: str) -> int:
    """A device's index in the socket's namespace (netdevice(7)), wherever the calling thread is."""
    answer = fcntl.ioctl(sock, _SIOCGIFINDEX, struct.pack("16sI20x", os.fsencode(name), 0))
    return int(struct.unpack_from("16xI", answer)[0])


def _remove(sock: socket.socket, name: str) -> None:
    try:
        body = bytes(_IFINFO_BYTES) + transport.attribute(_IFLA_IFNAME, os.fsencode(name) + b"\0")
        transport.send_requests(sock, (transport.request(_RTM_DELLINK, 0, body),))
    except OSError as error:
        if error.errno != errno.ENODEV:
            raise
