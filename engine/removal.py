"""Deleting containers: the record first, then what it had on the disk."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

from engine.errors import BoxdeckError
from engine.images.removal import discard_tree
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
                await self.delete_locked(container_id)

    async def sweep_ended(self, containers: Collection[Container]) -> None:
        """Sweep those that asked to be removed at their end and have ended."""
        for container in containers:
            if is_due(container):
                await self.sweep(container.id)

    async def delete_locked(self, container_id: str) -> None:
        """As `delete`, for those who hold its lock."""
        container = self._records.get(container_id)
        if container is None:
            return
        self._ports.close(container_id)
        self._records.delete(container)  # from here on it is gone; folders that stay are recovery's
        discard_tree(self._paths.runtime(container_id))
        await asyncio.to_thread(discard_tree, self._paths.container(container_id))
        self._paths.history(container_id).unlink(missing_ok=True)
        ContainerLock(self._paths, container_id).forget()
        bury(self._paths, container_id)
        if container.request.auto_remove:
            await self._volumes.remove_unnamed(container.request)


def is_due(container: Container) -> bool:
    """It asked to be removed at its end, and has ended."""
    return container.request.auto_remove and container.state is State.EXITED
