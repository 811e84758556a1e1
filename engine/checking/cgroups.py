"""Control groups of nobody, containers that aren't in theirs, and shims that nobody knows."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import suppress
from functools import partial
from pathlib import Path

from engine.cgroups.manager import Cgroup
from engine.checking.scene import Scene
from engine.errors import NotFound
from engine.model import Finding
from engine.runtime import status
from engine.shim_end import children_of, is_called_shim, kill_shim


async def check(scene: Scene) -> AsyncIterator[Finding]:
    """Shims first: what they keep alive is in the control groups."""
    for pid, container_id in _lost_shims(scene):
        words = f"is the shim of {scene.name_of(container_id)} with a process, and no status file tells of it"
        end = partial(kill_shim, pid, partial(is_called_shim, pid))
        yield await scene.found("process", str(pid), words, "kills both", end)
    for container_id in scene.recovery.cgroup_children():
        if scene.recovery.shim_lives(container_id):
            continue
        with scene.undisturbed(container_id) as locked:
            is_lost = locked and not scene.recovery.shim_lives(container_id)
            population = _population(scene, container_id) if is_lost else None
        if population is not None:
            words = f"is the cgroup of no container that runs, with {population} processes in it"
            reap = partial(scene.recovery.reap_cgroup, container_id)
            remedy = "kills them and removes it" if population else "removes it"
            yield await scene.found("cgroup", scene.paths.cgroup_path(container_id), words, remedy, reap)
    for container in scene.records.running():
        with scene.undisturbed(container.id) as locked:
            stray = _stray(scene, container.id) if locked else None
            if stray is not None:
                words = f"its first process ({stray}) isn't in its cgroup, where its limits are"
                join = partial(_join, scene.paths.cgroup_path(container.id), stray)
                yield await scene.found("cgroup", container.name, words, "puts it there", join)


def _population(scene: Scene, container_id: str) -> int | None:
    """How many processes are in a container's cgroup; None when there is none."""
    try:
        return len(Cgroup.open(scene.paths.cgroup_path(container_id)).processes())
    except NotFound:
        return None


def _stray(scene: Scene, container_id: str) -> int | None:
    """The first process of a running container, if it isn't in the container's cgroup."""
    found = status.read(scene.paths.status(container_id))
    if found is None or found.state != "running" or found.pid is None or not status.shim_is_alive(found):
        return None
    try:
        inside = Cgroup.open(scene.paths.cgroup_path(container_id)).processes()
        is_alive = Path(f"/proc/{found.pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (NotFound, OSError):
        return None
    is_same = status.read(scene.paths.status(container_id)) == found
    return found.pid if is_alive and is_same and found.pid not in inside else None


def _join(path: str, pid: int) -> None:
    Cgroup.open(path).join(pid)


def _lost_shims(scene: Scene) -> list[tuple[int, str]]:
    """Shims of containers of this root that no status file names although a process of theirs lives."""
    lost = []
    for pid in filter(str.isdecimal, os.listdir("/proc")):
        with suppress(OSError):
            if not is_called_shim(int(pid)):
                continue
            container_id = _whose(scene, pid)
            if container_id is None or not children_of(int(pid)):
                continue
            with scene.undisturbed(container_id) as locked:
                found = status.read(scene.paths.status(container_id))
                if locked and (found is None or found.shim_pid != int(pid)):
                    lost.append((int(pid), container_id))
    return lost


def _whose(scene: Scene, pid: str) -> str | None:
    """The id of the container whose log or run-time folder a process has open."""
    tops = (f"{scene.paths.root}/containers/", f"{scene.paths.runroot}/containers/")
    for descriptor in os.listdir(f"/proc/{pid}/fd"):
        with suppress(OSError):
            target = os.readlink(f"/proc/{pid}/fd/{descriptor}")
            for top in tops:
                if target.startswith(top):
                    return target.removeprefix(top).partition("/")[0]
    return None
