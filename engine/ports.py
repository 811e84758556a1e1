"""The host's ports of containers: taken when one starts, led to it, and given back when it ends.

What a killed engine or shim leaves is found by the rows of `engine.network.port_table`, see `settle`.
"""

from __future__ import annotations

import errno
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from ipaddress import ip_address
from socket import socket

from msgspec.structs import replace

from engine.errors import BoxdeckError, Conflict, InvalidRequest, Unsupported
from engine.model import Container, Endpoint, PublishedPort
from engine.network import (
    conntrack,
    hairpin,
    loopback_way,
    nft,
    port_mappings,
    port_reservation,
    port_table,
    ruleset,
    withdrawal,
)
from engine.network.firewall import Firewall
from engine.network.port_holder import holder_of
from engine.network.port_mappings import EVERYWHERE, Way
from engine.network.port_reservation import InUse
from engine.network.ruleset import PortMapping
from engine.network.withdrawal import Forgotten, Withdrawal
from engine.paths import Paths
from engine.records import Records
from engine.store.database import Database

_ABOVE_OUTGOING = range(61000, 65536)  # ip_local_port_range begins at 32768 and ends at 60999 (ip-sysctl.rst)
_CHOICES = 50  # tries to find a port that is free at several addresses
_ORPHANS_SECONDS, _ORPHANS_PAUSE_SECONDS = 0.5, 0.02
_IN_USE_REMEDY = "publish another port of the host's, or end what has it"


