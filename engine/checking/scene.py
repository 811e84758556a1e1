"""Where checks look, and how what they find is said or mended."""

from __future__ import annotations

import inspect
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from engine.errors import BoxdeckError
from engine.locks import ContainerLock
from engine.model import Container, Finding
from engine.network.firewall import Firewall
from engine.paths import Paths
from engine.ports import Ports
from engine.records import Records
from engine.recovery import Recovery
from engine.removal import Removal
from engine.restarts import Restarts
from engine.standstill import Standstill
from engine.store.database import Database
from engine.updates import Updates
from engine.volumes import Volumes

Mend = Callable[[], object]
"""Puts something right; may be a coroutine function. It raises what keeps it from that."""


class Scene:
    """One root.

    Args:
        repairs: whether what is found is mended at once.
    """

    def __init__(self, paths: Paths, database: Database, firewall: Firewall, volumes: Volumes, repairs: bool) -> None:
        self.paths = paths
        self.database = database
        self.records = Records(database)
        self.ports = Ports(paths, database, self.records, firewall)
        self.restarts = Restarts(paths, self.records)
        self.recovery = Recovery(paths, self.records, self.ports, self.restarts)
        self.ports.refresh = self.recovery.refresh
        self.updates = Updates(paths, self.records)
        self.removal = Removal(paths, self.records, self.ports, volumes)
        self.standstill = Standstill(paths, self.records)
        self.repairs = repairs

    async def found(self, kind: str, place: str, problem: str, remedy: str, mend: Mend) -> Finding:
        """What is said of something that can be mended, which it is if this is a repair."""
        finding = Finding(kind=kind, place=place, problem=problem, remedy=remedy)
        if not self.repairs:
            return finding
        try:
            result = mend()
            if inspect.isawaitable(result):
                await result
        except (BoxdeckError, OSError, sqlite3.Error) as error:
            return Finding(kind=kind, place=place, problem=problem, remedy=remedy, failure=str(error))
        return Finding(kind=kind, place=place, problem=problem, remedy=remedy, is_mended=True)

    def lasting(self, kind: str, place: str, problem: str, advice: str) -> Finding:
        """What is said of something that only a person can put right."""
        return Finding(kind=kind, place=place, problem=problem, remedy=advice, is_mendable=False)

    @contextmanager
    def undisturbed(self, container_id: str) -> Iterator[bool]:
        """The container's lock; False where somebody is at it just now."""
        with ContainerLock(self.paths, container_id).attempt() as locked:
            yield locked

    def undisturbed_containers(self) -> Iterator[Container]:
        """Every container as it is now, under its lock, but for those that somebody is at."""
        for known in self.records.all():
            with self.undisturbed(known.id) as locked:
                container = self.records.get(known.id)
                if locked and container is not None:
                    yield container

    def name_of(self, container_id: str) -> str:
        """A container as people know it, or the beginning of its id."""
        container = self.records.get(container_id)
        return container.name if container is not None else container_id[:12]

    def is_known(self, container_id: str) -> bool:
        """Whether the store has this container."""
        return self.records.get(container_id) is not None
