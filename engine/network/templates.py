"""Messages that pyroute2 encoded once, kept in a file: a start fills in three fields and sends bytes.

Without it every `boxdeck run` would import pyroute2 first, which takes longer than the container's whole start.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from ipaddress import IPv4Interface
from pathlib import Path
from typing import TypeVar

import msgspec
from msgspec import Struct

from engine.model import Endpoint
from engine.network import encode, firewall, host
from engine.network.plan import NetworkPlan

_ALIGNMENT = 4  # of everything in a netlink message
_NAME_FILLER = "?"
_MAC = "3e:3e:3e:3e:3e:3e"

Made = TypeVar("Made")


class Templates(Struct, frozen=True, kw_only=True):
    """What the file holds.

    Attributes:
        made_by: which version of our code, see `_stamp`.
        rule_query: what asks for the masquerade rule of our table; empty while nobody has asked.
        network: the network that `endpoint` is for, as `_network_key` says; its three fields are fillers.
    """

    made_by: str
    rule_query: bytes = b""
    network: str = ""
    endpoint: NetworkPlan | None = None


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

    async def rule_query(self, table: str) -> bytes:
        """The request that `engine.network.firewall.is_ready` sends."""
        known = self._known().rule_query
        if not known:
            known = await _encoded(lambda: firewall.rule_query(table))
            self._keep(msgspec.structs.replace(self._known(), rule_query=known))
        return known

    async def endpoint(self, endpoint: Endpoint, bridge_index: int, mtu: int) -> NetworkPlan:
        """The plan of a container on a bridge, see `engine.network.encode.endpoint_plan`."""
        network, known = _network_key(endpoint, bridge_index, mtu), self._known()
        template = known.endpoint if known.network == network else None
        if template is None:
            template = await _encoded(lambda: encode.endpoint_plan(_filler(endpoint), bridge_index, mtu))
            self._keep(msgspec.structs.replace(self._known(), network=network, endpoint=template))
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

    def _keep(self, templates: Templates) -> None:
        self._templates = templates
        aside = self._path.with_name(f"{self._path.name}.{os.getpid()}")
        with suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            aside.write_bytes(msgspec.msgpack.encode(templates))
            aside.replace(self._path)


async def _encoded(make: Callable[[], Made]) -> Made:
    await host.load()
    return make()


def _stamp() -> str:
    """Changes whenever the code that encodes does."""
    return " ".join(str(os.stat(module.__file__ or "").st_mtime_ns) for module in (encode, firewall))


def _network_key(endpoint: Endpoint, bridge_index: int, mtu: int) -> str:
    """All of an encoded plan that isn't filled in later."""
    subnet = IPv4Interface(endpoint.address).network
    names = f"{endpoint.container_interface} {len(endpoint.host_interface)}"
    return f"{endpoint.bridge} {bridge_index} {mtu} {subnet} {endpoint.gateway} {names}"


def _filler(endpoint: Endpoint) -> Endpoint:
    """An endpoint of the same network whose own fields can be told from everything else in a message."""
    subnet = IPv4Interface(endpoint.address).network
    return msgspec.structs.replace(
        endpoint,
        host_interface=_NAME_FILLER * len(endpoint.host_interface),
        mac=_MAC,
        address=f"{subnet.network_address}/{subnet.prefixlen}",
    )


def _filled(template: NetworkPlan, endpoint: Endpoint) -> NetworkPlan:
    """The template with the endpoint's name, hardware address and address in place of the fillers."""
    own = IPv4Interface(endpoint.address)
    fields = (
        (_NAME_FILLER.encode() * len(endpoint.host_interface), endpoint.host_interface.encode()),
        (_mac_bytes(_MAC), _mac_bytes(endpoint.mac)),
        (own.network.network_address.packed, own.ip.packed),
    )
    return NetworkPlan(
        host_requests=_replaced(template.host_requests, fields[:2]),
        container_requests=_replaced(template.container_requests, fields[2:]),
        clearing_requests=_replaced(template.clearing_requests, fields[:1]),
        container_interface=template.container_interface,
    )


def _replaced(requests: tuple[bytes, ...], fields: tuple[tuple[bytes, bytes], ...]) -> tuple[bytes, ...]:
    for filler, value in fields:
        requests = tuple(_replaced_aligned(request, filler, value) for request in requests)
    return requests


def _replaced_aligned(request: bytes, filler: bytes, value: bytes) -> bytes:
    """`bytes.replace`, but only where an attribute's value can begin."""
    result = bytearray(request)
    for offset in range(0, len(request) - len(filler) + 1, _ALIGNMENT):
        if request[offset : offset + len(filler)] == filler:
            result[offset : offset + len(filler)] = value
    return bytes(result)


def _mac_bytes(mac: str) -> bytes:
    return bytes.fromhex(mac.replace(":", ""))
