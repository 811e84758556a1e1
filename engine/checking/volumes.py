"""Volumes' rows beside their folders."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from functools import partial

from engine.checking.scene import Scene
from engine.images.removal import remove_tree
from engine.model import Finding
from engine.volumes import Volumes

_MOMENT_SECONDS = 0.3  # a row goes before its folder


async def check(scene: Scene, volumes: Volumes) -> AsyncIterator[Finding]:
    """Volumes without a folder, and folders without a volume, which are never deleted if there is data in them."""
    known = {row[0] for row in scene.database.rows("SELECT name FROM volumes")}
    folder = scene.paths.root / "volumes"
    present = set(os.listdir(folder)) if folder.is_dir() else set()
    half_removed = volumes.half_removed()
    for name in half_removed:
        words, finish = "was being removed by somebody who was killed", partial(volumes.finish_removal, name)
        yield await scene.found("volume", name, words, "finishes that", finish)
    for name in sorted(known - {*half_removed}):
        if not scene.paths.volume_data(name).is_dir() and await _lasts(scene, name, is_known=True):
            words, remedy = "its folder has gone", "makes it anew, empty"
            yield await scene.found("volume", name, words, remedy, partial(volumes.create, name))
    for name in sorted(present - known):
        if not await _lasts(scene, name, is_known=False):
            continue
        if scene.paths.volume_data(name).is_dir():
            words, remedy = "is a folder with data, and no volume", "makes it a volume again"
            yield await scene.found("volume", name, words, remedy, partial(volumes.create, name))
        else:
            words, remove = "is a folder without data, and no volume", partial(remove_tree, scene.paths.volume(name))
            yield await scene.found("volume", name, words, "deletes it", remove)


async def _lasts(scene: Scene, name: str, is_known: bool) -> bool:
    """Whether a volume is still like that after a moment: there, or known, but not both."""
    await asyncio.sleep(_MOMENT_SECONDS)
    row = scene.database.row("SELECT 1 FROM volumes WHERE name = ?", (name,))
    if is_known:
        return row is not None and not scene.paths.volume_data(name).is_dir()
    return row is None and scene.paths.volume(name).is_dir()
