"""Containers that stand still: frozen by the kernel's freezer, and let go on again."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Iterator
from contextlib import contextmanager

from msgspec.structs import replace

from engine.cgroups.manager import Cgroup
from engine.errors import Conflict, NotFound
from engine.locks import ContainerLock
from engine.lookup import Lookup, require_running
from engine.model import Container, State
from engine.paths import Paths
from engine.records import Records
from engine.standstill import Standstill
from engine.xray.actions import recorded


class Pausing:
    """Freezes and thaws.

    What the kernel does comes first and what the store says second: an engine that is killed in between leaves a
    container that can be thawed all the same.
    """

    def __init__(self, paths: Paths, records: Records, lookup: Lookup) -> None:
        self._paths = paths
        self._records = records
        self._lookup = lookup
        self._standstill = Standstill(paths, records)

    async def pause(self, reference: str) -> Container:
        """As `Containers.pause`."""
        container = await self._lookup.get(reference)
        async with ContainerLock(self._paths, container.id).held():
            return await self._pause(self._seen_running(container))

    async def unpause(self, reference: str) -> Container:
        """As `Containers.unpause`."""
        container = await self._lookup.get(reference)
        async with ContainerLock(self._paths, container.id).held():
            return await self._unpause(self._seen_running(container))

    def _seen_running(self, container: Container) -> Container:
        now = self._lookup.present(container)
        require_running(now)
        return now

    async def _pause(self, container: Container) -> Container:
        """Freeze every process of a running container (freezer-subsystem.rst; cgroup-v2.rst, ``cgroup.freeze``).

        Raises:
            Conflict: it is paused already.
            Unsupported: there is no freezer, or a process is stuck in the kernel.
        """
        if container.state is State.PAUSED:
            raise Conflict(f"{container.name} is paused", f"let it go on with: boxdeck unpause {container.name}")
        with recorded(self._paths, "pause", container.id, container.name), _while_it_lasts(container):
            await asyncio.to_thread(Cgroup.open(self._paths.cgroup_path(container.id)).freeze)
        return self._change(container, State.PAUSED, "pause")

    async def _unpause(self, container: Container) -> Container:
        """Let it go on.

        Raises:
            Conflict: it isn't paused.
        """
        with _while_it_lasts(container):
            cgroup = Cgroup.open(self._paths.cgroup_path(container.id))
            if container.state is not State.PAUSED and not cgroup.is_frozen:
                raise Conflict(f"{container.name} is not paused", f"pause it with: boxdeck pause {container.name}")
            with recorded(self._paths, "unpause", container.id, container.name):
                await asyncio.to_thread(cgroup.thaw)
        return self._change(container, State.RUNNING, "unpause")

    def let_die(self, container: Container) -> None:
        """Thaw a container to which a signal was sent that shall end it: who is frozen on v1 dies only then.

        The kernel is asked, not the store: somebody may freeze it at this very moment. One whose files are being copied
        stands still for so long.
        """
        try:
            cgroup = Cgroup.open(self._paths.cgroup_path(container.id))
            if (container.state is not State.PAUSED and not cgroup.is_frozen) or self._standstill.is_held(container.id):
                return
            cgroup.thaw()
        except (NotFound, OSError):
            return  # v2 kills who is frozen: it has gone already
        self._change(container, State.RUNNING, "unpause")

    def _change(self, container: Container, state: State, action: str) -> Container:
        def changed(now: Container) -> Container | None:
            return replace(now, state=state) if now.is_running and now.state is not state else None

        return self._records.change(container.id, changed, action) or container


@contextmanager
def _while_it_lasts(container: Container) -> Iterator[None]:
    """Say of a container that ends at that moment what is said of one that has ended.

    Raises:
        Conflict: its control group has gone.
    """
    try:
        yield
    except (NotFound, OSError) as error:
        if isinstance(error, OSError) and error.errno not in (errno.ENOENT, errno.ENODEV):
            raise
        raise Conflict(f"{container.name} has just ended", f"start it with: boxdeck start {container.name}") from error
