"""Garbage: layers and blobs that no image refers to, and what killed engines left half made.

Interruptible anywhere: garbage is renamed into the temporary folder first, in one step each, and deleted there.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from engine.errors import StoreError
from engine.images.layer_store import LayerStore
from engine.images.lock import removing_content
from engine.images.records import ImageRecord
from engine.images.removal import is_being_removed, remove_tree
from engine.oci.image_spec import Manifest, decode
from engine.paths import Paths
from engine.store.blobs import Blobs, temporary_name


def set_garbage_aside(paths: Paths, images: Iterable[ImageRecord]) -> list[Path]:
    """Rename everything that none of the images needs into the temporary folder. Blocks on the disk.

    The caller holds the content lock alone (`lock.removing_content`) from before it read the images until this is done;
    deleting the answer with `discard` needs no lock.
    """
    return [moved for path in unneeded(paths, images) if (moved := _set_aside(paths, path)) is not None]


def unneeded(paths: Paths, images: Iterable[ImageRecord]) -> list[Path]:
    """The layers and blobs that none of the images needs. Blocks on the disk."""
    blobs, layers = Blobs(paths), LayerStore(paths)
    known = tuple(images)
    live_layers = {diff_id for image in known for diff_id in image.layers}
    live_blobs = {digest for image in known for digest in _blobs_of(blobs, image)}
    garbage = [paths.layer(diff_id) for diff_id in layers.diff_ids() if diff_id not in live_layers]
    return garbage + [blobs.path(digest) for digest in blobs.digests() if digest not in live_blobs]


def discard(garbage: Iterable[Path]) -> None:
    """Delete what was set aside; what can't be deleted now is left to the next sweep."""
    for path in garbage:
        with suppress(OSError):
            remove_tree(path)


def sweep_temporary(paths: Paths) -> None:
    """Delete what killed engines left in the temporary folder, unless one is bringing content in just now. Blocks."""
    with removing_content(paths) as alone:
        if alone and paths.temporary.is_dir():
            found = (Path(entry.path) for entry in os.scandir(paths.temporary))
            discard(path for path in found if not is_being_removed(path))


def _blobs_of(blobs: Blobs, image: ImageRecord) -> Iterable[str]:
    yield image.id
    yield image.manifest_digest
    with suppress(StoreError):  # a store that lost a manifest must still be able to shrink
        manifest = decode(blobs.read(image.manifest_digest), Manifest, "an image's manifest")
        yield from (layer.digest for layer in manifest.layers)


def _set_aside(paths: Paths, path: Path) -> Path | None:
    target = temporary_name(paths, "garbage")
    try:
        os.rename(path, target)
    except FileNotFoundError:
        return None
    return target
