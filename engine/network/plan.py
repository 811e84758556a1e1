"""What makes a container's interfaces: messages to the kernel, ready made."""

from __future__ import annotations

import struct

from msgspec import Struct

# A message that is encoded before the container's network namespace exists names it by a descriptor that can't be.
NETNS_FILLER = 0x3E3E3E3E
_IFLA_NET_NS_FD = 28  # linux/if_link.h
_ATTRIBUTE = struct.Struct("=HHI")


class EndpointPlan(Struct, frozen=True, kw_only=True):
    """rtnetlink messages for one interface of a container, encoded before there is a process.

    Attributes:
        host_interface, container_interface: the two ends of the veth pair.
        host_requests: for a NETLINK_ROUTE socket of the host's network namespace, after `with_namespace`. The first
            makes the pair.
        container_requests: for a NETLINK_ROUTE socket of the container's network namespace, afterwards; those that
            add addresses are told the index of the interface when it has one.
        description: has ``ip link`` on the host tell whose the interface is, which nobody waits for; may be empty.
    """

    host_interface: str
    container_interface: str
    host_requests: tuple[bytes, ...] = ()
    container_requests: tuple[bytes, ...] = ()
    description: bytes = b""


class NetworkPlan(Struct, frozen=True, kw_only=True):
    """All interfaces of a container, in their order."""

    endpoints: tuple[EndpointPlan, ...] = ()


def with_namespace(request: bytes, descriptor: int) -> bytes:
    """A host request that names the container's network namespace by an open descriptor."""
    filler, value = (_ATTRIBUTE.pack(8, _IFLA_NET_NS_FD, number) for number in (NETNS_FILLER, descriptor))
    return request.replace(filler, value)
