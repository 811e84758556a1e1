"""Where published ports lead, as the maps of our nftables table have it (see `engine.network.ruleset`)."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from ipaddress import ip_address

from engine.model import PortMap
from engine.network import nft, transport

_PROTOCOLS = {6: "tcp", 17: "udp", 132: "sctp"}
_KEY, _DATA = b"\x01", b"\x02"  # as `nft.elements_in` marks them
_WORD_BYTES = 4
_PORT = struct.Struct("!H2x")


def read(sock: socket.socket, table: str) -> tuple[PortMap, ...]:
    """All of them, by port; nothing where there is no such table.

    Args:
        sock: of NETLINK_NETFILTER.

    Raises:
        OSError: the kernel doesn't answer.
    """
    found: list[PortMap] = []
    for suffix, address_bytes in (("4", 4), ("6", 16)):
        for name, key_address_bytes in (("ports", address_bytes), ("everywhere", 0)):
            try:
                messages = transport.dump(sock, nft.list_elements(table, name + suffix))
            except FileNotFoundError:
                return ()
            for message in messages:
                found += _mappings(message.payload, key_address_bytes, address_bytes)
    return tuple(sorted(found, key=lambda each: (each.host_port, each.protocol, each.host_address)))


def _mappings(payload: memoryview, key_address_bytes: int, address_bytes: int) -> Iterator[PortMap]:
    for element in nft.elements_in(payload):
        key_bytes = key_address_bytes + 2 * _WORD_BYTES
        data = element[2 + key_bytes :]
        if len(data) < address_bytes + _WORD_BYTES or element[:1] != _KEY or element[1 + key_bytes :][:1] != _DATA:
            continue
        key = element[1 : 1 + key_bytes]
        host = key[:key_address_bytes] or bytes(address_bytes)
        yield PortMap(
            host_address=str(ip_address(host)),
            host_port=_PORT.unpack_from(key, key_address_bytes + _WORD_BYTES)[0],
            protocol=_PROTOCOLS.get(key[key_address_bytes], str(key[key_address_bytes])),
            address=str(ip_address(data[:address_bytes])),
            port=_PORT.unpack_from(data, address_bytes)[0],
        )
