"""The networks of an engine: made when first needed, leased to containers, shown as they are."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from ipaddress import IPv4Network
from pathlib import Path

from engine.errors import NotFound, Unsupported
from engine.model import Container, Endpoint, Topology
from engine.network import addresses, bridge, claim, host, interface, records, topology, watch
from engine.network.counters import CounterReader
from engine.network.firewall import Contents, Firewall
from engine.network.plan import NetworkPlan
from engine.network.records import Network
from engine.network.ruleset import GuardedNetwork
from engine.network.templates import TemplateFile
from engine.paths import Paths
from engine.store.database import Database

DEFAULT_NETWORK = "bridge"
CONTAINER_INTERFACE = "eth0"

_FORWARDING = Path("/proc/sys/net/ipv4/ip_forward")
_NO_NETWORK = "run as root, or without a network (--network none)"


class Networks:
    """Bridges, addresses and the way out of the machine, for all containers of one root.

    Only the default network, ``bridge``, exists today. IPv4 only.
    """

    def __init__(self, paths: Paths, database: Database) -> None:
        self._paths = paths
        self._database = database
        self._templates = TemplateFile(paths.network_templates)
        self._firewall = Firewall(paths.table_name, self._firewall_contents)
        self._ensuring = asyncio.Lock()

    async def ensure(self, name: str = DEFAULT_NETWORK) -> None:
        """See to it that a network's bridge, forwarding and masquerade are there; quick when they are.

        Call it before every start: a reboot, a person or another program may have removed any of them. It may
        have to move the network to another subnet, so ask `lease` for the endpoint afterwards.

        Raises:
            NotFound: no such network.
            Unsupported: no privilege, or the kernel lacks bridges or nf_tables.
            Conflict: no subnet is free.
        """
        async with self._ensuring:
            network = records.find(self._database, name)
            if network is None or not bridge.is_ready(network.bridge, network.gateway):
                network = await self._raise_bridge(name)
            self._open_the_way(network)

    def lease(self, container_id: str, name: str = DEFAULT_NETWORK) -> Endpoint:
        """The container's place on a network; the same one for as long as the container exists.

        May be called inside a transaction. The container's row has to be there; the lease goes with it.

        Raises:
            NotFound: no such network, or `ensure` was never called.
            Conflict: the network is full.
        """
        network = self._network(name)
        address = records.lease(self._database, network, container_id)
        return Endpoint(
            network=network.name,
            bridge=network.bridge,
            host_interface=self._paths.veth_name(container_id),
            container_interface=CONTAINER_INTERFACE,
            address=addresses.with_prefix(address, network.subnet),
            gateway=str(network.gateway),
            mac=addresses.mac_of(address),
        )

    async def plan(self, endpoint: Endpoint) -> NetworkPlan:
        """What the shim has to send to put a container on its network, see `engine.network.transport`.

        Raises:
            NotFound: the bridge has gone since `ensure`.
        """
        try:
            index, mtu = socket.if_nametoindex(endpoint.bridge), interface.mtu_of(endpoint.bridge)
        except OSError as error:
            raise NotFound(f"the bridge {endpoint.bridge} has gone", "try again") from error
        return await self._templates.endpoint(endpoint, index, mtu)

    async def topology(self, containers: Sequence[Container]) -> Topology:
        """The uplink, our bridges and what hangs on them, as the kernel has it now.

        Raises:
            Unsupported: the kernel doesn't answer.
        """
        await host.load()
        with _explained("the kernel's network devices can't be read"):
            return await topology.read(records.every(self._database), containers)

    def counters(self) -> CounterReader:
        """A reader of the byte and packet counters of containers and of the machine; close it after use."""
        return CounterReader()

    def changes(self) -> AsyncIterator[None]:
        """An item whenever a device, an address or a route of the host has changed; floods collapse."""
        return watch.changes()

    async def reset(self) -> None:
        """Remove our bridges and our table, and forget the networks with their leases.

        Raises:
            Unsupported: no privilege.
        """
        await host.load()
        names = {self._paths.bridge_name} | {network.bridge for network in records.every(self._database)}
        with _explained("the network can't be taken down"):
            for name in names:
                await asyncio.to_thread(bridge.remove, name)
            self._firewall.remove()
        self._database.execute("DELETE FROM networks")

    def _network(self, name: str) -> Network:
        network = records.find(self._database, name)
        if network is None:
            raise NotFound(f"there is no network called {name}", f"use --network {DEFAULT_NETWORK}, none or host")
        return network

    async def _raise_bridge(self, name: str) -> Network:
        """Make a network's bridge, on its old subnet if nobody else has taken that, otherwise on a free one."""
        await host.load()
        if name != DEFAULT_NETWORK:
            self._network(name)
        async with claim.subnets_claimed():
            known = records.find(self._database, name)
            device = known.bridge if known else self._paths.bridge_name
            index = interface.index_of(device)
            async with host.route_socket() as route:
                surroundings = await host.read(route)
            network = self._placed(name, device, known, surroundings.taken(but=index))
            stale = [a for a in surroundings.addresses_of(index) if not a.startswith(f"{network.gateway}/")]
            mtu = host.uplink_mtu(surroundings)
            with _explained(f"the bridge {device} can't be made"):
                await asyncio.to_thread(bridge.create, device, network.subnet, mtu, stale)
        return network

    def _placed(self, name: str, device: str, known: Network | None, taken: list[IPv4Network]) -> Network:
        if known is not None and not addresses.overlaps_any(known.subnet, taken):
            return known
        others = [network.subnet for network in records.every(self._database) if network.name != name]
        subnet = addresses.free_subnet([*taken, *others])
        network = Network(name=name, bridge=device, subnet=subnet, gateway=addresses.gateway_of(subnet))
        records.save(self._database, network)
        return network

    def _open_the_way(self, network: Network) -> None:
        """IPv4 forwarding and masquerade. Forwarding is the whole machine's: where it is on, it is left alone."""
        with _explained("containers can't be let out of this machine"):
            if _FORWARDING.read_text().strip() == "0":
                _FORWARDING.write_text("1")
            self._firewall.ensure(_guarded(network))

    def _firewall_contents(self) -> Contents:
        return Contents(networks=tuple(_guarded(network) for network in records.every(self._database)))


def _guarded(network: Network) -> GuardedNetwork:
    return GuardedNetwork(bridge=network.bridge, subnets=(network.subnet,))


@contextmanager
def _explained(what: str) -> Iterator[None]:
    """Turn the kernel's no into a sentence."""
    try:
        yield
    except OSError as error:
        raise Unsupported(f"{what} ({error.strerror or error})", _NO_NETWORK) from error