class Ports:
    """Publishes ports; the caller holds the container's lock."""

    def __init__(self, paths: Paths, database: Database, records: Records, firewall: Firewall) -> None:
        self._paths = paths
        self._database = database
        self._records = records
        self._firewall = firewall
        self.refresh: Callable[[], object] = lambda: None  # tells which containers have ended

    # A container's start and end

    @contextmanager
    def opened(self, container: Container, endpoints: Sequence[Endpoint]) -> Iterator[socket | None]:
        """Publish all ports of a container that starts, and take them back if the start fails.

        Yields:
            what holds the host's ports, to be passed on to the shim; None for a container without ports.

        Raises:
            Conflict: a port is in use, or the host hasn't got an address.
            Unsupported: the kernel refuses.
        """
        self.close(container.id)
        if not container.ports:
            yield None
            return
        way = port_mappings.way_to(endpoints)
        chosen: list[PublishedPort] = []
        with _explained(), port_reservation.hold(self._bound(container.ports, way, chosen)) as held:
            try:
                self._record(container, tuple(chosen))
                self._lead(container.id, self._mappings(chosen, way), way)
                yield held
            except BoxdeckError:
                self.close(container.id)
                raise

    def has_any(self, container_id: str) -> bool:
        """Whether ports are taken for a container."""
        return bool(port_table.of(self._database, container_id))

    def close(self, container_id: str, is_withdrawn: bool = False) -> None:
        """Take all ports of a container that has ended back; where the kernel refuses, whoever comes next tries again.

        Args:
            is_withdrawn: its shim has taken them out of the firewall.
        """
        mappings = port_table.of(self._database, container_id)
        if not mappings:
            return
        try:
            if not is_withdrawn:
                self._firewall.withdraw(mappings)
                withdrawal.forget_flows(_flows(mappings))
        except OSError:
            return
        with self._database.transaction(durable=False):
            port_table.remove_all(self._database, container_id)

    # A container that runs

    def follow(self, container: Container) -> tuple[PortMapping, ...]:
        """Have the firewall lead to a running container as its record says; what isn't published any more.

        Raises:
            Conflict: another container has a port.
            Unsupported: the kernel refuses.
        """
        way = port_mappings.way_to(container.endpoints)
        wanted = self._mappings(container.ports, way) if container.is_running else ()
        present = port_table.of(self._database, container.id)
        unwanted = tuple(set(present) - set(wanted))
        with _explained():
            for endpoint in container.endpoints if wanted else ():
                hairpin.let(endpoint.host_interface)
            self._withdraw(container.id, unwanted, way)
            self._lead(container.id, tuple(set(wanted) - set(present)), way)
        return unwanted

    @contextmanager
    def reserved(
        self, container: Container, ports: Sequence[PublishedPort]
    ) -> Iterator[tuple[socket, Sequence[PublishedPort]]]:
        """Take further ports of the host's for a running container.

        Yields:
            what holds them, to be passed on to the shim, and the ports as they were chosen.

        Raises:
            Conflict: as `opened`.
        """
        way = port_mappings.way_to(container.endpoints)
        chosen: list[PublishedPort] = []
        with _explained(), port_reservation.hold(self._bound(ports, way, chosen)) as held:
            yield held, chosen

    def settle(self, container_id: str) -> None:
        """Finish what a killed engine was at; quick where nobody was."""
        container = self._records.get(container_id)
        if container is None:
            return
        if not container.is_running:
            self.close(container_id)
        elif port_table.of(self._database, container_id) != ():
            self.follow(container)

    def owners(self) -> list[str]:
        """The ids of the containers that have ports of the host's."""
        return port_table.owners(self._database)

    # Within

    def _bound(self, ports: Iterable[PublishedPort], way: Way, chosen: list[PublishedPort]) -> Iterator[socket]:
        """Sockets that are bound to the ports, which are noted in `chosen` with the numbers that they have got."""
        for port in ports:
            addresses = [str(address) for address in port_mappings.host_addresses(port, way)]
            try:
                number, sockets = self._taken_soon(port, addresses)
            except InUse as error:
                raise self._in_use(*error.taken) from error
            except OSError as error:
                if error.errno != errno.EADDRNOTAVAIL:
                    raise
                raise Conflict(f"this machine has no address {port.host_address}", "see those with: ip addr") from error
            chosen.append(replace(port, host_port=number))
            yield from sockets

    def _taken_soon(self, port: PublishedPort, addresses: Sequence[str]) -> tuple[int, list[socket]]:
        """As `_taken`; what nobody that we know of has is held for a start whose engine was killed, and soon free.

        Raises:
            InUse: as `_taken`.
        """
        deadline = time.monotonic() + _ORPHANS_SECONDS
        while True:
            try:
                return _taken(port, addresses)
            except InUse as error:
                if time.monotonic() > deadline or self._holder(*error.taken):
                    raise
                time.sleep(_ORPHANS_PAUSE_SECONDS)

    def _holder(self, address: str, port: int, protocol: str) -> str:
        """Who has a port, in words; empty where nobody knows."""
        owner = port_table.owner_of(self._database, address, port, protocol)
        container = self._records.get(owner) if owner else None
        return f"the container {container.name}" if container else holder_of(address, port, protocol)

    def _in_use(self, address: str, port: int, protocol: str) -> Conflict:
        who = self._holder(address, port, protocol) or "another program"
        return Conflict(f"port {port}/{protocol} of the host is in use by {who}", _IN_USE_REMEDY)

    def _record(self, container: Container, ports: tuple[PublishedPort, ...]) -> None:
        """Keep what has been chosen."""
        now = self._records.get(container.id)
        if now is not None and now.ports != ports:
            with self._database.transaction(durable=False):
                self._records.update(replace(now, ports=ports))

    def _mappings(self, ports: Sequence[PublishedPort], way: Way) -> tuple[PortMapping, ...]:
        """The elements of ports; the host's loopback is made to lead to the container where they say so."""
        addresses = {address for port in ports for address in port_mappings.host_addresses(port, way)}
        with _explained():
            if any(map(ruleset.is_of_loopback, addresses)):
                loopback_way.lead_ipv4(way.bridge4)
            wants6 = any(a.version == 6 and (a.is_loopback or a.is_unspecified) for a in addresses)
            leads6 = wants6 and loopback_way.lead_ipv6(way.bridge6)
        if not leads6 and ip_address("::1") in addresses:
            raise Unsupported(
                "[::1] can't lead to a container while bridged packets pass ip6tables",
                "set net.bridge.bridge-nf-call-ip6tables to 0, or publish at 127.0.0.1",
            )
        return port_mappings.mappings(ports, way, leads6)

    def _lead(self, container_id: str, mappings: Sequence[PortMapping], way: Way) -> None:
        """Rows, what takes the elements away again, and the elements, in this order."""
        if not mappings:
            return
        self._claim(container_id, mappings)
        self._write_withdrawal(container_id, way)
        self._firewall.publish(mappings)
        _redirect_flows(mappings)

    def _claim(self, container_id: str, mappings: Sequence[PortMapping]) -> None:
        taken = self._claimed(container_id, mappings)
        if taken is not None:  # perhaps by a container whose shim has been killed
            place = str(taken.host_address), taken.host_port, taken.protocol
            self.refresh()
            if self._claimed(container_id, mappings) is not None:
                raise self._in_use(*place)

    def _claimed(self, container_id: str, mappings: Sequence[PortMapping]) -> PortMapping | None:
        """Take all rows; the mapping that somebody else has, and none of them then."""
        try:
            with self._database.transaction(durable=False):
                port_table.add(self._database, container_id, mappings)
        except port_table.Taken as error:
            return error.mapping
        return None

    def _withdraw(self, container_id: str, mappings: Sequence[PortMapping], way: Way) -> None:
        if not mappings:
            return
        self._firewall.withdraw(mappings)
        _forget_connections(mappings)
        with self._database.transaction(durable=False):
            port_table.remove(self._database, container_id, mappings)
        self._write_withdrawal(container_id, way)

    def _write_withdrawal(self, container_id: str, way: Way) -> None:
        mappings = port_table.of(self._database, container_id)
        if not mappings:
            withdrawal.discard(str(self._paths.runtime(container_id)))
            return
        found = Withdrawal(
            begin=nft.batch_begin(),
            requests=tuple(self._firewall.withdrawal(mappings)),
            end=nft.batch_end(),
            flows=_flows(mappings),
            table=self._paths.table_name,
            local_bridge=way.bridge4
            if any(map(ruleset.is_of_loopback, (mapping.host_address for mapping in mappings)))
            else "",
        )
        withdrawal.write(str(self._paths.runtime(container_id)), found)


