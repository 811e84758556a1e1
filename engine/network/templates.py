"""Messages that pyroute2 encoded once, kept in a file: a start fills in three fields and sends bytes.

Without it every `boxdeck run` would import pyroute2 first, which takes longer than the container's whole start.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Collection
from contextlib import suppress
from ipaddress import ip_interface
from pathlib import Path
from typing import NamedTuple

import msgspec
from msgspec import Struct, field
from msgspec.structs import replace

from engine.model import Endpoint
from engine.network import encode, host, transport
from engine.network.plan import EndpointPlan

_ALIGNMENT = 4  # of everything in a netlink message
_NAME_FILLER = "?"
_MAC = "3e:3e:3e:3e:3e:3e"
_MOST_TEMPLATES = 100
_RTM_NEWADDR = 20
_ADDRESS_ATTRIBUTES = 16 + 8  # where they begin: after struct nlmsghdr and struct ifaddrmsg


class Templates(Struct, frozen=True, kw_only=True):
    """What the file holds.

    Attributes:
        made_by: which version of our code, see `_stamp`.
        endpoints: plans by the network and kind of endpoint that they are for, as `_key` says, with fillers in them.
    """

    made_by: str
    endpoints: dict[str, EndpointPlan] = field(default_factory=dict)


class TemplateFile:
    """Plans for containers, encoded at the first need since the machine started, or since something changed.

    Args:
        path: the file; on tmpfs, as what is in it names devices by their index. It is only a cache: it may be
            removed at any time, and where it can't be written, plans are encoded every time.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._made_by = _stamp()
        self._templates: Templates | None = None

    async def endpoint(
        self, endpoint: Endpoint, bridge_index: int, mtu: int, ways_out: Collection[int]
    ) -> EndpointPlan:
        """What makes an interface, see `engine.network.encode.endpoint_plan`."""
        key = _key(endpoint, bridge_index, mtu, ways_out)
        template = self._known().endpoints.get(key)
        if template is None:
            await host.load()
            template = encode.endpoint_plan(_filler(endpoint), bridge_index, mtu, ways_out)
            self._keep(key, template)
        return _filled(template, endpoint)

    def _known(self) -> Templates:
        if self._templates is None:
            self._templates = self._read()
        return self._templates

    def _read(self) -> Templates:
        with suppress(OSError, msgspec.MsgspecError):
            found = msgspec.msgpack.decode(self._path.read_bytes(), type=Templates)
            if found.made_by == self._made_by:
                return found
        return Templates(made_by=self._made_by)

    def _keep(self, key: str, template: EndpointPlan) -> None:
        known = self._read().endpoints  # with what other engines have added
        if len(known) >= _MOST_TEMPLATES:
            known = {}
        self._templates = Templates(made_by=self._made_by, endpoints={**known, key: template})
        aside = self._path.with_name(f"{self._path.name}.{os.getpid()}")
        with suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            aside.write_bytes(msgspec.msgpack.encode(self._templates))
            aside.replace(self._path)


def _stamp() -> str:
    """Changes whenever the code that encodes does."""
    return str(os.stat(encode.__file__).st_mtime_ns)


def _key(endpoint: Endpoint, bridge_index: int, mtu: int, ways_out: Collection[int]) -> str:
    """All of an encoded plan that isn't filled in later."""
    subnets = " ".join(f"{own.network.hex()}/{own.prefix_length}" for own in _addresses(endpoint))
    ways = " ".join(
        gateway for family, gateway in ((4, endpoint.gateway), (6, endpoint.gateway6)) if family in ways_out
    )
    names = f"{endpoint.container_interface} {len(endpoint.host_interface)}"
    return f"{endpoint.bridge} {bridge_index} {mtu} {subnets} by {ways} {names}"


class _Address(NamedTuple):
    """Of an endpoint, packed; taken apart by hand, since `ipaddress` costs every start 100 microseconds."""

    network: bytes
    own: bytes
    prefix_length: int


def _addresses(endpoint: Endpoint) -> list[_Address]:
    return [_address(text) for text in (endpoint.address, endpoint.address6) if text]


def _address(text: str) -> _Address:
    address, _, prefix_length = text.partition("/")
    own = socket.inet_pton(socket.AF_INET6 if ":" in address else socket.AF_INET, address)
    host_bits = 8 * len(own) - int(prefix_length)
    network = (int.from_bytes(own, "big") >> host_bits << host_bits).to_bytes(len(own), "big")
    return _Address(network, own, int(prefix_length))


def _filler(endpoint: Endpoint) -> Endpoint:
    """An endpoint of the same network whose own fields can be told from everything else in a message."""
    return replace(
        endpoint,
        host_interface=_NAME_FILLER * len(endpoint.host_interface),
        mac=_MAC,
        address=_filler_address(endpoint.address),
        address6=_filler_address(endpoint.address6),
    )


def _filler_address(address: str) -> str:
    """The network's own, so that all else that a message says of the subnet is right."""
    if not address:
        return ""
    network = ip_interface(address).network
    return f"{network.network_address}/{network.prefixlen}"


def _filled(template: EndpointPlan, endpoint: Endpoint) -> EndpointPlan:
    """The template with the endpoint's name, hardware address and addresses in place of the fillers."""
    names = (_NAME_FILLER.encode() * len(endpoint.host_interface), endpoint.host_interface.encode())
    macs = (_mac_bytes(_MAC), _mac_bytes(endpoint.mac))
    own = tuple((address.network, address.own) for address in _addresses(endpoint))
    return EndpointPlan(
        host_interface=endpoint.host_interface,
        container_interface=endpoint.container_interface,
        host_requests=_replaced(template.host_requests, (names, macs)),
        container_requests=tuple(_with_addresses(request, own) for request in template.container_requests),
    )


def _replaced(requests: tuple[bytes, ...], fields: tuple[tuple[bytes, bytes], ...]) -> tuple[bytes, ...]:
    for filler, value in fields:
        requests = tuple(_replaced_aligned(request, filler, value) for request in requests)
    return requests


def _replaced_aligned(request: bytes, filler: bytes, value: bytes) -> bytes:
    """`bytes.replace`, but only where an attribute's value can begin."""
    result, place = bytearray(request), request.find(filler)
    while place >= 0:
        if place % _ALIGNMENT == 0:
            result[place : place + len(filler)] = value
        place = request.find(filler, place + 1)
    return bytes(result)


def _with_addresses(request: bytes, fields: tuple[tuple[bytes, bytes], ...]) -> bytes:
    """A request to add an address with it in place of the filler; others as they are."""
    if int.from_bytes(request[4:6], sys.byteorder) != _RTM_NEWADDR:
        return request
    result = bytearray(request)
    for _, attribute in transport.attributes(memoryview(result), _ADDRESS_ATTRIBUTES):
        for filler, value in fields:
            if attribute == filler:
                attribute[:] = value
    return bytes(result)


def _mac_bytes(mac: str) -> bytes:
    return bytes.fromhex(mac.replace(":", ""))
