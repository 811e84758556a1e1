"""Containers and what they use, for a command that only looks: without an event loop, a launcher or psutil."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING

from engine.errors import Unsupported
from engine.model import Container, ContainerSample, History, State
from engine.network.counters import CounterReader
from engine.paths import Paths
from engine.records import Records
from engine.store.database import Database
from engine.survey import Survey

if TYPE_CHECKING:
    from engine.running import Running


class Glance:
    """One root, looked at. It starts a fifth as dear as an `Engine`, whose figures are the same.

    Use it as ``with Glance.open() as glance``.
    """

    def __init__(self, paths: Paths) -> None:
        self._paths = paths
        self._database = Database(paths.database)
        self._records = Records(self._database)
        self._survey = Survey(lambda container: paths.cgroup_path(container.id), CounterReader)
        self._containers: tuple[Container, ...] = ()
        self._doubtful: frozenset[str] = frozenset()

    @cached_property
    def _running(self) -> Running:
        from engine.network.firewall import Contents, Firewall
        from engine.ports import Ports
        from engine.recovery import Recovery
        from engine.restarts import Restarts
        from engine.running import Running

        ports = Ports(self._paths, self._database, self._records, Firewall(self._paths.table_name, Contents))
        recovery = Recovery(self._paths, self._records, ports, Restarts(self._paths, self._records))
        return Running(self._paths, self._database, self._records, recovery)

    @classmethod
    @contextmanager
    def open(cls, root: str | None = None, runroot: str | None = None) -> Iterator[Glance]:
        """Open the state in `root` and `runroot` (see `Paths.resolve`).

        Raises:
            Unsupported: not root.
            StoreError: the state can't be used.
        """
        if os.geteuid() != 0:
            raise Unsupported("Boxdeck's state is root's, and so is the sight of it", "run it with sudo")
        paths = Paths.resolve(root, runroot)
        paths.make_private()
        glance = cls(paths)
        try:
            yield glance
        finally:
            glance.close()

    def find(self, reference: str) -> Container:
        """A container by name, id or unique prefix of its id.

        Raises:
            NotFound: none goes by it.
            InvalidRequest: several do.
        """
        return self._records.find(reference)

    def running(self) -> tuple[Container, ...]:
        """Those that run now, newest first; cheap to ask again and again."""
        self._running.look(self._doubtful)
        self._containers = self._running.containers
        return self._containers

    def recorded(self) -> tuple[Container, ...]:
        """As `running`, cheaper for who asks once: what the store says, unless a start isn't in it yet.

        One that has ended without any engine's having heard of it is among them, and has no sample.
        """
        found = sorted(self._records.running(), key=lambda container: container.created_unix_ns, reverse=True)
        known = {container.id for container in found}
        if not known.issuperset(os.listdir(self._paths.runroot / "containers")):
            return self.running()
        self._containers = tuple(found)
        return self._containers

    def all(self) -> tuple[Container, ...]:
        """Every container, newest first, but for those that are to be removed at their end, and have ended."""
        self.running()
        return tuple(
            container
            for container in self._records.all()
            if not (container.request.auto_remove and container.state is State.EXITED)
        )

    def history(self, container: Container) -> History:
        """What it used in the last hour and the last day (see `Containers.history`)."""
        from engine.history import read_history

        return read_history(self._paths.history(container.id), container.id)

    def samples(self) -> dict[str, ContainerSample]:
        """What each of those listed last uses, by id; rates are over the time since the last call."""
        samples = self._survey.look(self._containers)
        self._doubtful = frozenset(container.id for container in self._containers if container.id not in samples)
        return samples

    def close(self) -> None:
        """Let go of everything."""
        self._survey.close()
        if "_running" in vars(self):
            self._running.close()
        self._database.close()
