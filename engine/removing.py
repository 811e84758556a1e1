"""Containers removed by hand: one by name, killed first where that is wished, or all that don't run."""

from __future__ import annotations

import asyncio

from engine.disk_use import disk_bytes
from engine.ending import Ending
from engine.errors import Conflict
from engine.locks import ContainerLock
from engine.lookup import Lookup
from engine.model import Container, State
from engine.paths import Paths
from engine.pruning import Pruned, PruneFilter
from engine.records import Records
from engine.removal import Removal
from engine.volumes import Volumes
from engine.xray.actions import recorded


class Removing:
    """Removes containers that people don't want any more."""

    def __init__(
        self, paths: Paths, records: Records, lookup: Lookup, ending: Ending, removal: Removal, volumes: Volumes
    ) -> None:
        self._paths = paths
        self._records = records
        self._lookup = lookup
        self._ending = ending
        self._removal = removal
        self._volumes = volumes

    async def remove(self, reference: str, force: bool, volumes: bool) -> None:
        """As `Containers.remove`."""
        container = await self._lookup.get(reference)
        _require_removable(container, force)
        if container.is_running:
            await self._ending.kill_now(container)
        with recorded(self._paths, "rm", container.id, container.name):
            await self._delete(container, force)
            if volumes:
                await self._volumes.remove_unnamed(container.request)

    async def _delete(self, container: Container, force: bool) -> None:
        """Delete one that doesn't run; who has started it meanwhile, perhaps its restart policy, was faster."""
        while True:
            async with ContainerLock(self._paths, container.id).held():
                self._lookup.seen(container)
                now = self._records.get(container.id)
                if now is None or not now.is_running:
                    await self._removal.delete_locked(container.id)
                    return
            _require_removable(now, force)
            await self._ending.kill_now(now)

    async def prune(self, wanted: PruneFilter) -> Pruned:
        """As `Containers.prune`."""
        lines, freed = [], 0
        for container in await self._lookup.list(all_states=True):
            if container.is_running or not wanted.passes(container.created_unix_ns, container.request.labels):
                continue
            size = await asyncio.to_thread(disk_bytes, self._paths.container(container.id))
            async with ContainerLock(self._paths, container.id).held():
                if self._lookup.seen(container).is_running:  # somebody has started it meanwhile
                    continue
                try:
                    await self._removal.delete_locked(container.id)
                except Conflict:  # it is dead, says why, and keeps nobody from the others
                    continue
            lines.append(container.id)
            freed += size
        return Pruned(lines=tuple(lines), reclaimed_bytes=freed)


def _require_removable(container: Container, force: bool) -> None:
    """Refuse one that runs, or soon will again.

    Raises:
        Conflict: with how to end it.
    """
    if not force and (container.is_running or container.state is State.RESTARTING):
        raise Conflict(
            f"{container.name} is {'running' if container.is_running else 'restarting'}",
            f"stop it first with: boxdeck stop {container.name} (or remove it with: boxdeck rm -f)",
        )
