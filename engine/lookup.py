"""Containers as they are now: records, and what shims have written since."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection

from engine.errors import Conflict, NotFound
from engine.folding import Folding
from engine.model import Container, State
from engine.records import Records
from engine.recovery import Recovery
from engine.removal import Removal, is_due
from engine.running import Running


class Lookup:
    """Finds containers, takes over what became of them and removes those that asked for it at their end."""

    def __init__(self, records: Records, recovery: Recovery, running: Running, removal: Removal) -> None:
        self._records = records
        self._recovery = recovery
        self._running = running
        self._removal = removal
        self._folding = Folding(self._take_over)

    def close(self) -> None:
        """Let go of what watches the containers."""
        self._folding.close()
        self._running.close()

    async def refresh(self) -> None:
        """As `Containers.refresh`."""
        self._recovery.refresh()
        await self._removal.sweep_ended(self._records.all())

    async def list(self, all_states: bool) -> tuple[Container, ...]:
        """As `Containers.list`."""
        await self.refresh()
        return tuple(c for c in self._records.all() if all_states or c.is_running)

    async def running(self, doubtful: Collection[str]) -> tuple[Container, ...]:
        """As `Containers.running`."""
        await self.sweep(self.look(doubtful))
        return self.seen_running

    @property
    def seen_running(self) -> tuple[Container, ...]:
        """The containers that ran at the last look, newest first."""
        return self._running.containers

    def look(self, doubtful: Collection[str]) -> set[str]:
        """Look which containers run; the ids of those that have ended, and may have to be swept."""
        return self._running.look(doubtful)

    async def sweep(self, ended: Collection[str]) -> None:
        """Remove those containers that asked for it at their end."""
        for container_id in ended:
            container = self._records.get(container_id)
            if container is not None and is_due(container):
                await self._removal.sweep(container_id)

    async def get(self, reference: str) -> Container:
        """A container by name, id or unique prefix of its id.

        Raises:
            NotFound: none goes by it.
            InvalidRequest: several do.
        """
        container = self._records.find(reference)
        is_spoken_for = self._recovery.refresh_one(container.id)
        if not is_spoken_for and container.is_running:
            await self.refresh()
        if is_spoken_for or container.is_running:
            container = self._records.find(reference)
        if is_due(container):
            await self._removal.sweep(container.id)
            return self._records.find(reference)
        return container

    async def get_running(self, reference: str) -> Container:
        """As `get`.

        Raises:
            Conflict: it isn't running.
        """
        container = await self.get(reference)
        require_running(container)
        return container

    async def get_moving(self, reference: str) -> Container:
        """As `get`.

        Raises:
            Conflict: it isn't running, or is paused.
        """
        container = await self.get_running(reference)
        if container.state is State.PAUSED:
            raise Conflict(f"{container.name} is paused", f"let it go on with: boxdeck unpause {container.name}")
        return container

    def seen(self, container: Container) -> Container:
        """The container as it is now, also when it has ended already; for those who hold its lock."""
        self._recovery.refresh_one(container.id)
        return self._records.get(container.id) or container

    def present(self, container: Container) -> Container:
        """As `seen`, for those who had to wait for the lock: others may have done anything to it meanwhile.

        Raises:
            NotFound: it has been removed.
        """
        self._recovery.refresh_one(container.id)
        now = self._records.get(container.id)
        if now is None:
            raise NotFound(f"{container.name} has just been removed")
        return now

    def just_started(self, container: Container) -> Container:
        """As `seen`; that it runs is written down in a moment."""
        now = self._recovery.look(container)
        if not now.is_running:
            return self.seen(container)
        self._folding.soon(container.id)
        return now

    def follow_up(self, container: Container) -> Callable[[], Awaitable[None]]:
        """What to do when a session hears of the container's end: take it over, and remove what asked for it.

        That it has ended is written down when whoever waited for that has gone on.
        """

        async def ended() -> None:
            if container.request.auto_remove:
                await self.settle(container)
            else:
                self._folding.next(container.id)

        return ended

    async def settle(self, container: Container) -> None:
        """Take over that a container has ended, and remove it if it asked for that."""
        self._folding.cancel(container.id)
        self._take_over(container.id)
        if container.request.auto_remove and not self.seen(container).is_running:
            await self._removal.sweep(container.id)

    def _take_over(self, container_id: str) -> None:
        if not self._recovery.refresh_one(container_id):
            self._recovery.refresh()


def require_whole(container: Container) -> None:
    """Refuse a container whose removal has begun.

    Raises:
        Conflict: with how to end that.
    """
    if container.state is State.REMOVING:
        raise Conflict(f"{container.name} is being removed")
    if container.state is State.DEAD:
        raise Conflict(f"{container.name} is dead ({container.error})", f"remove it with: boxdeck rm {container.name}")


def require_running(container: Container) -> None:
    """Refuse a container that doesn't run.

    Raises:
        Conflict: with how to start it.
    """
    require_whole(container)
    if container.state is State.RESTARTING:
        raise Conflict(f"{container.name} is restarting", f"wait until it runs, or: boxdeck start {container.name}")
    if not container.is_running:
        raise Conflict(f"{container.name} is not running", f"start it with: boxdeck start {container.name}")
