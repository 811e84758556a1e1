"""Containers' records beside their folders, what their shims say, and what of them is left half-done."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import msgspec

from engine import etc_files, joining
from engine.cgroups.manager import Cgroup
from engine.checking.scene import Scene
from engine.errors import BoxdeckError
from engine.images.removal import remove_tree
from engine.model import Container, Finding, State
from engine.oci.runtime_spec import Spec
from engine.paths import names_in
from engine.removal import is_due
from engine.runtime import status
from engine.runtime.userns import host_id

_REMOVAL_NS = 10 * 10**9


async def check(scene: Scene) -> AsyncIterator[Finding]:
    """Every container, and folders of none."""
    for container_id in names_in(scene.paths.runroot / "containers"):
        async for finding in _runtime(scene, container_id):
            yield finding
    for container in scene.undisturbed_containers():
        async for finding in _folders(scene, container):
            yield finding
    for container in scene.records.all():
        async for finding in _life(scene, container.id) if container.is_whole else _removal(scene, container.id):
            yield finding
    for container_id in names_in(scene.paths.root / "containers"):
        folder = scene.paths.container(container_id)
        with scene.undisturbed(container_id) as locked:
            if locked and not scene.is_known(container_id) and folder.exists():
                words = "is the folder of no container"
                yield await scene.found("container", str(folder), words, "deletes it", partial(remove_tree, folder))


async def _runtime(scene: Scene, container_id: str) -> AsyncIterator[Finding]:
    """What a shim has said; that it has ended as it should is no disorder, only not written down yet."""
    found = status.read(scene.paths.status(container_id))
    if found is not None and scene.is_known(container_id) and (found.is_final or status.shim_is_alive(found)):
        scene.recovery.refresh_one(container_id)
        return
    with scene.undisturbed(container_id) as locked:
        folder = scene.paths.runtime(container_id)
        is_lost = locked and folder.exists() and status.read(scene.paths.status(container_id)) == found
    if not is_lost:
        return
    place = scene.name_of(container_id)
    if found is None:
        words, remedy = f"has a run-time folder ({folder}) in which no shim says anything", "deletes it"
        yield await scene.found("container", place, words, remedy, partial(_forget_unsaid, scene, container_id))
    elif scene.is_known(container_id):
        words, remedy = "its shim was killed", "writes its end down and gives back what it had"
        yield await scene.found("container", place, words, remedy, partial(scene.recovery.refresh_one, container_id))
    else:
        words = f"has a run-time folder ({folder}), and isn't in the store"
        yield await scene.found("container", place, words, "deletes it", partial(remove_tree, folder))


def _forget_unsaid(scene: Scene, container_id: str) -> None:
    """Remove a run-time folder, together with a status in it that can't be read."""
    with scene.undisturbed(container_id) as locked:
        if locked and status.read(scene.paths.status(container_id)) is None:
            scene.paths.status(container_id).unlink(missing_ok=True)
    scene.recovery.refresh_one(container_id)


async def _life(scene: Scene, container_id: str) -> AsyncIterator[Finding]:
    """What should have become of a container already."""
    container = scene.records.get(container_id)
    if container is None:
        return
    if container.is_running and not scene.paths.status(container_id).exists():
        with scene.undisturbed(container_id) as locked:
            container = scene.records.get(container_id)
            is_lost = container is not None and container.is_running
            is_lost = locked and is_lost and not scene.paths.status(container_id).exists()
        if container is not None and is_lost:
            words = "is running as the store has it, and has no shim"
            bury = partial(scene.recovery.bury, container)
            yield await scene.found("container", container.name, words, "writes its end down", bury)
        return
    if (scene.paths.updates / container_id).exists():
        with scene.undisturbed(container_id) as locked:
            if locked and (scene.paths.updates / container_id).exists():
                words, settle = "has a change of limits half-done", partial(scene.updates.settle, container_id)
                yield await scene.found("container", container.name, words, "finishes or undoes it", settle)
    if container.state is State.RESTARTING and scene.restarts.is_overdue(container):
        words, make = "should have been started again by its policy", partial(scene.restarts.make, container)
        yield await scene.found("container", container.name, words, "starts it", make)
    if is_due(container) and _is_long_over(container):
        words, sweep = "has ended and was to be removed then", partial(scene.removal.sweep, container_id)
        yield await scene.found("container", container.name, words, "removes it", sweep)
    async for finding in _freezer(scene, container_id):
        yield finding


