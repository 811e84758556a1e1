"""rtnetlink requests as bytes, made with pyroute2's message classes (rtnetlink(7)).

pyroute2 is imported by the first call, not by this module: it costs 150 ms.
"""

from __future__ import annotations

import socket
from collections.abc import Collection
from ipaddress import ip_interface
from typing import Any

from engine.model import Endpoint
from engine.network import transport
from engine.network.plan import NETNS_FILLER, EndpointPlan

LOOPBACK_INDEX = 1  # the first device of every network namespace

# What the kernel gives to the second device, unless a host's tunnel modules put devices of theirs into every new
# namespace (net.core.fb_tunnels_only_for_init_net); `engine.network.transport.configure` looks it up.
_USUAL_INDEX = 2

# linux/rtnetlink.h, linux/if.h, linux/if_addr.h, linux/if_link.h, linux/netlink.h
_RTM_NEWLINK = 16
_RTM_DELLINK = 17
_RTM_NEWADDR = 20
_RTM_DELADDR = 21
_RTM_NEWROUTE = 24
_NLM_F_EXCL = 0x200
_NLM_F_CREATE = 0x400
_IFF_UP = 1
_RT_TABLE_MAIN = 254
_RTPROT_BOOT = 3
_RT_SCOPE_UNIVERSE = 0
_RTN_UNICAST = 1
_IFA_F_NODAD = 0x02
_IFA_F_PERMANENT = 0x80
_IFLA_IFNAME = 3
_IFLA_IFALIAS = 20
_LONGEST_ALIAS = 255  # IFALIASZ with its end
_IFINFO_BYTES = 16  # struct ifinfomsg

_Attributes = list[tuple[str, object]]


def endpoint_plan(endpoint: Endpoint, bridge_index: int, mtu: int | None, ways_out: Collection[int]) -> EndpointPlan:
    """What makes an interface of a container's: a veth pair, addresses and the way out.

    Args:
        bridge_index: of the bridge device in the host's namespace.
        mtu: of both ends in bytes; None leaves it to the kernel (1500).
        ways_out: the families (4, 6) whose default route goes by this interface.
    """
    gateways = {4: endpoint.gateway, 6: endpoint.gateway6}
    own = tuple(add_address(address, _USUAL_INDEX) for address in (endpoint.address, endpoint.address6) if address)
    return EndpointPlan(
        host_interface=endpoint.host_interface,
        container_interface=endpoint.container_interface,
        host_requests=(_create_veth(endpoint, bridge_index, mtu),),
        container_requests=(
            _set_up(name=endpoint.container_interface),  # first: the bridge forwards once it has noticed
            *own,
            *(add_default_route(gateway) for family, gateway in gateways.items() if gateway and family in ways_out),
        ),
    )


def create_bridge(name: str, mac: str) -> bytes:
    """A bridge device; a hardware address of its own keeps it from taking on that of a port.

    It doesn't listen in on who wants which multicasts: as long as nobody asks for that (a "querier"), it brings them to
    all ports anyway, and each port that comes winds up two timers of every other one (br_multicast_enable_port).
    """
    quiet: _Attributes = [("IFLA_BR_MCAST_SNOOPING", 0)]
    attributes: _Attributes = [
        ("IFLA_IFNAME", name),
        ("IFLA_ADDRESS", mac),
        ("IFLA_LINKINFO", {"attrs": [("IFLA_INFO_KIND", "bridge"), ("IFLA_INFO_DATA", {"attrs": quiet})]}),
    ]
    return _link(_RTM_NEWLINK, attributes, flags=_NLM_F_CREATE | _NLM_F_EXCL)


def set_link_up(name: str, mtu: int) -> bytes:
    """Set a device up with an MTU in bytes."""
    return _link(_RTM_NEWLINK, [("IFLA_IFNAME", name), ("IFLA_MTU", mtu)], up=True)


def delete_link(name: str) -> bytes:
    """Remove a device and, for a veth, its other end with it."""
    return _link(_RTM_DELLINK, [("IFLA_IFNAME", name)])


def add_address(address: str, index: int) -> bytes:
    """Give a device an address in CIDR form; the kernel adds the route to its subnet."""
    return _address(_RTM_NEWADDR, address, index, _NLM_F_CREATE | _NLM_F_EXCL)


def delete_address(address: str, index: int) -> bytes:
    """Take an address in CIDR form from a device."""
    return _address(_RTM_DELADDR, address, index, 0)


