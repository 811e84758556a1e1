"""How containers reach each other and the outside: what the kernel has, with our names on it.

Namespaces, devices, addresses, routes and ports come from the kernel at the moment of the call. The store only says
which bridge is ours and which containers run.
"""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress

from msgspec.structs import replace

from engine.linux import namespaces
from engine.model import (
    Container,
    LinkCounters,
    LinkEnd,
    LinkRates,
    Network,
    NetworkDevice,
    NetworkSpace,
    PortMap,
    Topology,
)
from engine.network import transport, watch
from engine.network.topology import docker_proxies, foreign_ports, legacy_ports, places, published, views
from engine.network.topology.devices import RawDevice
from engine.network.topology.places import Place, Places
from engine.network.topology.survey import Numbering, Surveyed, survey

_PAIRS = ("veth", "netkit", "vxcan")
_LEAST_SECONDS = 0.4
"""Rates over less than that jump about."""

_FOREIGN_SECONDS = 2.0
"""For so long ports of others count as unchanged: the kernel doesn't tell of them, and their rules are many."""

_THOROUGH_SECONDS = 2.0
"""Somebody may hold the other end of a pair by a descriptor alone. To look at all of them takes as long as all the
rest, and where containers start one after the other there is always a pair of which one end is on its way."""

_FRESH_SECONDS = 0.8
"""For so long what nothing was told of counts as unchanged, so that a change costs as much as it is large."""


