"""What the host's own network looks like: which subnets are in use, and the way out. Read with pyroute2.

pyroute2's asynchronous sockets are used: its synchronous ones run an event loop inside, which can't be done in the
thread of another, and a worker thread costs twice the time.
"""

from __future__ import annotations

import asyncio
import importlib
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_interface, ip_network
from typing import Any

from msgspec import Struct

from engine.network.addresses import IpNetwork

_RTN_UNICAST = 1
_RT_TABLE_LOCAL = 255
_DEFAULT_MTU = 1500
_FAMILIES = (socket.AF_INET, socket.AF_INET6)


class DefaultRoute(Struct, frozen=True, kw_only=True):
    """The way out: a device's index, and the gateway's address where the route has one."""

    index: int
    gateway: str | None


class HostAddress(Struct, frozen=True, kw_only=True):
    """An address in CIDR form and the index of the device that has it."""

    index: int
    address: str


class HostNetwork(Struct, frozen=True, kw_only=True):
    """The addresses and routes of a network namespace at one moment.

    Attributes:
        addresses: of both families, those of links alone (fe80::/10) left out.
        routes: destination and index of the device of each unicast route, default routes left out.
        default_route: of IPv4, or of IPv6 where there is none.
    """

    addresses: tuple[HostAddress, ...]
    routes: tuple[tuple[IpNetwork, int | None], ...]
    default_route: DefaultRoute | None

    def taken(self, but: int | None = None) -> list[IpNetwork]:
        """Every subnet that an address or a route is about, except those of the device with the index `but`."""
        owned: list[IpNetwork] = [ip_interface(a.address).network for a in self.addresses if a.index != but]
        return owned + [network for network, index in self.routes if index is None or index != but]

    def addresses_of(self, index: int | None) -> tuple[str, ...]:
        """The addresses of one device."""
        return tuple(a.address for a in self.addresses if a.index == index)


async def load() -> None:
    """Import pyroute2 in a thread, so that an event loop isn't held up by it for 150 ms."""
    if "pyroute2" not in sys.modules:
        await asyncio.to_thread(importlib.import_module, "pyroute2")


@asynccontextmanager
async def route_socket() -> AsyncIterator[Any]:
    """A pyroute2 `AsyncIPRoute` of the calling thread's network namespace."""
    from pyroute2 import AsyncIPRoute

    async with AsyncIPRoute() as route:
        yield route


async def read(route: Any) -> HostNetwork:
    """Addresses and routes through an open `AsyncIPRoute`."""
    addresses = [_address(m) for family in _FAMILIES async for m in await route.get_addr(family=family)]
    routes = [m for family in _FAMILIES async for m in await route.get_routes(family=family)]
    destinations = [_destination(m) for m in routes if _is_subnet_route(m)]
    return HostNetwork(
        addresses=tuple(a for a in addresses if not ip_interface(a.address).is_link_local),
        routes=tuple((network, index) for network, index in destinations if not _is_of_links(network)),
        default_route=_default_route(routes),
    )


def _is_of_links(network: IpNetwork) -> bool:
    """Whether every device has it."""
    return network.version == 6 and (network.is_link_local or network.is_multicast)


def uplink_mtu(network: HostNetwork) -> int:
    """How many bytes a packet to the outside may have; 1500 where there is no way out."""
    from engine.network import interface

    if network.default_route is None:
        return _DEFAULT_MTU
    try:
        return interface.mtu_of(socket.if_indextoname(network.default_route.index))
    except OSError:
        return _DEFAULT_MTU


def _address(message: Any) -> HostAddress:
    address = message.get_attr("IFA_LOCAL") or message.get_attr("IFA_ADDRESS")
    return HostAddress(index=message["index"], address=f"{address}/{message['prefixlen']}")


def _is_subnet_route(message: Any) -> bool:
    return bool(message["type"] == _RTN_UNICAST and message["table"] != _RT_TABLE_LOCAL and message["dst_len"] > 0)


def _destination(message: Any) -> tuple[IpNetwork, int | None]:
    network = ip_network(f"{message.get_attr('RTA_DST')}/{message['dst_len']}", strict=False)
    return network, message.get_attr("RTA_OIF")


def _default_route(routes: list[Any]) -> DefaultRoute | None:
    """The unicast route to everywhere with the best metric."""
    found = [m for m in routes if m["type"] == _RTN_UNICAST and m["dst_len"] == 0 and m.get_attr("RTA_OIF")]
    if not found:
        return None
    best = min(found, key=lambda m: (m["family"], m.get_attr("RTA_PRIORITY") or 0))
    return DefaultRoute(index=best.get_attr("RTA_OIF"), gateway=best.get_attr("RTA_GATEWAY"))
