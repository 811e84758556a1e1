"""Deleting containers: what they have on the disk, and then the record, which says meanwhile what is going on.

Whoever is killed leaves a container that is being removed and whose lock nobody holds; the next one goes on. One of
which not all can be removed is dead, as docker has it: it is there for another attempt, and for nothing else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from contextlib import suppress

from engine.errors import BoxdeckError, Conflict
from engine.images.removal import discard_tree, remove_tree
from engine.locks import ContainerLock
from engine.model import Container, State
from engine.paths import Paths
from engine.ports import Ports
from engine.records import Records
from engine.volumes import Volumes
from engine.xray.actions import bury


class Removal:
    """Deletes containers that don't run, under their lock."""

    def __init__(self, paths: Paths, records: Records, ports: Ports, volumes: Volumes) -> None:
        self._paths = paths
        self._records = records
        self._ports = ports
        self._volumes = volumes

    async def delete(self, container_id: str) -> None:
        """Delete a container and everything that it wrote; one that isn't there any more is fine."""
        async with ContainerLock(self._paths, container_id).held():
            await self.delete_locked(container_id)

    async def delete_quietly(self, container_id: str) -> None:
        """As `delete`, for those who have a failure of their own to tell."""
        try:
            await self.delete(container_id)
        except BoxdeckError:
            return

    async def sweep(self, container_id: str) -> None:
        """Delete a container whose time has come, unless somebody is at it: the next one will."""
        with ContainerLock(self._paths, container_id).attempt() as locked:
            if locked:
                with suppress(Conflict):  # it is dead then, and says why
                    await self.delete_locked(container_id)

    async def sweep_ended(self, containers: Collection[Container]) -> None:
        """Sweep those that asked to be removed at their end and have ended, and whose removal was cut short."""
        for container in containers:
            if is_due(container):
                await self.sweep(container.id)

    async def delete_locked(self, container_id: str) -> None:
        """As `delete`, for those who hold its lock.

        Raises:
            Conflict: something of it can't be removed; it is dead from now on.
        """
        container = self._records.get(container_id)
        if container is None:
            return
        self._ports.close(container_id)
        self._records.begin_removal(container_id)
        discard_tree(self._paths.runtime(container_id))
        try:
            await asyncio.to_thread(remove_tree, self._paths.container(container_id))
        except OSError as error:
            raise self._died(container, error) from error
        self._records.delete(container)
        self._paths.history(container_id).unlink(missing_ok=True)
        ContainerLock(self._paths, container_id).forget()
        bury(self._paths, container_id)
        if container.request.auto_remove:
            await self._volumes.remove_unnamed(container.request)

    def _died(self, container: Container, error: OSError) -> Conflict:
        """Write down that it couldn't be removed; what is said of that."""
        cause = f"{error.filename!r} among its files can't be removed ({error.strerror})"
        self._records.fail_removal(container.id, cause)
        folder = self._paths.container(container.id)
        return Conflict(
            f"{container.name} is dead: {cause}", f"see what holds it in {folder}, then: boxdeck rm {container.name}"
        )


def is_due(container: Container) -> bool:
    """It asked to be removed at its end and has ended, or its removal has begun."""
    return container.state is State.REMOVING or (container.request.auto_remove and container.state is State.EXITED)
