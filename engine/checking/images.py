"""Images' rows beside their blobs and layers, and content that no image needs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

from engine.checking.scene import Scene
from engine.images.collect import discard, set_garbage_aside, unneeded
from engine.images.lock import removing_content
from engine.images.records import ImageRecord, ImageRecords
from engine.images.removal import is_being_removed
from engine.model import Finding
from engine.paths import Paths
from engine.store.blobs import Blobs

_MOMENT_SECONDS = 0.3


async def check(scene: Scene) -> AsyncIterator[Finding]:
    """What images miss, which containers can't start, and what is there for none."""
    records = ImageRecords(scene.database)
    for image in records.all():
        name = image.references[0] if image.references else image.id[:19]
        missing = await asyncio.to_thread(_missing, scene.paths, image)
        if missing:
            advice = "get it again: boxdeck pull, load or (for base) rmi, then run"
            yield scene.lasting("image", name, f"has lost {', '.join(missing)}", advice)
    for container in scene.records.all():
        if records.by_id(container.image_id) is None:
            words = f"its image {container.image_id[:19]} isn't in the store"
            yield scene.lasting("image", container.name, words, f"remove it with: boxdeck rm {container.name}")
    with removing_content(scene.paths) as alone:
        if not alone:
            return
        images = records.all()
        garbage = await asyncio.to_thread(unneeded, scene.paths, images)
        for path in await _left(scene.paths):
            words = "is what a killed engine had begun"
            yield await scene.found("file", str(path), words, "deletes it", partial(_discard, [path]))
        for path in garbage:
            words = "belongs to no image"
            yield await scene.found("image", str(path), words, "deletes it", partial(_collect, scene.paths, images))


async def _left(paths: Paths) -> list[Path]:
    """What is half made or half removed, and nobody is at; who has just set something aside begins in a moment."""
    found = sorted(paths.temporary.iterdir()) if paths.temporary.is_dir() else []
    if found:
        await asyncio.sleep(_MOMENT_SECONDS)
    return [path for path in found if not is_being_removed(path)]


def _missing(paths: Paths, image: ImageRecord) -> list[str]:
    """What an image can't do without and that isn't there, in words."""
    layers = [f"the layer {layer[:19]}" for layer in image.layers if not paths.layer(layer).is_dir()]
    config = [] if Blobs(paths).has(image.id) else ["its config"]
    return config + layers


async def _discard(paths: list[Path]) -> None:
    await asyncio.to_thread(discard, paths)


async def _collect(paths: Paths, images: tuple[ImageRecord, ...]) -> None:
    await _discard(await asyncio.to_thread(set_garbage_aside, paths, images))
