"""Small files of containers that are gone, and mounts where none of ours ever is."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

from engine.checking.scene import Scene
from engine.model import Finding
from engine.paths import names_in

_ID = re.compile(r"[0-9a-f]{64}")
_ESCAPE = re.compile(r"\\([0-7]{3})")


async def check(scene: Scene) -> AsyncIterator[Finding]:
    """Histories, changes of limits, mounts; a lock of nobody goes with whoever looks at it."""
    for folder, words in (
        (scene.paths.histories, "is the history of no container"),
        (scene.paths.updates, "is a change of limits of no container"),
    ):
        for name in _names_of_ids(folder):
            with scene.undisturbed(name) as locked:
                if locked and not scene.is_known(name) and not scene.paths.container(name).exists():
                    path = folder / name
                    yield await scene.found("file", str(path), words, "deletes it", partial(_unlink, path))
    for place in _mounts(scene):
        yield scene.lasting("mount", place, "is something mounted where Boxdeck never does", f"umount {place}")


def _names_of_ids(folder: Path) -> list[str]:
    """The files that are named after containers."""
    return list(filter(_ID.fullmatch, names_in(folder)))


def _unlink(path: Path) -> None:
    path.unlink(missing_ok=True)


def _mounts(scene: Scene) -> list[str]:
    """Mounts of this mount namespace where we keep containers, layers and blobs (proc_pid_mountinfo(5))."""
    paths = scene.paths
    ours = [f"{folder.resolve()}/" for folder in (
        paths.root / "containers", paths.layers, paths.blobs, paths.temporary, paths.runroot / "containers",
    )]  # fmt: skip
    lines = Path("/proc/self/mountinfo").read_text(errors="surrogateescape").splitlines()
    places = [_ESCAPE.sub(lambda found: chr(int(found[1], 8)), line.split(" ")[4]) for line in lines]
    return sorted(place for place in places if place.startswith(tuple(ours)))
