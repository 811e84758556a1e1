"""Part of the engine's face: files copied into containers, out of them, and between them, whether they run or not."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, ExitStack
from typing import Final

from msgspec.structs import replace

from engine.containers import Containers
from engine.copying import transfer
from engine.copying.places import Archive, ContainerPath, Copied, CopyOptions, HostPath, Place
from engine.copying.roots import Entrance, enter, open_roots
from engine.copying.rules import Spelling
from engine.copying.sides import Side, of_container, of_machine
from engine.errors import InvalidRequest
from engine.images.monitor import Monitor, in_thread
from engine.jobs import Job, Report
from engine.locks import ContainerLock
from engine.lookup import require_whole
from engine.oci.runtime_spec import decode
from engine.paths import Paths
from engine.xray.actions import Subject, recorded_for

_NAP_SECONDS: Final = 0.01
_AS_USUAL: Final = CopyOptions()


class Files:
    """Files of containers.

    Args:
        sees_mounts: whether what is mounted in those that don't run is looked at, too, or only what is in their layers.
    """

    def __init__(self, paths: Paths, containers: Containers, sees_mounts: bool = True) -> None:
        self._paths = paths
        self._containers = containers
        self._sees_mounts = sees_mounts

    def copy(self, source: Place, target: Place, how: CopyOptions = _AS_USUAL) -> Job[Copied]:
        """Copy a file, a folder with all that is in it, or an archive, by docker's rules (docker cp(1)).

        A container that doesn't run can't be started meanwhile; one that runs goes on. Whatever it does to its files
        meanwhile, none outside of it is read or changed.

        Raises:
            InvalidRequest: (from the job) neither side is a container, or something that can't be is asked for.
            NotFound: (from the job) there is no such container, file or folder.
            Conflict: (from the job) something else is in the way, or the container ends meanwhile.
        """
        return Job(lambda report: self._copy(source, target, how, report))

    async def _copy(self, source: Place, target: Place, how: CopyOptions, report: Report) -> Copied:
        _check(source, target, how)
        names = [place.container for place in (source, target) if isinstance(place, ContainerPath)]
        ids = {name: (await self._containers.get(name)).id for name in names}
        async with AsyncExitStack() as stack:
            entrances = {each: await self._entrance(each, stack) for each in sorted(set(ids.values()))}
            done = stack.enter_context(recorded_for(self._paths, "cp"))
            done += [Subject(each, entrance.container.name) for each, entrance in entrances.items()]
            with ThreadPoolExecutor(1, thread_name_prefix="copy") as own:  # its thread changes its namespace and user
                work = _Work(source, target, how, {name: entrances[each] for name, each in ids.items()})
                return await in_thread(report, work, own)

    async def _entrance(self, container_id: str, stack: AsyncExitStack) -> Entrance:
        """A way into a container that stays good, by its first process or by its lock; let go of with the stack."""
        while True:
            container = await self._containers.get(container_id)
            if container.is_running:
                process = enter(container.pid or 0)
                again = await self._containers.get(container_id)  # was that pid still its own?
                if process is not None and again.is_running and again.pid == container.pid:
                    for descriptor in process:
                        stack.callback(os.close, descriptor)
                    return await self._described(container_id, process)
                for descriptor in process or ():
                    os.close(descriptor)
                await asyncio.sleep(_NAP_SECONDS)  # it is ending, and will soon be known to have
                continue
            async with AsyncExitStack() as locked:
                await locked.enter_async_context(ContainerLock(self._paths, container_id).held())
                if not (await self._containers.get(container_id)).is_running:
                    await stack.enter_async_context(locked.pop_all())
                    return await self._described(container_id, None)

    async def _described(self, container_id: str, process: tuple[int, int] | None) -> Entrance:
        container = await self._containers.get(container_id)
        require_whole(container)
        spec = decode(await self._containers.runtime_spec(container_id))
        if not self._sees_mounts:
            spec = replace(spec, mounts=tuple(mount for mount in spec.mounts if mount.destination == "/"))
        return Entrance(container, spec, str(self._paths.bundle(container_id)), process)


class _Work:
    """What the thread does."""

    def __init__(self, source: Place, target: Place, how: CopyOptions, entrances: dict[str, Entrance]) -> None:
        self._source = source
        self._target = target
        self._how = how
        self._entrances = entrances

    def __call__(self, monitor: Monitor) -> Copied:
        step = monitor.step("Copying")
        with ExitStack() as stack:
            distinct = {entrance.container.id: entrance for entrance in self._entrances.values()}
            roots = open_roots(tuple(distinct.values()), stack)

            def advance(amount: int) -> None:
                step(amount)
                for entrance in distinct.values():
                    entrance.check()

            if isinstance(self._source, Archive):
                return transfer.unpack(self._source.file, self._side(self._target, roots, stack), self._how, advance)
            source = self._side(self._source, roots, stack)
            if isinstance(self._target, Archive):
                return transfer.pack(source, self._target.file, self._how, advance)
            return transfer.copy(source, self._side(self._target, roots, stack), self._how, advance)

    def _side(self, place: Place, roots: dict[str, int], stack: ExitStack) -> Side:
        if isinstance(place, ContainerPath):
            entrance = self._entrances[place.container]
            return of_container(entrance, roots[entrance.container.id], place.path)
        assert isinstance(place, HostPath)
        root = os.open("/", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        stack.callback(os.close, root)
        return of_machine(root, place.path)


def _check(source: Place, target: Place, how: CopyOptions) -> None:
    """Refuse what can't be, before anything is looked for."""
    if not isinstance(source, ContainerPath) and not isinstance(target, ContainerPath):
        raise InvalidRequest("neither side of the copy is in a container", "write one as CONTAINER:PATH")
    if how.archive and how.owner:
        raise InvalidRequest("owners can't be both kept and given", "leave out --archive or --chown")
    if isinstance(target, Archive) and how.owner:
        raise InvalidRequest("what goes into an archive keeps its owners", "leave out --chown")
    for place in _paths((source, target)):
        Spelling.of(place.path)


def _paths(places: Sequence[Place]) -> list[HostPath | ContainerPath]:
    return [place for place in places if not isinstance(place, Archive)]