async def _removal(scene: Scene, container_id: str) -> AsyncIterator[Finding]:
    """One whose removal was begun, and is nobody's business any more."""
    with scene.undisturbed(container_id) as locked:
        container = scene.records.get(container_id)
        if locked and container is not None and not container.is_whole:
            is_dead = container.state is State.DEAD
            words = f"is dead: {container.error}" if is_dead else "was being removed by somebody who was killed"
            remove = partial(scene.removal.delete_locked, container_id)
            yield await scene.found("container", container.name, words, "removes it", remove)


def _is_long_over(container: Container) -> bool:
    """Whether whoever waits for its end has had time to remove it."""
    return (container.finished_unix_ns or 0) + _REMOVAL_NS < time.time_ns()


async def _freezer(scene: Scene, container_id: str) -> AsyncIterator[Finding]:
    """A container is paused when the store says so, and only then."""
    with scene.undisturbed(container_id) as locked:
        container = scene.records.get(container_id)
        if not locked or container is None or not container.is_running:
            return
        try:
            cgroup = Cgroup.open(scene.paths.cgroup_path(container_id))
            is_frozen = cgroup.is_frozen
        except (BoxdeckError, OSError):  # told of by engine.checking.cgroups
            return
        if container.state is State.PAUSED and not is_frozen:
            words = "is paused as the store has it, and its cgroup isn't frozen"
            yield await scene.found("cgroup", container.name, words, "freezes it", cgroup.freeze)
        if container.state is State.RUNNING and is_frozen and not scene.standstill.is_held(container_id):
            words = "is running as the store has it, and its cgroup is frozen"
            yield await scene.found("cgroup", container.name, words, "thaws it", partial(_thaw, scene, cgroup))


def _thaw(scene: Scene, cgroup: Cgroup) -> None:
    scene.standstill.settle_all()
    cgroup.thaw()


async def _folders(scene: Scene, container: Container) -> AsyncIterator[Finding]:
    """What a start of it would need on the disk."""
    if not container.is_whole:
        return
    try:
        spec = joining.spec(scene.paths, container.id)
    except (OSError, BoxdeckError, msgspec.MsgspecError) as error:
        reason = error.strerror if isinstance(error, OSError) else "damaged"
        words = f"its config.json can't be read ({reason})"
        advice = f"what it wrote is in {scene.paths.upper(container.id)}; then: boxdeck rm -f {container.name}"
        yield scene.lasting("container", container.name, words, advice)
        return
    rootfs = scene.paths.bundle(container.id) / "rootfs"
    for folder in (rootfs, scene.paths.upper(container.id), scene.paths.work(container.id)):
        if not folder.is_dir():
            make = partial(_make, folder, spec)
            words, remedy = f"its folder {folder.name} has gone", "makes it anew, empty"
            yield await scene.found("container", container.name, words, remedy, make)
    absent = [name for name in etc_files.NAMES if not (scene.paths.container(container.id) / name).is_file()]
    if absent:
        write = partial(etc_files.write, scene.paths, container, *_root(spec))
        yield await scene.found("container", container.name, f"has no {' and no '.join(absent)}", "writes them", write)


def _make(folder: Path, spec: Spec) -> None:
    folder.mkdir(mode=0o755, parents=True)
    os.chown(folder, *_root(spec))


def _root(spec: Spec) -> tuple[int, int]:
    """The uid and gid on the host of the container's root."""
    linux = spec.linux
    if linux is None:
        return 0, 0
    return host_id(linux.uid_mappings, 0) or 0, host_id(linux.gid_mappings, 0) or 0
