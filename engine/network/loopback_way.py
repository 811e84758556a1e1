"""The host's loopback addresses as a way to containers: what a bridge needs so that 127.0.0.1 and [::1] lead there.

IPv4 needs route_localnet on the bridge (ip-sysctl.rst); the firewall's table keeps containers from coming back that
way. For IPv6 there is no such switch: answers to ::1 are found by a strict look-up of their route on the bridge
(ip6_route_input_lookup), so the bridge gets a route to ::1. What comes from outside to ::1 is dropped before that
(ipv6_rcv). Where bridges hand their frames to ip6tables, that check comes after addresses are translated back, and
drops the answers as well: then [::1] can't lead to containers.
"""

from __future__ import annotations

import socket
import struct
from contextlib import suppress
from pathlib import Path

from engine.network import interface, switches, transport

_BRIDGE_FILTER6 = Path("/proc/sys/net/bridge/bridge-nf-call-ip6tables")

# linux/rtnetlink.h
_RTM_NEWROUTE = 24
_NLM_F_CREATE_EXCL = 0x600
_RT_TABLE_LOCAL, _RTPROT_STATIC, _RT_SCOPE_UNIVERSE, _RTN_LOCAL = 255, 4, 0, 2
_RTA_DST, _RTA_OIF, _RTA_PRIORITY = 1, 4, 6
_METRIC = 0x10000  # behind the kernel's own; two routes of one metric are EEXIST, so the device's index is added

_HEADER = struct.Struct("=IHHII")
_RTMSG = struct.Struct("=BBBBBBBBI")


def lead_ipv4(bridge: str) -> None:
    """Let the host's 127.0.0.0/8 lead to a bridge.

    Raises:
        OSError: EROFS, EACCES, or ENOENT when the bridge has gone.
    """
    switch = Path(f"/proc/sys/net/ipv4/conf/{bridge}/route_localnet")
    if not switches.is_on(switch):
        switch.write_text("1")


def lead_ipv6(bridge: str) -> bool:
    """Let the host's ::1 lead to a bridge; False where that can't be.

    Raises:
        OSError: EPERM.
    """
    index = interface.index_of(bridge)
    if index is None or _bridges_translate():
        return False
    destination = struct.pack("=HH16s", 20, _RTA_DST, socket.inet_pton(socket.AF_INET6, "::1"))
    numbers = struct.pack("=HHIHHI", 8, _RTA_OIF, index, 8, _RTA_PRIORITY, _METRIC + index)
    body = _RTMSG.pack(
        socket.AF_INET6, 128, 0, 0, _RT_TABLE_LOCAL, _RTPROT_STATIC, _RT_SCOPE_UNIVERSE, _RTN_LOCAL, 0
    )  # fmt: skip
    body += destination + numbers
    request = _HEADER.pack(_HEADER.size + len(body), _RTM_NEWROUTE, _NLM_F_CREATE_EXCL, 0, 0) + body
    with transport.open_socket() as sock, suppress(FileExistsError):
        transport.send_requests(sock, (request,))
    return True


def _bridges_translate() -> bool:
    return bool(switches.is_on(_BRIDGE_FILTER6))  # None where br_netfilter isn't loaded
