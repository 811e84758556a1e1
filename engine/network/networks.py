"""The networks of an engine: made and removed, kept standing, leased to containers, shown as they are."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import suppress
from functools import lru_cache
from ipaddress import ip_network
from pathlib import Path

from msgspec.structs import replace

from engine.errors import BoxdeckError, Conflict, NotFound
from engine.model import Attachment, Container, Endpoint, Network, NetworkRequest, Topology
from engine.names.post import folder_of_posts
from engine.network import (
    addresses,
    bridge,
    claim,
    encode,
    forwarding,
    hairpin,
    host,
    interface,
    leases,
    port_table,
    records,
    wanted,
    watch,
)
from engine.network.choice import Choice, wants_ipv6
from engine.network.counters import CounterReader
from engine.network.firewall import Contents, Firewall
from engine.network.name_service import NameService
from engine.network.plan import NetworkPlan
from engine.network.refusal import explained
from engine.network.ruleset import GuardedNetwork
from engine.network.templates import TemplateFile
from engine.network.topology.reader import TopologyReader
from engine.paths import Paths
from engine.pruning import PruneFilter
from engine.store.database import Database
from engine.xray.actions import bury, recorded

DEFAULT_NETWORK = addresses.DEFAULT_NETWORK

_BRIDGE_MODULES = "bridge veth"
_FIREWALL_MODULES = "nf_tables nft_ct nft_fib_inet nft_nat nft_masq"


class Networks:
    """Bridges, addresses and the way out of the machine, for all containers of one root.

    There is always the default network, ``bridge``.
    """

    def __init__(self, paths: Paths, database: Database) -> None:
        self._paths = paths
        self._database = database
        self._templates = TemplateFile(paths.network_templates)
        self.firewall = Firewall(paths.table_name, self._firewall_contents)
        self._name_service = NameService(paths, self._templates)
        self._ensuring = asyncio.Lock()
        self._topology = TopologyReader(paths.table_name)

    # Networks

    async def create(self, request: NetworkRequest) -> Network:
        """Make a network; its bridge is up when this returns.

        Raises:
            InvalidRequest: it can't be on any machine.
            Conflict: the name or a subnet is in use, or no subnet is free.
            Unsupported: no privilege, or the kernel lacks a part.
        """
        wanted.check_name(request.name)
        if request.name == DEFAULT_NETWORK:
            raise Conflict(f"there is a network {DEFAULT_NETWORK!r} already", "choose another name")
        subnets = wanted.subnets(request)
        ipv6 = wants_ipv6(request.ipv6) or any(records.family(subnet) == 6 for subnet in subnets)
        wanted.check(request, subnets, ipv6)
        network_id = records.new_id()
        network = Network(
            id=network_id,
            name=request.name,
            bridge=self._paths.network_bridge(network_id),
            subnets=subnets,
            internal=request.internal,
            mtu=request.mtu,
            labels=request.labels,
            created_unix_ns=time.time_ns(),
        )
        async with self._ensuring:
            return await self._made(network, request.ipv4, ipv6)

    async def list(self) -> tuple[Network, ...]:
        """All networks, by name."""
        await self._default()
        return tuple(records.every(self._database))

    async def get(self, reference: str) -> Network:
        """A network by name, id or unique beginning of its id.

        Raises:
            NotFound: none goes by it.
            InvalidRequest: several do.
        """
        if reference == DEFAULT_NETWORK:
            return await self._default()
        return records.find(self._database, reference)

    async def members(self, reference: str) -> tuple[tuple[str, Endpoint], ...]:
        """The ids of the containers on a network with their endpoints, whether they run or not, by address."""
        network = await self.get(reference)
        found = leases.of_network(self._database, network)
        return tuple(sorted(found, key=lambda one: (len(one[1].address), one[1].address, one[1].address6)))

    async def remove(self, reference: str) -> Network:
        """Remove a network that no container is on.

        Raises:
            NotFound: there is none.
            Conflict: containers are on it, or it is the default network.
        """
        network = await self.get(reference)
        if network.name == DEFAULT_NETWORK:
            raise Conflict(f"{DEFAULT_NETWORK} is the default network", "it can't be removed")
        await host.load()
        async with claim.subnets_claimed():  # until all is down: who gets its subnets next has the same elements
            with self._database.transaction():
                records.delete(self._database, network)
                self._database.record_event("network", "destroy", network.id, network.name)
            with recorded(self._paths, "rm", network.id, network.name):
                await self._take_down(network)
        bury(self._paths, network.id)
        return network

    async def prune(self, which: PruneFilter | None = None) -> tuple[Network, ...]:
        """Remove all networks that no container is on, but the default one.

        Args:
            which: only those; None for all.
        """
        which = which or PruneFilter()
        unused = [
            network
            for network in await self.list()
            if network.name != DEFAULT_NETWORK
            and which.passes(network.created_unix_ns, network.labels)
            and not records.users_of(self._database, network)
        ]
        removed = []
        for network in unused:
            with suppress(Conflict, NotFound):  # a container has come, or somebody else was faster
                removed.append(await self.remove(network.id))
        return tuple(removed)

    # What a start needs

    async def ensure(self, *references: str) -> tuple[Network, ...]:
        """See to it that networks' bridges, forwarding and firewall are there; quick when they are.

        Call it before every start: a reboot, a person or another program may have removed any of them. It may
        have to move a network to another subnet, so ask for the endpoints afterwards.

        Args:
            references: of the networks; without any, the default one.

        Returns:
            The networks as they are now.

        Raises:
            NotFound: no such network.
            Unsupported: no privilege, or the kernel lacks bridges or nf_tables.
            Conflict: no subnet is free, or one has become somebody else's.
        """
        found = []
        async with self._ensuring:
            for reference in references or (DEFAULT_NETWORK,):
                network = await self._known(reference)
                if not bridge.is_ready(network):
                    network = await self._raised(network)
                self._open_the_way(network)
                found.append(network)
        return tuple(found)

    async def serve_names(self, references: Iterable[str], known: Sequence[Network] = ()) -> None:
        """See to it that containers on networks, which have to be there, can ask for names; quick when they can.

        Args:
            known: as for `endpoints`.
        """
        networks = {network.name: network for network in known}
        for reference in references:
            await self._name_service.announce(networks.get(reference) or records.find(self._database, reference))

    def are_names_served(self) -> bool:
        """Whether somebody answers questions for names."""
        return self._name_service.is_served()

    def names_served(self) -> Sequence[Path]:
        """What announces networks whose names are to be served: files with the networks' ids as names."""
        return folder_of_posts(self._paths)

    def lease(self, container_id: str, wish: Attachment | None = None) -> Endpoint:
        """The container's place on a network; the same one for as long as it is on it.

        Call it in a transaction. The container's row has to be there; the lease goes with it.

        Args:
            wish: the network, and what is wished for; without it the default network.

        Raises:
            NotFound: no such network, or `ensure` was never called.
            Conflict: the network is full, or what is wished for is another's.
            InvalidRequest: what is wished for can't be.
        """
        wish = wish or Attachment(network=DEFAULT_NETWORK)
        network = records.find(self._database, wish.network)

        def host_name(number: int) -> str:
            return self._paths.veth_name(container_id, number)

        return leases.take(self._database, network, container_id, wish, host_name)

    def give_back(self, container_id: str, network: Network) -> None:
        """Take the container from a network. Call it in a transaction."""
        leases.give_back(self._database, network, container_id)

    def endpoints(self, container_id: str, known: Sequence[Network] = ()) -> tuple[Endpoint, ...]:
        """All places of a container, in the order of its interfaces.

        Args:
            known: networks as `ensure` has told them, which aren't looked up again.
        """
        return leases.completed(self._database, container_id, known)

    async def plan(
        self,
        endpoints: Sequence[Endpoint],
        owner: str = "",
        settled: Sequence[Endpoint] = (),
        has_ports: bool = False,
    ) -> NetworkPlan:
        """What has to be sent to put a container on its networks, see `engine.network.wiring`.

        Args:
            owner: the container's name, for ``ip link`` to show.
            settled: endpoints that it has already; families that have a way out by them get no other one.
            has_ports: whether ports of the host's lead to it, which it may use as well.

        Raises:
            NotFound: a bridge has gone since `ensure`.
        """
        plans = []
        ways = _families(settled)
        for endpoint in endpoints:
            try:
                index, mtu = interface.index_and_mtu_of(endpoint.bridge)
            except OSError as error:
                raise NotFound(f"the bridge {endpoint.bridge} has gone", "try again") from error
            mine = _families((endpoint,)) - ways
            ways |= mine
            plan = await self._templates.endpoint(endpoint, index, mtu, sorted(mine))
            further = [hairpin.request(endpoint.host_interface)] if has_ports and hairpin.is_needed() else []
            described = encode.set_alias(endpoint.host_interface, _description(endpoint, owner))
            plans.append(replace(plan, host_requests=(*plan.host_requests, *further), description=described))
        return NetworkPlan(endpoints=tuple(plans))

    # What there is

    async def topology(self, containers: Sequence[Container]) -> Topology:
        """Uplinks, bridges, namespaces and what leads where, as the kernel has it now; rates are since the last call.

        Raises:
            Unsupported: the kernel doesn't answer.
        """
        with explained("the kernel's network devices can't be read"):
            return await self._topology.read(records.every(self._database), containers)

    def counters(self) -> CounterReader:
        """A reader of the byte and packet counters of containers and of the machine; close it after use."""
        return CounterReader()

    async def changes(self) -> AsyncIterator[None]:
        """An item whenever a device, an address or a route has changed, see `engine.network.watch`; floods collapse.

        Raises:
            Unsupported: the kernel doesn't tell.
        """
        with explained("the kernel doesn't tell of changes of network devices"):
            async for places in watch.changes():
                self._topology.forget(places)
                yield

    # The end

    def close(self) -> None:
        """Close what is open."""
        self.firewall.close()

    async def reset(self) -> None:
        """Remove our bridges and our table, and forget the networks with their leases.

        Raises:
            Unsupported: no privilege.
        """
        await host.load()
        names = {self._paths.bridge_name} | {network.bridge for network in records.every(self._database)}
        with explained("the network can't be taken down"):
            self._name_service.end()
            for name in names:
                await asyncio.to_thread(bridge.remove, name)
            self.firewall.remove()
        with self._database.transaction():
            for table in ("endpoints", "networks"):
                self._database.execute(f"DELETE FROM {table}")

    # Within

    async def _known(self, reference: str) -> Network:
        """As `get`, for who holds the lock."""
        network = records.named(self._database, reference)
        if network is None and reference == DEFAULT_NETWORK:
            bridge_name, now = self._paths.bridge_name, time.time_ns()
            wish = Network(id=records.new_id(), name=reference, bridge=bridge_name, subnets=(), created_unix_ns=now)
            return await self._made(wish, ipv4=True, ipv6=wants_ipv6(None))
        return network or records.find(self._database, reference)

    async def _default(self) -> Network:
        network = records.named(self._database, DEFAULT_NETWORK)
        if network is None:
            async with self._ensuring:
                network = await self._known(DEFAULT_NETWORK)
        return network

    async def _made(self, network: Network, ipv4: bool, ipv6: bool) -> Network:
        """Store a network with all its subnets, and raise it; nothing stays of one that can't be raised."""
        await host.load()
        async with claim.subnets_claimed():
            surroundings = await self._surroundings()
            taken = surroundings.taken(but=interface.index_of(network.bridge))
            with self._database.transaction():
                known = records.named(self._database, network.name)
                if known is not None and network.name == DEFAULT_NETWORK:
                    return known  # another engine was faster
                choice = Choice(self._database, taken, network.name)
                network = replace(network, subnets=choice.complete(network.subnets, ipv4, ipv6))
                records.insert(self._database, network)
                self._database.record_event("network", "create", network.id, network.name)
            try:
                with recorded(self._paths, "create", network.id, network.name):
                    await self._build(network, surroundings)
            except BoxdeckError:
                with self._database.transaction():
                    records.delete(self._database, network)
                with suppress(BoxdeckError):  # a kernel without nf_tables can't forget in it either
                    await self._take_down(network)
                bury(self._paths, network.id)
                raise
        return network

    async def _raised(self, network: Network) -> Network:
        """Make a network's bridge again, on its subnets if nobody else has taken them, otherwise on free ones."""
        await host.load()
        living = [end.host_interface for _, end in leases.of_network(self._database, network)]
        living = [name for name in living if interface.index_of(name) is not None]
        async with claim.subnets_claimed():
            surroundings = await self._surroundings()
            taken = surroundings.taken(but=interface.index_of(network.bridge))
            with self._database.transaction():
                network = records.find(self._database, network.id)  # it may just have been removed
                choice = Choice(self._database, taken, network.name)
                network = choice.settle(network, has_living=bool(living))
                if network.name == DEFAULT_NETWORK and network.ipv6 is None and wants_ipv6(None):
                    network = choice.with_ipv6(network)
            await self._build(network, surroundings)
            with explained(f"the ports of the bridge {network.bridge} can't be put back"):
                await asyncio.to_thread(bridge.adopt, network.bridge, living)
        return network

    async def _surroundings(self) -> host.HostNetwork:
        async with host.route_socket() as route:
            return await host.read(route)

    async def _build(self, network: Network, surroundings: host.HostNetwork) -> None:
        present = surroundings.addresses_of(interface.index_of(network.bridge))
        mtu = network.mtu or host.uplink_mtu(surroundings)
        with explained(f"the bridge {network.bridge} can't be made", _BRIDGE_MODULES):
            await asyncio.to_thread(bridge.create, network, mtu, present)
        self._open_the_way(network)

    async def _take_down(self, network: Network) -> None:
        with explained(f"the bridge {network.bridge} can't be removed"):
            self._name_service.withdraw(network)
            await asyncio.to_thread(bridge.remove, network.bridge)
            self.firewall.forget(_guarded(network))

    def _open_the_way(self, network: Network) -> None:
        """Forwarding and the firewall. Forwarding is the whole machine's: where it is on, it is left alone."""
        with explained("containers can't be let out of this machine", _FIREWALL_MODULES):
            if not network.internal:
                forwarding.switch_on(ipv4=network.ipv4 is not None, ipv6=network.ipv6 is not None)
            self.firewall.ensure(_guarded(network))

    def _firewall_contents(self) -> Contents:
        networks = tuple(_guarded(network) for network in records.every(self._database))
        return Contents(networks=networks, ports=port_table.every(self._database))


def _guarded(network: Network) -> GuardedNetwork:
    return _guard(network.bridge, tuple(subnet.subnet for subnet in network.subnets), network.internal)


@lru_cache(maxsize=64)
def _guard(bridge_name: str, subnets: tuple[str, ...], is_internal: bool) -> GuardedNetwork:
    """Kept, since every start asks for it."""
    return GuardedNetwork(bridge=bridge_name, subnets=tuple(map(ip_network, subnets)), is_internal=is_internal)


def _families(endpoints: Sequence[Endpoint]) -> set[int]:
    """Those that have a way out by one of these endpoints."""
    found = {4 for endpoint in endpoints if endpoint.gateway}
    return found | {6 for endpoint in endpoints if endpoint.gateway6}


def _description(endpoint: Endpoint, owner: str) -> str:
    return f"boxdeck {owner or 'container'} {endpoint.container_interface} on {endpoint.network}"
