"""A container that reaches itself by a port of the host's.

A bridge gives nothing back at the port that it came from. Mostly it doesn't notice: the host routes the packet, and
sends it anew. Where bridged packets pass iptables (net.bridge.bridge-nf-call-iptables), addresses are translated before
the bridge forwards, and the port needs its hairpin mode (bridge(8)).
"""

from __future__ import annotations

import errno
import struct

from engine.network import switches, transport

_SWITCHES = tuple(f"/proc/sys/net/bridge/bridge-nf-call-{name}tables" for name in ("ip", "ip6"))

# linux/rtnetlink.h, linux/if_link.h
_RTM_NEWLINK = 16
_IFLA_IFNAME, _IFLA_LINKINFO = 3, 18
_IFLA_INFO_SLAVE_KIND, _IFLA_INFO_SLAVE_DATA = 4, 5
_IFLA_BRPORT_MODE = 4
_NESTED = 0x8000

_HEADER = struct.Struct("=IHHII")
_IFINFO_BYTES = 16  # struct ifinfomsg


def is_needed() -> bool:
    """Whether bridged packets pass iptables here."""
    return any(map(switches.is_on, _SWITCHES))  # None where br_netfilter isn't loaded


def request(host_interface: str) -> bytes:
    """What sets the mode of a bridge's port, for a NETLINK_ROUTE socket."""
    mode = transport.attribute(_IFLA_BRPORT_MODE, b"\1")
    port = transport.attribute(_IFLA_INFO_SLAVE_KIND, b"bridge\0")
    port += transport.attribute(_IFLA_INFO_SLAVE_DATA | _NESTED, mode)
    body = bytes(_IFINFO_BYTES) + transport.attribute(_IFLA_IFNAME, host_interface.encode() + b"\0")
    body += transport.attribute(_IFLA_LINKINFO | _NESTED, port)
    return _HEADER.pack(_HEADER.size + len(body), _RTM_NEWLINK, 0, 0, 0) + body


def let(host_interface: str) -> None:
    """Set the mode of a bridge's port where that is needed; nothing happens when it has just gone with its container.

    Raises:
        OSError: EPERM.
    """
    if is_needed():
        with transport.open_socket() as sock:
            try:
                transport.send_requests(sock, (request(host_interface),))
            except OSError as error:
                if error.errno != errno.ENODEV:
                    raise
