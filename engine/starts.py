"""Who starts containers: people, with or without streams, restart policies, and a machine that has booted."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import suppress

from engine import restart_policy, shims
from engine.errors import BoxdeckError, Conflict
from engine.locks import ContainerLock
from engine.lookup import Lookup, require_whole
from engine.model import Container, State
from engine.paths import Paths
from engine.records import Records
from engine.restart_policy import RestartPolicy
from engine.restarts import Restarts
from engine.session import Session
from engine.starting import Starting


class Starts:
    """Takes a container's lock, sees whether there is something to start, and has it started."""

    def __init__(self, paths: Paths, records: Records, lookup: Lookup, restarts: Restarts, starting: Starting) -> None:
        self._paths = paths
        self._records = records
        self._lookup = lookup
        self._restarts = restarts
        self._starting = starting

    async def start(self, reference: str) -> Container:
        """As `Containers.start`."""
        container = await self._lookup.get(reference)
        async with ContainerLock(self._paths, container.id).held():
            container = self._lookup.present(container)
            require_whole(container)
            if await self._starting.is_ready(container):
                (await self._starting.launch(container, attach=False)).close()
            elif container.state is State.PAUSED:
                raise Conflict(f"{container.name} is paused", f"let it go on with: boxdeck unpause {container.name}")
            return self._lookup.seen(container)

    async def start_attached(self, reference: str) -> Session:
        """As `Containers.start_attached`."""
        container = await self._lookup.get(reference)
        async with ContainerLock(self._paths, container.id).held():
            container = self._lookup.present(container)
            require_whole(container)
            if not await self._starting.is_ready(container):
                raise Conflict(
                    f"{container.name} is running already", f"attach to it with: boxdeck attach {container.name}"
                )
            connection = await self._starting.launch(container, attach=True)
            container = self._lookup.just_started(container)
        return Session(connection, container, container.request.tty, self._lookup.follow_up(container))

    async def restart_due(self, container_id: str) -> None:
        """As `Containers.restart_due`."""
        async with ContainerLock(self._paths, container_id).held():
            container = self._records.get(container_id)
            if (
                container is not None
                and container.state is State.RESTARTING
                and await self._starting.is_ready(container)
            ):
                (await self._starting.launch(container, attach=False, is_due=True)).close()

    async def restore(self) -> AsyncIterator[tuple[Container, BoxdeckError | None]]:
        """As `Containers.restore`."""
        await self._lookup.refresh()
        for container in self._restarts.to_restore():
            try:
                yield await self.start(container.id), None
            except BoxdeckError as error:
                yield container, error

    async def set_policy(self, reference: str, policy: RestartPolicy) -> Container:
        """As `Containers.set_restart_policy`."""
        container = await self._lookup.get(reference)
        restart_policy.check(policy, container.request.auto_remove)
        async with ContainerLock(self._paths, container.id).held():
            order = self._restarts.change(self._lookup.present(container), policy)
            if container.is_running:
                with suppress(BoxdeckError):  # it has just ended
                    await shims.ask(self._paths.runtime(container.id), order)
            if policy.name == "no":  # whoever ended before its shim heard of that would be started once more
                self._restarts.call_off(self._lookup.seen(container))
        return self._records.get(container.id) or container
