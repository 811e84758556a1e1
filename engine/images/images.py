"""The engine's images: listed, brought in, sent out, removed.

What brings images in, and what collects garbage, is imported when it is needed: commands that only look pay nothing.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

from msgspec.structs import replace

from engine.errors import InvalidRequest, NotFound, RegistryError
from engine.images.catalogue import Catalogue, name_or_id
from engine.images.lock import adding_content, is_collection_due
from engine.images.monitor import in_thread
from engine.images.records import ImageRecords
from engine.jobs import Job, Report
from engine.model import HistoryStep, Image
from engine.oci.digest import is_digest
from engine.oci.reference import parse_reference
from engine.paths import Paths
from engine.pruning import Pruned, PruneFilter
from engine.store.blobs import Blobs
from engine.store.database import Database
from engine.xray.actions import Subject, bury, recorded, recorded_for, unmade_subject

if TYPE_CHECKING:
    from engine.images.commit import CommitRequest
    from engine.images.explorer import Explorer, OwnLayer
    from engine.images.remover import Remover

BASE: Final = "base:latest"


class Images:
    """Images below one root. To be used in the event loop's thread; work on the disk happens in others."""

    def __init__(self, paths: Paths, database: Database) -> None:
        self._paths = paths
        self._database = database
        self._records = ImageRecords(database)
        self._catalogue = Catalogue(self._records, Blobs(paths))

    async def list(self) -> tuple[Image, ...]:
        """All images, the newest first."""
        return tuple([self._catalogue.image(record) for record in self._records.all()])

    async def get(self, reference: str) -> Image:
        """Find an image by name, by ``name@digest``, by id or by the beginning of an id.

        Raises:
            NotFound: there is none.
            InvalidRequest: the reference is malformed, or begins the ids of several images.
        """
        return self._catalogue.image(self._catalogue.find(reference))

    def is_base(self, reference: str) -> bool:
        """Whether a reference is that of the image that is assembled here, and no registry's.

        Raises:
            InvalidRequest: it is malformed.
        """
        return parse_reference(reference).familiar == BASE

    async def sweep(self) -> None:
        """Delete what killed engines left half-made."""
        folder = self._paths.temporary
        if folder.is_dir() and any(folder.iterdir()):
            from engine.images.collect import sweep_temporary

            await asyncio.to_thread(sweep_temporary, self._paths)
        if self._paths.downloads.is_dir() and any(self._paths.downloads.iterdir()):
            from engine.images import downloads

            await asyncio.to_thread(downloads.sweep, self._paths)

    def ensure(self, reference: str) -> Job[Image]:
        """Get an image; one that isn't here is pulled, and `base` assembled from this machine's tools.

        Raises:
            BoxdeckError: (from the job) as for `pull`.
        """
        return Job(lambda report: self._ensure(reference, report))

    def pull(self, reference: str, platform: str | None = None) -> Job[Image]:
        """Bring in an image from its registry, also when one of that name is here; what is here isn't fetched again.

        Args:
            platform: such as ``linux/arm64``; None is this machine's.

        Raises:
            InvalidRequest: (from the job) the reference or platform is malformed.
            NotFound: (from the job) the registry has no such image.
            RegistryError: (from the job) the registry can't be reached, or refuses.
            ImageError: (from the job) the image is damaged, hostile, or made for other machines.
        """
        return Job(lambda report: self._pull(reference, platform, report))

    def load(self, path: Path) -> Job[tuple[Image, ...]]:
        """Bring in the images of an OCI layout, a folder or a tar, or of an archive by ``docker save``.

        Each is returned with those of its names that it was given by this.

        Raises:
            NotFound: (from the job) there is no such file.
            ImageError: (from the job) it is something else, damaged, or for another kind of machine.
        """
        return Job(lambda report: self._load(path, report))

    def import_rootfs(
        self, path: Path, reference: str, changes: tuple[str, ...] = (), message: str | None = None
    ) -> Job[Image]:
        """Make an image with one layer from a tar of a root file system, plain or compressed (gzip, xz, bzip2, zstd).

        Args:
            changes: to its config, in a Dockerfile's words, such as ``CMD ["sh"]``.
            message: for its history; None names the file.

        Raises:
            InvalidRequest: (from the job) the reference is malformed or has a digest, or a change can't be understood.
            NotFound, ImageError: (from the job) as for `load`.
        """
        return Job(lambda report: self._import(path, reference, changes, message, report))

    def push(self, reference: str, target: str | None = None) -> Job[str]:
        """Send an image to a registry, as far as that lacks it.

        Args:
            target: the name that it is to have there; None is its own.

        Returns:
            (from the job) the digest of its manifest.

        Raises:
            NotFound: (from the job) there is no such image here.
            RegistryError: (from the job) the registry can't be reached, or refuses.
        """
        return Job(lambda report: self._push(reference, target or reference, report))

    def save(self, references: Sequence[str], target: BinaryIO | Path) -> Job[None]:
        """Write images as an OCI layout, a tar or a folder, that ``docker load`` reads, too.

        Args:
            target: for a tar a file that is open for writing, need not be seekable, and stays open; or the folder.

        Raises:
            NotFound: (from the job) there is no such image.
            StoreError: (from the job) the target can't be written, or a blob is missing.
        """
        return Job(lambda report: self._save(references, target, report))

    async def tag(self, reference: str, name: str) -> Image:
        """Give an image a further name, which is taken from whichever has it now.

        Raises:
            NotFound: there is no such image.
            InvalidRequest: the name is malformed or has a digest.
        """
        record, tagged = self._catalogue.find(reference), _tagged(name)
        with self._database.transaction():
            self._records.tag(record.id, tagged)
            self._database.record_event("image", "tag", record.id, tagged)
        return await self.get(record.id)

    async def history(self, reference: str) -> tuple[HistoryStep, ...]:
        """How an image came to be, the latest step first.

        Raises:
            NotFound: there is no such image.
        """
        from engine.images.steps import steps

        record = self._catalogue.find(reference)
        return await asyncio.to_thread(steps, self._paths, record, self._catalogue.document(record.id))

    def explore(self, reference: str) -> Job[Explorer]:
        """The layers of an image and the files in them: which layer each comes from, and what hides what.

        Raises:
            NotFound: (from the job) there is no such image.
        """
        return Job(lambda report: self.explore_container(reference, None, report))

    async def explore_container(self, reference: str, own: OwnLayer | None, report: Report) -> Explorer:
        """As `explore`, with a container's own layer on top.

        Args:
            reference: of its image.
            own: that layer.

        Raises:
            NotFound: there is no such image any more.
        """
        from engine.images.explorer import Explorer

        record = self._catalogue.find(reference)
        history = self._catalogue.document(record.id).history or ()
        return await in_thread(report, lambda monitor: Explorer(self._paths, record.layers, history, own, monitor))

    def commit(self, image_id: str, own: OwnLayer, request: CommitRequest, name: str | None = None) -> Job[Image]:
        """Make an image of a container's layer; `Containers.commit` is what people ask for.

        Args:
            image_id: of the container's image.
            name: what the new one is to be called; None for nothing.

        Raises:
            NotFound: (from the job) the container's image has gone.
            InvalidRequest: (from the job) the name, or a change to the config, can't be.
        """
        return Job(lambda report: self._commit(image_id, own, request, name, report))

    async def remove(self, reference: str, force: bool = False) -> tuple[str, ...]:
        """Take a name away, and with the last one the image; what nothing needs any more is deleted.

        Args:
            force: take names away from an image that containers use; it stays without a name until they are gone.

        Returns:
            lines like docker's: ``Untagged: NAME`` and ``Deleted: ID``.

        Raises:
            NotFound: there is no such image.
            Conflict: a container uses it, or an id was given and it has several names.
        """
        image = await self.get(reference)
        lines = self._remove(reference, force)
        with recorded(self._paths, "rm", image.id, reference):
            await self._remover.collect()
        if self._records.by_id(image.id) is None:
            bury(self._paths, image.id)
        return lines

    async def prune(self, wanted: PruneFilter, named: bool = False) -> Pruned:
        """Remove the images that no container uses, and content that killed engines left behind.

        Args:
            named: also those that have a name; otherwise only those without.

        Raises:
            StoreError: the store can't be read.
        """
        found = [image for image in await self.list() if named or not image.references]
        lines = self._remover.prune([each for each in found if wanted.passes(each.created_unix_ns, each.config.labels)])
        return Pruned(lines=lines, reclaimed_bytes=await self._remover.collect())

    async def disk_bytes(self, used: Collection[str]) -> tuple[int, int]:
        """What all images take on the disk, and what of it none of the images with these ids needs."""
        return await self._remover.disk_bytes(used)

    # Bringing in

    async def _ensure(self, reference: str, report: Report) -> Image:
        try:
            return await self.get(reference)
        except NotFound:
            if is_digest(reference):
                raise
        if not self.is_base(reference):
            return await self._pull_instead(reference, report)
        from engine.images.base import assemble

        async with self._content_held():
            with recorded_for(self._paths, "assemble") as done:
                installed = await in_thread(report, lambda monitor: assemble(self._paths, monitor))
                done.append(Subject(installed.id, BASE))
            self._records.save(installed, BASE, "import")
        return await self.get(BASE)

    async def _pull_instead(self, reference: str, report: Report) -> Image:
        """Pull what isn't here; when that fails, say both."""
        try:
            return await self._pull(reference, None, report)
        except (RegistryError, NotFound) as error:
            raise NotFound(f"there is no image {reference!r} here, and {error.cause}", error.remedy) from error

    async def _pull(self, reference: str, platform: str | None, report: Report) -> Image:
        from engine.images import platforms
        from engine.images.unpacker import Unpacker

        parsed = parse_reference(reference)
        wanted = platforms.parse(platform) if platform else None
        async with self._content_held():
            with (
                recorded_for(self._paths, "pull", self._unmade(parsed.familiar)) as done,
                Unpacker() as unpacker,  # first: it imports what it needs beside us
            ):
                from engine.images.pull import pull

                pulled = await in_thread(report, lambda monitor: pull(self._paths, parsed, wanted, unpacker, monitor))
                done.append(Subject(pulled.id, parsed.familiar))
            known = self._records.by_reference(parsed.familiar)
            if known is None or (known.id, known.manifest_digest) != (pulled.id, pulled.manifest_digest):
                self._records.save(pulled, parsed.familiar, "pull")
        return await self.get(pulled.id)

    async def _commit(
        self, image_id: str, own: OwnLayer, request: CommitRequest, name: str | None, report: Report
    ) -> Image:
        from engine.images.commit import commit

        record, tagged = self._catalogue.find(image_id), _tagged(name) if name else None
        async with self._content_held():
            made = await in_thread(report, lambda monitor: commit(self._paths, record, own, request, monitor))
            self._records.save(made, tagged, "commit")
        return await self.get(made.id)

    async def _push(self, reference: str, target: str, report: Report) -> str:
        from engine.images.push import push

        record, wanted = self._catalogue.find(reference), parse_reference(target)
        known = {parse_reference(name) for each in self._records.all() for name in each.references}
        elsewhere = sorted({name.repository for name in known if name.registry == wanted.registry})
        others = [name for name in elsewhere if name != wanted.repository]
        async with self._content_held():  # so that nobody collects what is being sent
            return await in_thread(report, lambda monitor: push(self._paths, record, wanted, others, monitor))

    async def _save(self, references: Sequence[str], target: BinaryIO | Path, report: Report) -> None:
        from engine.images.save import Wanted, save, to_folder, to_tar

        wanted: dict[str, Wanted] = {}
        for reference in references:
            record = self._catalogue.find(reference)
            parsed = name_or_id(reference)
            name = (parsed.familiar,) if parsed is not None and parsed.familiar in record.references else ()
            earlier = wanted.get(record.id, Wanted(record, ()))
            wanted[record.id] = Wanted(record, tuple(dict.fromkeys((*earlier.names, *name))))
        async with self._content_held():
            with to_folder(target) if isinstance(target, Path) else to_tar(target) as sink:
                await in_thread(report, lambda monitor: save(self._paths, tuple(wanted.values()), sink, monitor))

    async def _load(self, path: Path, report: Report) -> tuple[Image, ...]:
        from engine.images.archive import load_archive

        async with self._content_held():
            with recorded_for(self._paths, "load", unmade_subject(path.name)) as done:
                loaded = await in_thread(report, lambda monitor: load_archive(self._paths, path, monitor))
                done += [Subject(each.installed.id, next(iter(each.names), path.name)) for each in loaded]
            names: dict[str, tuple[str, ...]] = {}
            for image in loaded:
                for name in image.names or (None,):
                    self._records.save(image.installed, name, "load")
                names[image.installed.id] = (*names.get(image.installed.id, ()), *image.names)
        return tuple([replace(await self.get(each), references=tuple(sorted(given))) for each, given in names.items()])

    async def _import(
        self, path: Path, reference: str, changes: tuple[str, ...], message: str | None, report: Report
    ) -> Image:
        from engine.images.imported import Making, import_archive

        name = _tagged(reference)
        made = Making(created_unix_ns=time.time_ns(), changes=changes, comment=message or f"imported from {path.name}")
        async with self._content_held():
            with recorded_for(self._paths, "import", self._unmade(name)) as done:
                installed = await in_thread(report, lambda monitor: import_archive(self._paths, path, made, monitor))
                done.append(Subject(installed.id, name))
            self._records.save(installed, name, "import")
        return await self.get(installed.id)

    def _unmade(self, name: str) -> Subject:
        """Whom it is recorded for when an image can't be had: another that has the name, or nobody but the name."""
        known = self._records.by_reference(name)
        return Subject(known.id, name) if known is not None else unmade_subject(name)

    @asynccontextmanager
    async def _content_held(self) -> AsyncIterator[None]:
        """Keep collectors away while content comes in or goes out; then collect what failed, or they had to leave."""
        try:
            async with adding_content(self._paths):
                yield
        except BaseException:
            await self._remover.collect()
            raise
        if is_collection_due(self._paths):
            await self._remover.collect()

    # Removing

    def _remove(self, reference: str, force: bool) -> tuple[str, ...]:
        with self._database.transaction():
            record = self._catalogue.find(reference)
            parsed = name_or_id(reference)
            is_name = parsed is not None and parsed.familiar in record.references
            return self._remover.remove(record, reference, parsed.familiar if parsed and is_name else None, force)

    @cached_property
    def _remover(self) -> Remover:
        from engine.images.remover import Remover

        return Remover(self._paths, self._database, self._records)


def _tagged(reference: str) -> str:
    parsed = parse_reference(reference)
    if parsed.digest is not None:
        raise InvalidRequest(f"{reference!r} names a digest, which comes from the content", "give a name and a tag")
    return parsed.familiar