class TopologyReader:
    """Reads the topology, again and again, and knows from the last time what moves on each link.

    Args:
        table: the name of our nftables table.
    """

    def __init__(self, table: str) -> None:
        self._table = table
        self._places = Places()
        self._rates = _Rates()
        self._reading = asyncio.Lock()
        self._hopeless: set[tuple[int, int]] = set()
        self._known: dict[int, Surveyed] = {}
        self._spaces: dict[int, tuple[Surveyed, NetworkSpace]] = {}
        self._known_at = 0.0
        self._thorough_at = -_THOROUGH_SECONDS
        self._foreign: tuple[PortMap, ...] = ()
        self._foreign_at = 0.0
        self._is_listening = False
        self._changed: set[int] = set()

    def forget(self, places: Collection[int]) -> None:
        """Something has changed in namespaces, see `engine.network.watch.changes`; there is somebody who listens."""
        self._is_listening = True
        self._changed |= set(places)

    async def read(self, networks: Sequence[Network], containers: Iterable[Container]) -> Topology:
        """The topology as seen from the network namespace of the calling thread.

        Raises:
            OSError: the kernel doesn't answer.
        """
        home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        try:
            async with self._reading:
                found, ports = await asyncio.to_thread(self._look, home, {each.bridge for each in networks})
            return self._composed(found, ports, networks, tuple(containers), os.fstat(home).st_ino)
        finally:
            os.close(home)

    def _look(self, home: int, own_bridges: Collection[str]) -> tuple[list[Surveyed], tuple[PortMap, ...]]:
        """Everything that is asked of the kernel; a thread of its own enters the namespaces."""
        before = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        try:
            found = self._survey(home)
            with transport.open_socket(transport.NETLINK_NETFILTER) as sock:
                has_strangers = any(d.kind == "bridge" and d.name not in own_bridges for d in found[0].devices)
                ports = (*_ports(sock, self._table), *(self._foreign_ports(sock) if has_strangers else ()))
                return found, tuple(sorted(ports, key=lambda port: (port.host_port, port.protocol, port.host_address)))
        finally:
            namespaces.setns(before, namespaces.CLONE_NEWNET)
            os.close(before)

    def _foreign_ports(self, sock: socket.socket) -> tuple[PortMap, ...]:
        if time.monotonic() - self._foreign_at >= _FOREIGN_SECONDS:
            found = {replace(port, by=""): port for port in (*docker_proxies.read(), *legacy_ports.read())}
            with suppress(OSError):  # a kernel without nf_tables
                found |= {replace(port, by=""): port for port in foreign_ports.read(sock, self._table)}
            self._foreign = tuple(found.values())
            self._foreign_at = time.monotonic()
        return self._foreign

    def _survey(self, home: int) -> list[Surveyed]:
        changed, self._changed = self._changed, set()
        is_whole = not self._is_fresh(home, changed)
        complete = Numbering(is_complete=self._is_listening)
        found = [] if is_whole else self._renewed(home, self._still_there(), changed)
        if is_whole or _unmatched(found) - self._hopeless:  # somebody new: to look for all takes as long as the rest
            places = _with_home(self._places.look(), home)
            found = survey(home, places, complete) if is_whole else self._renewed(home, places, changed)
        unmatched = _unmatched(found)
        is_new = bool(unmatched - self._hopeless)
        if is_new and time.monotonic() - self._thorough_at >= _THOROUGH_SECONDS:
            found, is_whole = survey(home, _with_home(self._places.look(is_thorough=True), home), complete), True
            unmatched, is_new, self._thorough_at = _unmatched(found), False, time.monotonic()
        self._hopeless = unmatched if not is_new else self._hopeless & unmatched
        self._known = {each.place.inode: each for each in found}
        if is_whole:
            self._known_at = time.monotonic()
            self._rates.take({(each.place.inode, d.index): d.counters for each in found for d in each.devices})
        return found

    def _still_there(self) -> list[Place]:
        """The namespaces of the last look that there are still; the first is the host's."""
        first, *others = (each.place for each in self._known.values())
        return [first, *(place for place in others if place.is_there())]

    def _is_fresh(self, home: int, changed: Collection[int]) -> bool:
        """Whether all that may have changed since the last look is known to be in a few places."""
        first = next(iter(self._known.values()), None)
        return (
            self._is_listening
            and time.monotonic() - self._known_at < _FRESH_SECONDS
            and first is not None
            and first.place.inode == os.fstat(home).st_ino
            and all(number == watch.HERE or number in first.numbers for number in changed)
        )

    def _renewed(self, home: int, places: Iterable[Place], changed: Collection[int]) -> list[Surveyed]:
        """The host's namespace anew, those that are new and those in which something has changed; others as known."""
        first = next(iter(self._known.values()))
        stale = {first.numbers[number] for number in changed if number != watch.HERE} | {first.place.inode}
        present = {each.inode: each for each in places}
        kept = {inode: each for inode, each in self._known.items() if inode in present and inode not in stale}
        numbers = {number: inode for number, inode in first.numbers.items() if inode in kept}
        numbering = Numbering(known=numbers, is_complete=True)
        found = survey(home, [each for inode, each in present.items() if inode not in kept], numbering)
        return [found[0], *sorted((*found[1:], *kept.values()), key=lambda each: each.place.inode)]

    def _composed(
        self,
        found: Sequence[Surveyed],
        ports: tuple[PortMap, ...],
        networks: Sequence[Network],
        containers: Sequence[Container],
        home: int,
    ) -> Topology:
        owners = _owners(containers)
        spaces = tuple(self._space_of(each, owners.get(each.place.inode, ()), home) for each in found)
        self._spaces = {space.inode: (each, space) for each, space in zip(found, spaces, strict=True)}
        return views.topology(spaces, networks, containers, _owned(ports, spaces, containers))

    def _space_of(self, found: Surveyed, owners: Sequence[Container], home: int) -> NetworkSpace:
        """As composed the last time, where nothing is new."""
        before, space = self._spaces.get(found.place.inode, (None, None))
        is_same = (
            before is found
            and space is not None
            and (space.is_host or space.container_names == tuple(each.name for each in owners))
        )
        return space if is_same and space is not None else self._space(found, owners, home)

    def _space(self, found: Surveyed, owners: Sequence[Container], home: int) -> NetworkSpace:
        place = found.place
        is_host = place.inode == home
        pid = place.pid if not is_host else None
        return NetworkSpace(
            inode=place.inode,
            is_host=is_host,
            container_ids=tuple(each.id for each in owners) if not is_host else (),
            container_names=tuple(each.name for each in owners) if not is_host else (),
            foreign=places.foreign_container(pid) if pid is not None and not owners else "",
            pid=pid,
            command=places.command_of(pid) if pid is not None else "",
            place=place.point if not is_host else "",
            devices=tuple(self._device(found, each) for each in found.devices),
            routes=found.routes,
            problem=found.problem,
        )

    def _device(self, found: Surveyed, raw: RawDevice) -> NetworkDevice:
        is_pair = raw.kind in _PAIRS
        end = found.end_of(raw)
        return NetworkDevice(
            index=raw.index,
            name=raw.name,
            kind=raw.kind,
            is_up=raw.is_up,
            has_carrier=raw.has_carrier,
            mtu=raw.mtu,
            mac=raw.mac,
            addresses=found.addresses.get(raw.index, ()),
            master=raw.master,
            peer=end if is_pair else None,
            parent=None if is_pair else end,
            is_pair=is_pair,
            detail=raw.detail,
            counters=raw.counters,
            rates=self._rates.of(LinkEnd(namespace=found.place.inode, index=raw.index)),
        )


