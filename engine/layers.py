"""The layer of a container's own: looked into, compared with its image, made an image itself."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from typing import TYPE_CHECKING, BinaryIO

from msgspec import Struct

from engine.containers import Containers
from engine.images.images import Images
from engine.jobs import Job, Report
from engine.locks import ContainerLock
from engine.lookup import require_whole
from engine.model import Change, Container, Image
from engine.oci.linux_spec import Linux
from engine.oci.runtime_spec import decode
from engine.paths import Paths
from engine.runtime.userns import inside_id
from engine.standstill import Standstill
from engine.xray.actions import Subject, recorded_for

if TYPE_CHECKING:
    from engine.images.commit import CommitRequest
    from engine.images.explorer import Explorer, OwnLayer


class Commit(Struct, frozen=True, kw_only=True):
    """What a new image is to be.

    Attributes:
        name: what it is called; None for nothing.
        changes: to its config, in a Dockerfile's words, such as ``CMD ["sh"]``.
        pause: whether a container that runs stands still meanwhile; files that it writes to otherwise may be half old
            and half new.
    """

    name: str | None = None
    changes: tuple[str, ...] = ()
    author: str = ""
    message: str = ""
    pause: bool = True


class Layers:
    """Part of the engine's face: what containers have written."""

    def __init__(self, paths: Paths, containers: Containers, images: Images, standstill: Standstill) -> None:
        self._paths = paths
        self._standstill = standstill
        self._containers = containers
        self._images = images

    def explore(self, reference: str) -> Job[Explorer]:
        """The layers of a container, its own on top, as they are at this moment.

        Raises:
            NotFound: (from the job) there is no such container, or its image has gone.
        """
        return Job(lambda report: self._explore(reference, report))

    async def _explore(self, reference: str, report: Report) -> Explorer:
        container = await self._whole(reference)
        async with self._whole_to_the_end(container):
            return await self._images.explore_container(container.image_id, await self._own(container), report)

    async def _whole(self, reference: str) -> Container:
        """A container whose files are all there."""
        container = await self._containers.get(reference)
        require_whole(container)
        return container

    @asynccontextmanager
    async def _whole_to_the_end(self, container: Container) -> AsyncIterator[None]:
        """What is read of a container that is removed meanwhile isn't passed off as all of it.

        Raises:
            NotFound: it has been removed.
            Conflict: it is being removed.
        """
        try:
            yield
        except FileNotFoundError:
            await self._whole(container.id)
            raise
        await self._whole(container.id)

    async def changes(self, reference: str) -> tuple[Change, ...]:
        """What a container has added, changed and removed against its image, parents before children.

        Raises:
            NotFound: there is no such container, or its image has gone.
        """
        explorer = await self.explore(reference)
        return tuple(explorer.stack.changes())

    def commit(self, reference: str, wanted: Commit) -> Job[Image]:
        """Make an image of a container.

        Raises:
            NotFound: (from the job) there is no such container, or its image has gone.
            InvalidRequest: (from the job) the name or a change can't be.
        """
        return Job(lambda report: self._commit(reference, wanted, report))

    def export(self, reference: str, file: BinaryIO) -> Job[None]:
        """Write the files of a container, running or not, as a tar; what is mounted into it isn't among them.

        Args:
            file: open for writing, need not be seekable; it stays open.

        Raises:
            NotFound: (from the job) there is no such container, or its image has gone.
        """
        return Job(lambda report: self._export(reference, file, report))

    async def _export(self, reference: str, file: BinaryIO, report: Report) -> None:
        from engine.images.export import export
        from engine.images.monitor import in_thread

        container = await self._whole(reference)
        own, explorer = await self._own(container), await self.explore(container.id)
        diff_ids = (await self._images.get(container.image_id)).layers
        async with self._whole_to_the_end(container):
            await in_thread(report, lambda monitor: export(self._paths, explorer, diff_ids, own, file, monitor))

    async def _commit(self, reference: str, wanted: Commit, report: Report) -> Image:
        from engine.images.commit import CommitRequest

        container = await self._whole(reference)
        request = CommitRequest(
            created_unix_ns=time.time_ns(),
            changes=wanted.changes,
            author=wanted.author,
            message=wanted.message,
            instruction=" ".join(container.argv),
        )
        async with ContainerLock(self._paths, container.id).held():  # it isn't removed meanwhile
            container = await self._whole(container.id)
            with self._standstill.held(container.id) if wanted.pause and container.is_running else nullcontext():
                return await self._committed(container, request, wanted, report)

    async def _committed(self, container: Container, request: CommitRequest, wanted: Commit, report: Report) -> Image:
        own = await self._own(container)
        with recorded_for(self._paths, "commit") as done:
            done.append(Subject(container.id, container.name))
            job = self._images.commit(container.image_id, own, request, wanted.name)
            async for progress in job:
                report(progress)
            image = await job
            done.append(Subject(image.id, wanted.name or image.id[:19]))
        return image

    async def _own(self, container: Container) -> OwnLayer:
        """The container's upper directory, and what its ids are inside."""
        from engine.images.explorer import OwnLayer

        linux = decode(await self._containers.runtime_spec(container.id)).linux or Linux()

        def owners(uid: int, gid: int) -> tuple[int, int]:
            return inside_id(linux.uid_mappings, uid) or 0, inside_id(linux.gid_mappings, gid) or 0

        return OwnLayer(str(self._paths.upper(container.id)), owners)
