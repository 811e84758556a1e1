"""Which subnets a network gets: those that are named if nobody has them, and free ones for the rest."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ipaddress import ip_network

from msgspec.structs import replace

from engine.errors import Conflict
from engine.model import Network, Subnet
from engine.network import addresses, forwarding, records
from engine.network.addresses import IpNetwork
from engine.store.database import Database


class Choice:
    """Chooses among what is free at one moment.

    Args:
        taken: every subnet that the machine's addresses and routes are about, but for those of the network itself.
        name: of the network; the subnets of all others in the store are taken as well.
    """

    def __init__(self, database: Database, taken: Iterable[IpNetwork], name: str) -> None:
        self._database = database
        self._taken = list(taken)
        self._others = [
            (network.name, ip_network(subnet.subnet))
            for network in records.every(database)
            if network.name != name
            for subnet in network.subnets
        ]

    def complete(self, named: Sequence[Subnet], ipv4: bool, ipv6: bool) -> tuple[Subnet, ...]:
        """The subnets that are named and those that are wanted besides, IPv4 first.

        Raises:
            Conflict: one is in use, or none is free.
        """
        for subnet in named:
            self.require_free(subnet)
        families = {records.family(subnet): subnet for subnet in named}
        if ipv4 and 4 not in families:
            families[4] = self.free(4)
        if ipv6 and 6 not in families:
            families[6] = self.free(6)
        return tuple(families[family] for family in sorted(families))

    def require_free(self, subnet: Subnet) -> None:
        """Refuse a subnet that is somebody's.

        Raises:
            Conflict: saying whose.
        """
        wanted = ip_network(subnet.subnet)
        for name, other in self._others:
            if addresses.overlap(wanted, (other,)):
                raise Conflict(f"{wanted} overlaps with {other} of the network {name}", "choose another --subnet")
        routed = addresses.overlap(wanted, self._taken)
        if routed is not None:
            raise Conflict(f"{wanted} overlaps with {routed}, which this machine has a route to", "see: ip route")

    def is_free(self, subnet: Subnet) -> bool:
        """Whether nobody else has any of it."""
        return addresses.overlap(ip_network(subnet.subnet), self._everything()) is None

    def free(self, family: int) -> Subnet:
        """A subnet that nobody has.

        Raises:
            Conflict: there is none.
        """
        if family == 4:
            found: IpNetwork = addresses.free_subnet(self._everything())
        else:
            found = addresses.free_subnet_6(records.local_prefix(self._database), self._everything())
        return Subnet(subnet=str(found), gateway=str(addresses.gateway_of(found)))

    def settle(self, network: Network, has_living: bool) -> Network:
        """The network on subnets that are free, with its leases; those that it is on already if possible.

        Raises:
            Conflict: a subnet that can't be exchanged is somebody's by now.
        """
        subnets = []
        for subnet in network.subnets:
            if self.is_free(subnet):
                subnets.append(subnet)
                continue
            if subnet.is_fixed or has_living:
                self.require_free(subnet)
            moved = self.free(records.family(subnet))
            records.move(self._database, network.id, subnet, moved)
            subnets.append(moved)
        return replace(network, subnets=tuple(subnets))

    def with_ipv6(self, network: Network) -> Network:
        """A network of the days before IPv6 with a subnet of it."""
        added = self.free(6)
        records.add_subnet(self._database, network.id, added)
        return replace(network, subnets=(*network.subnets, added))

    def _everything(self) -> list[IpNetwork]:
        return [*self._taken, *(other for _, other in self._others)]


def wants_ipv6(asked: bool | None) -> bool:
    """Whether a network is to have IPv6, where that isn't said: if the machine has it."""
    return forwarding.has_ipv6() if asked is None else asked
