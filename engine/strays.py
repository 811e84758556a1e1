"""Bridges and interfaces that belong to nobody any more, found and removed by whoever comes next.

Interfaces go with their containers' network namespaces, so what is left belongs to a change that was cut short, or is
in a namespace that somebody else holds.
"""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path

from engine.locks import ContainerLock
from engine.network import bridge, interface, links, transport, wiring
from engine.network.links import Device
from engine.paths import Paths
from engine.runtime import status
from engine.store.database import Database

_DEVICES = Path("/proc/thread-self/net/dev")
_HEADINGS = 2  # lines
_ID_DIGITS = 6  # of a network's id in its bridge's name


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
        present = _device_names()  # read first: whoever makes one has written it down before
        with suppress(OSError):
            self._undo_connections()
            for name in filter(self._bridge.fullmatch, present):
                if self._database.row("SELECT 1 FROM networks WHERE bridge = ?", (name,)) is None:
                    bridge.remove(name)
            living = self._names_of_living()
            for name in filter(self._pair.fullmatch, present):
                if name not in living:
                    self._remove_pair(name)

    def _undo_connections(self) -> None:
        """Forget places that were leased and never written down in the container's record."""
        query = """
            SELECT endpoints.container_id, network_id, host_interface FROM endpoints
            JOIN containers ON containers.id = endpoints.container_id
            WHERE instr(CAST(record AS TEXT), '"' || host_interface || '"') = 0
        """
        for container_id, network_id, name in self._database.rows(query):
            with ContainerLock(self._paths, container_id).attempt() as locked:
                if locked and (container_id, network_id, name) in self._database.rows(query):
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

    def _remove_pair(self, name: str) -> None:
        """Remove an interface that isn't a living container's, unless the kernel is at it, or it isn't ours at all."""
        with transport.open_socket() as sock:
            device = links.named(sock, name)
        if device is None or device.kind != "veth" or device.peer_namespace is None or not self._is_ours(device):
            return
        row = self._database.row("SELECT container_id FROM endpoints WHERE host_interface = ?", (name,))
        if row is None:
            wiring.remove(name)
            return
        with ContainerLock(self._paths, row[0]).attempt() as locked:
            if locked and not self._is_alive(row[0]):
                wiring.remove(name)

    def _is_ours(self, device: Device) -> bool:
        bridges = self._database.rows("SELECT bridge FROM networks")
        return device.master in {interface.index_of(name) for (name,) in bridges} - {None}

    def _is_alive(self, container_id: str) -> bool:
        found = status.read(self._paths.status(container_id))
        return found is not None and not found.is_final and status.shim_is_alive(found)


def _device_names() -> list[str]:
    lines = _DEVICES.read_text().splitlines()[_HEADINGS:]
    return [line.partition(":")[0].strip() for line in lines]
