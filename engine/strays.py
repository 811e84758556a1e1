"""Bridges and interfaces that belong to nobody any more, found and removed by whoever comes next.

Interfaces go with their containers' network namespaces, so what is left belongs to a change that was cut short, or is
in a namespace that somebody else holds.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import NamedTuple

from engine.locks import ContainerLock
from engine.network import bridge, interface, links, transport, wiring
from engine.network.links import Device
from engine.paths import Paths
from engine.runtime import status
from engine.store.database import Database

_DEVICES = Path("/proc/thread-self/net/dev")
_HEADINGS = 2  # lines
_ID_DIGITS = 6  # of a network's id in its bridge's name
_UNRECORDED = """
    SELECT endpoints.container_id, network_id, host_interface FROM endpoints
    JOIN containers ON containers.id = endpoints.container_id
    WHERE instr(CAST(record AS TEXT), '"' || host_interface || '"') = 0
"""


class Stray(NamedTuple):
    """One of them: what it is called, what is wrong with it, and what puts that right."""

    name: str
    problem: str
    remedy: str
    remove: Callable[[], None]


class Strays:
    """Those of one root, by their names."""

    def __init__(self, paths: Paths, database: Database) -> None:
        self._paths = paths
        self._database = database
        first, other = re.escape(paths.veth_name("x" * 8)[:-8]), re.escape(paths.network_bridge("x" * 6)[:-_ID_DIGITS])
        self._pair = re.compile(rf"{first}[0-9a-f]{{8}}(-[0-9a-z])?")
        self._bridge = re.compile(rf"{other}[0-9a-f]{{{_ID_DIGITS}}}")

    def remove(self) -> None:
        """Remove them; next to nothing is done where there are none."""
        with suppress(OSError):
            for stray in self.found():
                stray.remove()

    def found(self) -> Iterator[Stray]:
        """Each, when the ones before have been looked at."""
        present = _device_names()  # read first: whoever makes one has written it down before
        yield from self._connections()
        for name in filter(self._bridge.fullmatch, present):
            if self._database.row("SELECT 1 FROM networks WHERE bridge = ?", (name,)) is None:
                yield Stray(name, "is the bridge of no network", "removes it", partial(bridge.remove, name))
        living = self._names_of_living()
        for name in filter(self._pair.fullmatch, present):
            if name not in living and self._is_stray(name):
                problem = "is the interface of no container that runs"
                yield Stray(name, problem, "removes it", partial(self._remove_pair, name))

    def _connections(self) -> Iterator[Stray]:
        """Places that were leased and never written down in the container's record."""
        for row in self._database.rows(_UNRECORDED):
            with ContainerLock(self._paths, row[0]).attempt() as locked:
                is_left = locked and row in self._database.rows(_UNRECORDED)
            if is_left:
                problem = "is a place on a network whose container doesn't know of it"
                yield Stray(row[2], problem, "gives it back", partial(self._undo_connection, row))

    def _undo_connection(self, row: tuple[str, str, str]) -> None:
        container_id, network_id, name = row
        with ContainerLock(self._paths, container_id).attempt() as locked:
            if locked and row in self._database.rows(_UNRECORDED):
                self._database.execute(
                    "DELETE FROM endpoints WHERE container_id = ? AND network_id = ?", (container_id, network_id)
                )
                wiring.remove(name)

    def _names_of_living(self) -> set[str]:
        query = """
            SELECT host_interface FROM endpoints JOIN containers ON containers.id = container_id
            WHERE state IN ('running', 'paused')
        """
        return {name for (name,) in self._database.rows(query)}

    def _is_stray(self, name: str) -> bool:
        """Whether an interface isn't a living container's, unless the kernel is at it, or it isn't ours at all."""
        with transport.open_socket() as sock:
            device = links.named(sock, name)
        if device is None or device.kind != "veth" or device.peer_namespace is None or not self._is_ours(device):
            return False
        owner = self._owner(name)
        if owner is None:
            return True
        with ContainerLock(self._paths, owner).attempt() as locked:
            return locked and not self._is_alive(owner)

    def _remove_pair(self, name: str) -> None:
        owner = self._owner(name)
        if owner is None:
            wiring.remove(name)
            return
        with ContainerLock(self._paths, owner).attempt() as locked:
            if locked and not self._is_alive(owner):
                wiring.remove(name)

    def _owner(self, name: str) -> str | None:
        """The id of the container whose interface has this name, if there is one."""
        row = self._database.row("SELECT container_id FROM endpoints WHERE host_interface = ?", (name,))
        return row[0] if row is not None else None

    def _is_ours(self, device: Device) -> bool:
        bridges = self._database.rows("SELECT bridge FROM networks")
        return device.master in {interface.index_of(name) for (name,) in bridges} - {None}

    def _is_alive(self, container_id: str) -> bool:
        found = status.read(self._paths.status(container_id))
        return found is not None and not found.is_final and status.shim_is_alive(found)


def _device_names() -> list[str]:
    lines = _DEVICES.read_text().splitlines()[_HEADINGS:]
    return [line.partition(":")[0].strip() for line in lines]
