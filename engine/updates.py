"""Limits changed in three places that never disagree for long: the store, ``config.json`` and the control group.

What is about to change is written down first, with what puts the control group back. When an engine is killed half way,
the next one finds that note: where the store has the new limits already it finishes the work, otherwise it undoes it.
"""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from engine import limit_changes
from engine.cgroups import manager, reservation
from engine.cgroups.limits import Write
from engine.cgroups.manager import Cgroup
from engine.compile.resources import compile_resources
from engine.errors import BoxdeckError, InvalidRequest, NotFound
from engine.limits import Limits
from engine.locks import ContainerLock
from engine.model import Container
from engine.oci.resources_spec import LinuxResources
from engine.oci.runtime_spec import decode, encode
from engine.paths import Paths
from engine.records import Records
from engine.store.blobs import sync_directory, unwritable, write_all


class Pending(Struct, frozen=True, kw_only=True):
    """A change of limits on its way.

    Attributes:
        limits: all limits of the container after it.
        undo: what puts the control group back; nothing for a container that doesn't run.
    """

    limits: Limits
    undo: tuple[Write, ...] = ()


class Updates:
    """Changes the limits of containers; the caller holds the container's lock, but for `settle_all`."""

    def __init__(self, paths: Paths, records: Records) -> None:
        self._paths = paths
        self._records = records

    def update(self, container_id: str, change: Limits) -> Container:
        """Change the limits that are given, all or none, now if the container runs and at every later start.

        Raises:
            InvalidRequest: they contradict each other or the others, or the kernel refuses one.
            Unsupported: this machine hasn't got one.
            NotFound: the container was removed.
        """
        if change == Limits():
            raise InvalidRequest("no limit was given", "name at least one, such as --memory 512m")
        self.settle(container_id)
        container = self._records.get(container_id)
        if container is None:
            raise NotFound("the container has just been removed")
        merged = limit_changes.changed(container.request.limits, change)
        wanted = _only(limit_changes.touched(merged, change))
        after = limit_changes.lasting(merged)
        manager.check(compile_resources(after))
        self._change(_limited(container, after), wanted)
        return self._records.get(container_id) or container

    def _change(self, after: Container, wanted: LinuxResources) -> None:
        cgroup = self._cgroup(after)
        undo = () if cgroup is None else tuple(cgroup.undo_of(wanted))
        self._note(after.id, Pending(limits=after.request.limits, undo=undo))
        try:
            if cgroup is not None:
                self._apply(cgroup, wanted, after.request.limits)
            self._write_config(after)
            self._records.change(after.id, lambda now: _limited(now, after.request.limits), "update")
        except BaseException:
            self.settle(after.id)
            raise
        self._forget(after.id)

    def _cgroup(self, container: Container) -> Cgroup | None:
        """The control group of a container that runs."""
        try:
            return Cgroup.open(self._paths.cgroup_path(container.id)) if container.is_running else None
        except NotFound:
            return None

    def _apply(self, cgroup: Cgroup, wanted: LinuxResources, after: Limits) -> None:
        try:
            cgroup.update(wanted)
            if reservation.reserves(after):
                reservation.hand_down(self._paths.cgroup_name)
        except (BoxdeckError, OSError):
            if any(map(os.path.isdir, cgroup.folders)):
                raise  # otherwise the container has ended meanwhile, and its next start has the new limits

    def _write_config(self, container: Container) -> None:
        """Have the limits in ``config.json``, and in what it is made from at each start."""
        for name in ("template.json", "config.json"):
            path = self._paths.bundle(container.id) / name
            if path.exists():
                spec = decode(path.read_bytes())
                assert spec.linux is not None
                resources = compile_resources(container.request.limits, spec.linux.resources.devices)
                _replace(path, encode(replace(spec, linux=replace(spec.linux, resources=resources))))

    # What killed engines have left

    def settle_all(self) -> None:
        """Finish or undo every change that nobody is at any more."""
        for container_id in _names(self._paths.updates):
            with ContainerLock(self._paths, container_id).attempt() as locked:
                if locked:
                    self.settle(container_id)

    def settle(self, container_id: str) -> None:
        """Finish or undo the change that was interrupted, if there is one."""
        pending = self._noted(container_id)
        if pending is None:
            return
        container = self._records.get(container_id)
        if container is not None:
            if container.request.limits != pending.limits:
                Cgroup(self._paths.cgroup_path(container_id)).put_back(pending.undo)
            self._write_config(container)
        self._forget(container_id)

    def _noted(self, container_id: str) -> Pending | None:
        try:
            return _decoder.decode((self._paths.updates / container_id).read_bytes())
        except FileNotFoundError:
            return None
        except msgspec.MsgspecError:  # it never was whole: nothing has been changed yet
            return Pending(limits=Limits())

    def _note(self, container_id: str, pending: Pending) -> None:
        self._paths.updates.mkdir(mode=0o700, exist_ok=True)
        _replace(self._paths.updates / container_id, msgspec.json.encode(pending))

    def _forget(self, container_id: str) -> None:
        (self._paths.updates / container_id).unlink(missing_ok=True)


def _limited(container: Container, limits: Limits) -> Container:
    return replace(container, request=replace(container.request, limits=limits))


def _only(limits: Limits) -> LinuxResources:
    """The limits that are given, without the default for processes."""
    resources = compile_resources(limits)
    return resources if limits.pids is not None else replace(resources, pids=None)


def _replace(path: Path, content: bytes) -> None:
    """Write aside, sync, rename: a reader sees the old file or the new one.

    Raises:
        StoreError: the disk is full or can't be written.
    """
    aside = path.with_name(f".{path.name}.new")
    try:
        descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            write_all(descriptor, content)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        os.rename(aside, path)
        sync_directory(path.parent)
    except OSError as error:
        raise unwritable(error) from error


def _names(folder: Path) -> list[str]:
    try:
        return [name for name in os.listdir(folder) if not name.startswith(".")]
    except FileNotFoundError:
        return []


_decoder = msgspec.json.Decoder(Pending)