def _taken(port: PublishedPort, addresses: Sequence[str]) -> tuple[int, list[socket]]:
    """A port at all its addresses.

    Raises:
        InUse: none that it may be is free.
        OSError: EADDRNOTAVAIL.
    """
    last: InUse | None = None
    for candidate in _candidates(port):
        try:
            return _taken_at(addresses, candidate, port.protocol)
        except InUse as error:
            last = error
    assert last is not None
    raise last


def _candidates(port: PublishedPort) -> Iterator[int]:
    """Numbers to try; 0 lets the kernel choose."""
    if port.host_port:
        yield port.host_port
    if port.is_chosen:
        yield from range(port.lowest, port.highest + 1) if port.lowest else _any_ports()


def _any_ports() -> list[int]:
    """Some above those of outgoing connections, which nobody gets by chance while a container stands still."""
    import random

    return [*random.sample(_ABOVE_OUTGOING, _CHOICES), 0]


def _taken_at(addresses: Sequence[str], number: int, protocol: str) -> tuple[int, list[socket]]:
    sockets: list[socket] = []
    try:
        for address in addresses:
            sock = port_reservation.bind(address, number, protocol)
            if sock is not None:
                sockets.append(sock)
                number = number or sock.getsockname()[1]
        return number or _any_number(), sockets
    except BaseException:
        for sock in sockets:
            sock.close()
        raise


def _any_number() -> int:
    """A number for a protocol that the kernel has no sockets of, so that nobody can have it."""
    sock = port_reservation.bind("0.0.0.0", 0, "tcp")
    assert sock is not None
    with sock:
        return int(sock.getsockname()[1])


def _flows(mappings: Iterable[PortMapping]) -> tuple[Forgotten, ...]:
    return tuple(
        Forgotten(
            version,
            frozenset(mapping.host_port for mapping in group),
            frozenset(str(mapping.container_address) for mapping in group),
        )
        for (protocol, version), group in _grouped(mappings).items()
        if protocol == "udp"
    )


def _redirect_flows(mappings: Iterable[PortMapping]) -> None:
    """Have flows of UDP to the host itself looked at anew: they began before their port was published."""
    for (protocol, version), group in _grouped(mappings).items():
        if protocol == "udp":
            wanted = {(str(mapping.host_address), mapping.host_port) for mapping in group}
            conntrack.forget("udp", {port for _, port in wanted}, version, partial(_came_to_the_host, wanted))


def _came_to_the_host(wanted: set[tuple[str, int]], flow: conntrack.Flow) -> bool:
    if flow.answering_address != flow.destination:
        return False
    is_everywhere = any((str(address), flow.port) in wanted for address in EVERYWHERE)
    return (flow.destination, flow.port) in wanted or (is_everywhere and port_reservation.is_local(flow.destination))


def _forget_connections(mappings: Iterable[PortMapping]) -> None:
    """End the connections that came through ports which are no longer published."""
    for (protocol, version), group in _grouped(mappings).items():
        targets = {(m.host_port, str(m.container_address), m.container_port) for m in group}
        conntrack.forget(protocol, {port for port, _, _ in targets}, version, partial(_led_to, targets))


def _led_to(targets: set[tuple[int, str, int]], flow: conntrack.Flow) -> bool:
    return (flow.port, flow.answering_address, flow.answering_port) in targets


def _grouped(mappings: Iterable[PortMapping]) -> dict[tuple[str, int], list[PortMapping]]:
    """By protocol and family."""
    found: dict[tuple[str, int], list[PortMapping]] = {}
    for mapping in mappings:
        found.setdefault((mapping.protocol, mapping.host_address.version), []).append(mapping)
    return found


@contextmanager
def _explained() -> Iterator[None]:
    """Turn the kernel's no into a sentence."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.EMFILE, errno.ENFILE):
            raise InvalidRequest("there are too many ports to publish", "publish fewer, or raise ulimit -n") from error
        raise Unsupported(
            f"ports can't be published ({error.strerror or error})", "run as root, on a kernel with nf_tables"
        ) from error