class _Rates:
    """What moves on each link, by the difference to counters of a while ago."""

    def __init__(self) -> None:
        self._base: Mapping[tuple[int, int], LinkCounters] = {}
        self._base_at = 0.0
        self._found: dict[tuple[int, int], LinkRates] = {}

    def take(self, counters: Mapping[tuple[int, int], LinkCounters]) -> None:
        """Remember what was counted by now; too soon after the last time the rates stay as they are."""
        now = time.monotonic()
        seconds = now - self._base_at
        if self._base and seconds < _LEAST_SECONDS:
            return
        common = counters.keys() & self._base.keys()
        self._found = {end: _rates(self._base[end], counters[end], seconds) for end in common}
        self._base, self._base_at = counters, now

    def of(self, end: LinkEnd) -> LinkRates | None:
        """The rates of a device; None when it was counted once only."""
        return self._found.get((end.namespace, end.index))


def _rates(before: LinkCounters, now: LinkCounters, seconds: float) -> LinkRates:
    def per_second(difference: int) -> float:
        return max(0, difference) / seconds  # one with the same index that was made anew begins at zero

    return LinkRates(
        received_bytes_per_second=per_second(now.received_bytes - before.received_bytes),
        received_packets_per_second=per_second(now.received_packets - before.received_packets),
        sent_bytes_per_second=per_second(now.sent_bytes - before.sent_bytes),
        sent_packets_per_second=per_second(now.sent_packets - before.sent_packets),
        errors_per_second=per_second(now.errors - before.errors),
        dropped_per_second=per_second(now.dropped - before.dropped),
    )


def _unmatched(found: Iterable[Surveyed]) -> set[tuple[int, int]]:
    """Devices whose other end is in a namespace that wasn't found."""
    return {(each.place.inode, index) for each in found for index in each.unmatched}


def _with_home(found: dict[int, Place], home: int) -> list[Place]:
    """Every place, with the one we are in even where no process is seen in it."""
    inode = os.fstat(home).st_ino
    return list({inode: Place(inode), **found}.values())


def _owners(containers: Iterable[Container]) -> dict[int, list[Container]]:
    """Running containers by the inode of their network namespace."""
    found: dict[int, list[Container]] = {}
    for each in containers:
        if each.pid is not None and (inode := places.inode_of(each.pid)) is not None:
            found.setdefault(inode, []).append(each)
    return found


def _owned(
    ports: Iterable[PortMap], spaces: Sequence[NetworkSpace], containers: Iterable[Container]
) -> tuple[PortMap, ...]:
    """With who has the address; of others' only those that somebody here has."""
    ours = {_bare(a): c for c in containers for e in c.endpoints for a in (e.address, e.address6) if a}
    theirs = {
        _bare(address): space.holder
        for space in spaces
        if not space.is_host
        for each in space.devices
        for address in each.addresses
    }
    found = []
    for port in ports:
        owner = ours.get(port.address)
        if owner is not None:
            found.append(replace(port, container_id=owner.id, container_name=owner.name))
        elif not port.by or port.address in theirs:
            found.append(replace(port, container_name=theirs.get(port.address, "")))
    return tuple(found)


def _ports(sock: socket.socket, table: str) -> tuple[PortMap, ...]:
    try:
        return published.read(sock, table)
    except OSError:  # a kernel without nf_tables has no ports to show
        return ()


def _bare(address: str) -> str:
    return address.partition("/")[0]
