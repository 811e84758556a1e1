"""A rule of others that leads a port of the host's elsewhere: what it asks for and does, as far as that is known."""

from __future__ import annotations

import struct
from ipaddress import IPv4Address, IPv6Address

from msgspec import Struct

from engine.model import PortMap

PROTOCOLS = {6: "tcp", 17: "udp", 132: "sctp"}

# struct xt_tcp, xt_udp: source ports, destination ports; struct xt_multiport_v1: flags, count, ports, which of them
# begin a range, and whether it is inverted; struct nf_nat_range2
_XT_PORTS = struct.Struct("=HHHH")
_XT_INVERTED = {"tcp": 11, "udp": 8}
_XT_MULTIPORT = struct.Struct("=BB15H15s?")
_TO_DESTINATIONS = 1  # XT_MULTIPORT_DESTINATION
_NAT_RANGE = struct.Struct("!4x16s16sHH")


class PortRule(Struct):
    """Empty or 0 is what hasn't been asked for, or isn't known."""

    protocol: str = ""
    host_address: str = ""
    host_port: int = 0
    address: str = ""
    port: int = 0

    def asks(self, what: str, value: str | int) -> bool:
        """Note it; False where it contradicts what was asked for before, so that nothing matches."""
        before = getattr(self, what)
        setattr(self, what, value)
        return not before or before == value

    def asks_by_match(self, name: str, info: bytes) -> bool:
        """Note what a match of iptables' own asks for; False where that isn't certain to be one port."""
        if name in _XT_INVERTED:
            _, last_source, first, last = _XT_PORTS.unpack_from(info)
            is_plain = first == last and last_source == 0xFFFF and not info[_XT_INVERTED[name]]
            return is_plain and self.asks("protocol", name) and self.asks("host_port", first)
        if name == "multiport" and len(info) >= _XT_MULTIPORT.size:
            flags, count, port, *_, is_inverted = _XT_MULTIPORT.unpack_from(info)  # a range counts as two
            return (flags, count, is_inverted) == (_TO_DESTINATIONS, 1, False) and self.asks("host_port", port)
        return name in ("comment", "addrtype")

    def leads_to_range(self, info: bytes | memoryview) -> bool:
        """Note what the target DNAT leads to; False where that isn't one place."""
        if len(info) < _NAT_RANGE.size:
            return False
        first, last, first_port, last_port = _NAT_RANGE.unpack_from(info)
        if first != last or first_port != last_port:
            return False
        return self.leads_to(_address_of(first), first_port)

    def leads_to(self, address: str, port: int) -> bool:
        """Note where it leads; port 0 is the same as on the host. Always True."""
        self.address, self.port = address, port or self.host_port
        return True

    def port_map(self, by: str, version: int = 0) -> PortMap | None:
        """What is known of it; None where that isn't all.

        Args:
            by: who says so.
            version: of IP, 4 or 6; 0 for either.
        """
        if not (self.protocol and self.host_port and self.address and self.port):
            return None
        is_six = ":" in self.address
        if version and (version == 6) != is_six:
            return None
        return PortMap(
            host_address=self.host_address or ("::" if is_six else "0.0.0.0"),
            host_port=self.host_port,
            protocol=self.protocol,
            address=self.address,
            port=self.port,
            by=by,
        )


def _address_of(union: bytes) -> str:
    """Union nf_inet_addr: an IPv4 address has zeros behind it."""
    return str(IPv6Address(union)) if any(union[4:]) else str(IPv4Address(union[:4]))
