"""What a shim sends to the kernel to put a container on a network: bytes, ready made."""

from __future__ import annotations

from msgspec import Struct

# The descriptor by which host requests name the container's network namespace (IFLA_NET_NS_FD). A message
# that is encoded before the namespace exists can only refer to it by a number agreed on beforehand.
NETNS_DESCRIPTOR = 200


class NetworkPlan(Struct, frozen=True, kw_only=True):
    """rtnetlink messages of one container, encoded before there is a process.

    Attributes:
        host_requests: for a NETLINK_ROUTE socket of the host's network namespace, while descriptor
            `NETNS_DESCRIPTOR` is open on the container's.
        container_requests: for a NETLINK_ROUTE socket of the container's network namespace, afterwards.
        clearing_requests: for the host's socket when a host request says EEXIST: they remove what is left
            of a predecessor of the same name, whose namespace the kernel is still taking down.
        container_interface: the device that addresses among the container requests are for; empty for none.
    """

    host_requests: tuple[bytes, ...] = ()
    container_requests: tuple[bytes, ...] = ()
    clearing_requests: tuple[bytes, ...] = ()
    container_interface: str = ""
