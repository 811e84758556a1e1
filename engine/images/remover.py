"""Taking images away: one that is named, or all that nobody needs; and then the content that was only theirs."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

from engine.disk_use import disk_bytes
from engine.errors import Conflict
from engine.images.collect import discard, set_garbage_aside, unneeded
from engine.images.lock import collecting
from engine.images.records import ImageRecord, ImageRecords
from engine.model import Image
from engine.paths import Paths
from engine.store.database import Database


class Remover:
    """Removes rows, then content. To be used in the event loop's thread; work on the disk happens in others."""

    def __init__(self, paths: Paths, database: Database, records: ImageRecords) -> None:
        self._paths = paths
        self._database = database
        self._records = records

    def remove(self, record: ImageRecord, given: str, name: str | None, force: bool) -> tuple[str, ...]:
        """Take a name away, and the image with its last one. To be called inside a transaction.

        Args:
            given: what a person calls it.
            name: the name that was given, if it is one of the image's; otherwise all of them go.

        Raises:
            Conflict: a container uses it, or it has several names and none was given.
        """
        names = self._names_to_take(record, given, name, force)
        is_last = len(names) == len(record.references)
        users = self._records.containers_of(record.id) if is_last else ()
        if users and not force:
            raise _in_use(given, users)
        return self._take(record, names, is_last and not users)

    def prune(self, images: Iterable[Image]) -> tuple[str, ...]:
        """Remove those of some images that no container uses, all in one step or none."""
        lines: list[str] = []
        with self._database.transaction():
            for image in images:
                record = self._records.by_id(image.id)
                if record is not None and not self._records.containers_of(image.id):
                    lines += self._take(record, record.references, True)
        return tuple(lines)

    def _take(self, record: ImageRecord, names: Sequence[str], whole: bool) -> tuple[str, ...]:
        for name in names:
            self._records.untag(name)
            self._database.record_event("image", "untag", record.id, name)
        if whole:
            self._records.delete(record.id)
            self._database.record_event("image", "delete", record.id, names[0] if names else record.id)
        deleted = (f"Deleted: {record.id}",) if whole else ()
        return (*(f"Untagged: {name}" for name in names), *deleted)

    def _names_to_take(self, record: ImageRecord, given: str, name: str | None, force: bool) -> tuple[str, ...]:
        if name is not None:
            return (name,)
        if len(record.references) > 1 and not force:
            raise Conflict(
                f"the image {given} has several names ({', '.join(record.references)})",
                "remove them one by one, or all with --force",
            )
        return record.references

    async def collect(self) -> int:
        """Delete what no image needs; left to whoever is just bringing content in, if anybody is.

        Returns:
            bytes of disk that are free again.
        """
        garbage: Sequence[Path] = ()
        async with collecting(self._paths) as alone:
            if alone:
                known = self._records.all()
                garbage = await asyncio.to_thread(set_garbage_aside, self._paths, known)
        return await asyncio.to_thread(_discard, garbage)

    async def disk_bytes(self, used: Collection[str]) -> tuple[int, int]:
        """What all images take on the disk, and what of it none of the images with these ids needs."""
        needed = [record for record in self._records.all() if record.id in used]
        free = await asyncio.to_thread(unneeded, self._paths, needed)
        whole = await asyncio.to_thread(disk_bytes, self._paths.layers, self._paths.blobs)
        return whole, await asyncio.to_thread(disk_bytes, *free)


def _discard(garbage: Sequence[Path]) -> int:
    weight = disk_bytes(*garbage)
    discard(garbage)
    return weight


def _in_use(given: str, users: Sequence[str]) -> Conflict:
    names = ", ".join(users[:3]) + (" and more" if len(users) > 3 else "")
    remedy = f"remove {'it' if len(users) == 1 else 'them'} first, or take the name with --force"
    return Conflict(f"the image {given} is in use by {names}", remedy)