def set_alias(name: str, alias: str) -> bytes:
    """Have a device described in ``ip link``; without pyroute2, as it is different for each."""
    described = alias.encode()[:_LONGEST_ALIAS]
    attributes = transport.attribute(_IFLA_IFNAME, name.encode() + b"\0") + transport.attribute(
        _IFLA_IFALIAS, described
    )
    return transport.request(_RTM_NEWLINK, 0, bytes(_IFINFO_BYTES) + attributes)


def set_master(name: str, bridge_index: int) -> bytes:
    """Put a device on a bridge."""
    return _link(_RTM_NEWLINK, [("IFLA_IFNAME", name), ("IFLA_MASTER", bridge_index)])


def create_pair(name: str, peer: str) -> bytes:
    """A veth pair with both ends here."""
    attributes: _Attributes = [
        ("IFLA_IFNAME", name),
        ("IFLA_LINKINFO", _veth([("IFLA_IFNAME", peer)])),
    ]
    return _link(_RTM_NEWLINK, attributes, flags=_NLM_F_CREATE | _NLM_F_EXCL)


def _create_veth(endpoint: Endpoint, bridge_index: int, mtu: int | None) -> bytes:
    """Both ends in one message: ours on the bridge and up, the other born in the container's namespace."""
    size: _Attributes = [("IFLA_MTU", mtu)] if mtu else []
    peer: _Attributes = [
        ("IFLA_IFNAME", endpoint.container_interface),
        ("IFLA_ADDRESS", endpoint.mac),
        ("IFLA_NET_NS_FD", NETNS_FILLER),
        *size,
    ]
    attributes: _Attributes = [
        ("IFLA_IFNAME", endpoint.host_interface),
        ("IFLA_MASTER", bridge_index),
        *size,
        ("IFLA_LINKINFO", _veth(peer)),
    ]
    return _link(_RTM_NEWLINK, attributes, flags=_NLM_F_CREATE | _NLM_F_EXCL, up=True)


def _veth(peer: _Attributes) -> dict[str, _Attributes]:
    return {
        "attrs": [
            ("IFLA_INFO_KIND", "veth"),
            ("IFLA_INFO_DATA", {"attrs": [("VETH_INFO_PEER", {"attrs": peer})]}),
        ]
    }


def _set_up(index: int = 0, name: str = "") -> bytes:
    return _link(_RTM_NEWLINK, [("IFLA_IFNAME", name)] if name else [], index=index, up=True)


def _link(kind: int, attributes: _Attributes, index: int = 0, flags: int = 0, up: bool = False) -> bytes:
    from pyroute2.netlink.rtnl.ifinfmsg import ifinfmsg

    message = ifinfmsg()
    message["index"] = index
    if up:
        message["flags"] = message["change"] = _IFF_UP
    return _encoded(message, kind, flags, attributes)


def _address(kind: int, address: str, index: int, flags: int) -> bytes:
    from pyroute2.netlink.rtnl.ifaddrmsg import ifaddrmsg

    interface = ip_interface(address)
    message = ifaddrmsg()
    message["prefixlen"] = interface.network.prefixlen
    message["index"] = index
    attributes: _Attributes = [("IFA_LOCAL", str(interface.ip)), ("IFA_ADDRESS", str(interface.ip))]
    if interface.version == 4:
        message["family"] = socket.AF_INET
        attributes.append(("IFA_BROADCAST", str(interface.network.broadcast_address)))
    else:  # the store sees to it that nobody else has it: asking the link would take a second
        message["family"] = socket.AF_INET6
        attributes.append(("IFA_FLAGS", _IFA_F_NODAD | _IFA_F_PERMANENT))
    return _encoded(message, kind, flags, attributes)


def add_default_route(gateway: str) -> bytes:
    """The way to everywhere else leads by a gateway."""
    from pyroute2.netlink.rtnl.rtmsg import rtmsg

    message = rtmsg()
    message["family"] = socket.AF_INET6 if ":" in gateway else socket.AF_INET
    message["table"] = _RT_TABLE_MAIN
    message["proto"] = _RTPROT_BOOT
    message["scope"] = _RT_SCOPE_UNIVERSE
    message["type"] = _RTN_UNICAST
    return _encoded(message, _RTM_NEWROUTE, _NLM_F_CREATE | _NLM_F_EXCL, [("RTA_GATEWAY", gateway)])


def _encoded(message: Any, kind: int, flags: int, attributes: _Attributes) -> bytes:
    message["attrs"] = attributes
    message["header"]["type"] = kind
    message["header"]["flags"] = flags
    message.encode()
    return bytes(message.data)
