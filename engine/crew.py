"""Those who work on containers.

Who finds them is always there. The others are called when they are needed first, since what they stand on takes most of
the time that an engine needs to open.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING

from engine.lookup import Lookup
from engine.network.firewall import Contents, Firewall
from engine.paths import Paths
from engine.ports import Ports
from engine.records import Records
from engine.recovery import Recovery
from engine.removal import Removal
from engine.restarts import Restarts
from engine.running import Running
from engine.store.database import Database
from engine.volumes import Volumes

if TYPE_CHECKING:
    from engine.containers import Containers
    from engine.creating import Creating
    from engine.ending import Ending
    from engine.images.images import Images
    from engine.launch import Launcher
    from engine.network.networks import Networks
    from engine.pausing import Pausing
    from engine.preparation import Preparation
    from engine.publishing import Publishing
    from engine.removing import Removing
    from engine.starting import Starting
    from engine.starts import Starts
    from engine.streams import Streams
    from engine.updates import Updates
    from engine.usage import Usage


class Crew:
    """All of them, for one root.

    Args:
        images, networks, launcher: asked for when somebody works with them first.
        containers: whom they work for.
    """

    def __init__(
        self,
        paths: Paths,
        database: Database,
        images: Callable[[], Images],
        networks: Callable[[], Networks],
        volumes: Volumes,
        launcher: Callable[[], Launcher],
        containers: Containers,
    ) -> None:
        self._paths = paths
        self._database = database
        self._images = images
        self._networks = networks
        self._volumes = volumes
        self._launcher = launcher
        self._containers = containers
        self.records = Records(database)
        self.ports = Ports(paths, database, self.records, Firewall(paths.table_name, Contents))
        self.restarts = Restarts(paths, self.records)
        self.recovery = Recovery(paths, self.records, self.ports, self.restarts)
        self.ports.refresh = self.recovery.refresh
        self.removal = Removal(paths, self.records, self.ports, volumes)
        running = Running(paths, database, self.records, self.recovery)
        self.lookup = Lookup(self.records, self.recovery, running, self.removal)

    @cached_property
    def _preparation(self) -> Preparation:
        from engine.preparation import Preparation

        return Preparation(self._paths, self._database, self.records, self._networks())

    @cached_property
    def creating(self) -> Creating:
        """Makes containers."""
        from engine.creating import Creating
        from engine.volume_filling import fill_volumes

        return Creating(
            self._paths,
            self._images(),
            self._networks(),
            self._volumes,
            self.records,
            self._preparation,
            self.removal,
            lambda container: fill_volumes(self._paths, self._containers, self._volumes, container),
        )

    @cached_property
    def _starting(self) -> Starting:
        from engine.starting import Starting

        return Starting(
            self._paths,
            self.records,
            self.recovery,
            self._preparation,
            self._networks(),
            self.updates,
            self.ports,
            self.restarts,
            self._launcher(),
            self.ending.kill_now,
        )

    @cached_property
    def starts(self) -> Starts:
        """Starts them."""
        from engine.starts import Starts

        return Starts(self._paths, self.records, self.lookup, self.restarts, self._starting)

    @cached_property
    def updates(self) -> Updates:
        """Changes limits."""
        from engine.updates import Updates

        return Updates(self._paths, self.records)

    @cached_property
    def pausing(self) -> Pausing:
        """Freezes them, and lets them go on."""
        from engine.pausing import Pausing

        return Pausing(self._paths, self.records, self.lookup)

    @cached_property
    def ending(self) -> Ending:
        """Stops and kills them, and waits for their ends."""
        from engine.ending import Ending

        return Ending(self._paths, self._images(), self.records, self.lookup, self.pausing, self.restarts)

    @cached_property
    def removing(self) -> Removing:
        """Removes them."""
        from engine.removing import Removing

        return Removing(self._paths, self.records, self.lookup, self.ending, self.removal, self._volumes)

    @cached_property
    def streams(self) -> Streams:
        """Attaches, runs further processes and reads logs."""
        from engine.streams import Streams

        return Streams(self._paths, self.lookup)

    @cached_property
    def usage(self) -> Usage:
        """Tells what they use."""
        from engine.usage import Usage

        return Usage(self._paths, self.lookup)

    @cached_property
    def publishing(self) -> Publishing:
        """Publishes ports, and withdraws them."""
        from engine.publishing import Publishing

        return Publishing(self._paths, self.records, self.ports, self._containers.get)
