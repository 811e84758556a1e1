"""Part of the engine's face: volumes, made, listed and removed, and what containers mount of them."""

from __future__ import annotations

import asyncio
import os
import re
import time
from contextlib import suppress
from pathlib import Path

import msgspec
from msgspec.structs import replace

from engine.disk_use import DiskUse, disk_bytes
from engine.errors import Conflict, InvalidRequest, NotFound
from engine.images.removal import discard_tree
from engine.linux import trace
from engine.model import ContainerRequest
from engine.model.volume import Volume
from engine.options import BindMount, VolumeMount
from engine.paths import Paths, names_in
from engine.pruning import Pruned, PruneFilter
from engine.records import Records
from engine.store.blobs import temporary_name
from engine.store.database import Database
from engine.xray.actions import bury, recorded, recorded_for, volume_subject

_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]{1,254}")
_GARBAGE = "volume"  # what the names of folders with removed ones begin with
_INSERT = "INSERT OR IGNORE INTO volumes (name, created_unix_ns, labels, is_anonymous) VALUES (?, ?, ?, ?)"


class Volumes:
    """Volumes of one root. Who uses one is in the records of containers, and nowhere else."""

    def __init__(self, paths: Paths, database: Database) -> None:
        self._paths = paths
        self._database = database
        self._records = Records(database)

    async def list(self) -> tuple[Volume, ...]:
        """All volumes, by name."""
        users = self._users()
        rows = self._database.rows("SELECT name, created_unix_ns, labels, is_anonymous FROM volumes ORDER BY name")
        return tuple(self._volume(row, users) for row in rows)

    async def get(self, name: str) -> Volume:
        """A volume by name.

        Raises:
            NotFound: there is none.
        """
        found = next((each for each in await self.list() if each.name == name), None)
        if found is None:
            raise NotFound(f"there is no volume {name!r}", "see all with: boxdeck volume ls")
        return found

    async def create(self, name: str | None = None, labels: dict[str, str] | None = None) -> Volume:
        """Make a volume; one that is there already stays as it is.

        Args:
            name: None makes one up.

        Raises:
            InvalidRequest: it can't be a name.
        """
        with recorded_for(self._paths, "create") as done:
            chosen = self._ensure(name, labels or {})
            done.append(volume_subject(chosen))
        return await self.get(chosen)

    async def remove(self, name: str, force: bool = False) -> None:
        """Remove a volume with all that is in it.

        Args:
            force: no error when there is none.

        Raises:
            NotFound: there is none.
            Conflict: a container uses it.
        """
        with self._database.transaction():
            users = self._users().get(name, ())
            if users:
                raise Conflict(
                    f"the volume {name} is in use by {', '.join(users)}", "remove the containers that use it first"
                )
            if not self._delete(name) and not force:
                raise NotFound(f"there is no volume {name!r}", "see all with: boxdeck volume ls")
            garbage = self._set_aside(name)  # in one step: half of a volume is never taken for a volume
        with recorded(self._paths, "rm", *volume_subject(name)):
            await asyncio.to_thread(discard_tree, garbage)
        bury(self._paths, volume_subject(name).id)

    async def prune(self, wanted: PruneFilter, named: bool = False) -> Pruned:
        """Remove the volumes that no container uses.

        Args:
            named: also those that somebody named; otherwise only those without.
        """
        gone, freed = [], 0
        for volume in await self.list():
            if volume.users or not (named or volume.is_anonymous):
                continue
            if not wanted.passes(volume.created_unix_ns, volume.labels):
                continue
            size = await asyncio.to_thread(disk_bytes, self._paths.volume(volume.name))
            try:
                await self.remove(volume.name)
            except (Conflict, NotFound):  # somebody was faster
                continue
            gone.append(volume.name)
            freed += size
        return Pruned(lines=tuple(gone), reclaimed_bytes=freed)

    async def disk_bytes(self, name: str) -> int:
        """What is in a volume, as the disk has it; nothing for one that isn't there."""
        return await asyncio.to_thread(disk_bytes, self._paths.volume(name))

    async def disk_use(self) -> DiskUse:
        """What all of them take on the disk."""
        volumes = await self.list()
        sizes = [await self.disk_bytes(volume.name) for volume in volumes]
        used = [bool(volume.users) for volume in volumes]
        return DiskUse(
            kind="Local Volumes",
            count=len(volumes),
            active=sum(used),
            size_bytes=sum(sizes),
            reclaimable_bytes=sum(size for size, is_used in zip(sizes, used, strict=True) if not is_used),
        )

    async def remove_unnamed(self, request: ContainerRequest) -> None:
        """Remove the unnamed volumes of a container that has been removed, as far as no other uses them."""
        for mount in request.volumes:
            row = self._database.row("SELECT is_anonymous FROM volumes WHERE name = ?", (mount.name,))
            if row is not None and row[0] and not self._users().get(mount.name):
                await self.remove(mount.name, force=True)

    def sweep(self) -> None:
        """Finish what whoever was killed had begun: removals, and empty folders that weren't written down yet."""
        for name in self.half_removed():
            self.finish_removal(name)
        known = {name for (name,) in self._database.rows("SELECT name FROM volumes")}
        for name in set(names_in(self._paths.root / "volumes")) - known:
            with self._database.transaction():  # as whoever makes one: a folder without a row is nobody's meanwhile
                if not self._is_known(name):
                    for folder in (self._paths.volume_data(name), self._paths.volume(name)):
                        with suppress(OSError):  # there is none, or something is in it: `system check` tells of that
                            folder.rmdir()

    def half_removed(self) -> tuple[str, ...]:
        """Volumes without a folder, since who was removing them was killed before they were struck out."""
        moved = {name for folder in self._paths.temporary.glob(f"{_GARBAGE}-*") for name in names_in(folder)}
        return tuple(sorted(name for name in moved if not self._paths.volume(name).exists() and self._is_known(name)))

    def finish_removal(self, name: str) -> None:
        """Strike out a volume whose folder has been set aside, unless somebody has made it anew."""
        with self._database.transaction():
            if not self._paths.volume(name).exists():
                self._delete(name)

    # For containers

    def mounted(self, request: ContainerRequest) -> ContainerRequest:
        """The request with all its volumes there and named, and bind mounts that show them.

        Raises:
            InvalidRequest: a name can't be one, or a sub-path leads outside.
        """
        mounts = tuple(
            replace(mount, name=self._ensure(mount.name or None, {}, not mount.name)) for mount in request.volumes
        )
        return replace(request, volumes=mounts, binds=(*request.binds, *map(self._bind, mounts)))

    def require(self, request: ContainerRequest) -> None:
        """See that nobody has removed a volume before its container was written down.

        Raises:
            Conflict: somebody has.
        """
        for mount in request.volumes:
            if not self._is_known(mount.name):
                raise Conflict(f"the volume {mount.name} has just been removed", "try again")

    def to_fill(self, request: ContainerRequest) -> tuple[VolumeMount, ...]:
        """The volumes that get what the image has in their place, since nothing is in them yet."""
        return tuple(
            mount
            for mount in request.volumes
            if mount.copies and not mount.subpath and not os.listdir(self._paths.volume_data(mount.name))
        )

    def fresh(self, mount: VolumeMount) -> Path:
        """Where a volume's first content is copied to, before it takes the place of its empty folder."""
        path = self._paths.volume(mount.name) / "_new"
        discard_tree(path)
        return path

    def fill(self, mount: VolumeMount) -> None:
        """Let what was copied be the volume's content, owner and mode of the folder itself included."""
        os.rename(self._paths.volume(mount.name) / "_new", self._paths.volume_data(mount.name))

    def _bind(self, mount: VolumeMount) -> BindMount:
        source = self._paths.volume_data(mount.name)
        if mount.subpath:
            inner = (source / mount.subpath).resolve()
            if not inner.is_relative_to(source) or not inner.exists():
                raise InvalidRequest(
                    f"the volume {mount.name} has no {mount.subpath!r} in it", "name a folder that is in the volume"
                )
            source = inner
        return BindMount(source=str(source), destination=mount.destination, read_only=mount.read_only)

    def _ensure(self, name: str | None, labels: dict[str, str], is_anonymous: bool = False) -> str:
        chosen = name or os.urandom(32).hex()
        if not _NAME.fullmatch(chosen):
            raise InvalidRequest(
                f"{chosen!r} can't be the name of a volume", "use letters, digits, '_', '.' and '-', at least two"
            )
        row = (chosen, time.time_ns(), msgspec.json.encode(labels).decode(), int(is_anonymous or name is None))
        with self._database.transaction():
            if self._database.execute(_INSERT, row):
                self._database.record_event("volume", "create", chosen, chosen)
            data = self._paths.volume_data(chosen)
            data.parent.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            for folder, mode in ((data.parent, 0o700), (data, 0o755)):
                with suppress(FileExistsError):
                    trace.call(os.mkdir, str(folder), mode)
        return chosen

    def _delete(self, name: str) -> bool:
        is_gone = bool(self._database.execute("DELETE FROM volumes WHERE name = ?", (name,)))
        if is_gone:
            self._database.record_event("volume", "destroy", name, name)
        return is_gone

    def _set_aside(self, name: str) -> Path:
        """Move a volume's folder to where sweeps delete what they find; where it is now."""
        place = self._paths.volume(name)
        try:
            folder = temporary_name(self._paths, _GARBAGE)
            folder.mkdir(mode=0o700)
            os.rename(place, folder / name)
        except OSError:  # it has none, volumes are on a file system of their own, or the disk is full
            return place
        return folder

    def _is_known(self, name: str) -> bool:
        return self._database.row("SELECT 1 FROM volumes WHERE name = ?", (name,)) is not None

    def _users(self) -> dict[str, tuple[str, ...]]:
        users: dict[str, tuple[str, ...]] = {}
        for container in self._records.all():
            for name in dict.fromkeys(mount.name for mount in container.request.volumes):
                users[name] = (*users.get(name, ()), container.name)
        return users

    def _volume(self, row: tuple[str, int, str, int], users: dict[str, tuple[str, ...]]) -> Volume:
        name, created_unix_ns, labels, is_anonymous = row
        return Volume(
            name=name,
            path=str(self._paths.volume_data(name)),
            created_unix_ns=created_unix_ns,
            labels=msgspec.json.decode(labels, type=dict[str, str]),
            is_anonymous=bool(is_anonymous),
            users=users.get(name, ()),
        )
