"""Exporting: the files of a container as it sees them, from all of its layers, as one tar. Blocks.

Each file is read from the layer that it comes from, opened beneath that layer's folder and through no link.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from typing import BinaryIO

from engine.images.explorer import Explorer, OwnLayer
from engine.images.monitor import Monitor
from engine.images.pack import FOLDER, Packer
from engine.images.stack import as_they_are
from engine.linux.paths import open_without_links
from engine.paths import Paths


def export(
    paths: Paths, explorer: Explorer, diff_ids: Sequence[str], own: OwnLayer, file: BinaryIO, monitor: Monitor
) -> None:
    """Write the tar.

    Args:
        diff_ids: of the image's layers, the lowest first.
        own: the container's layer above them.

    Raises:
        OSError: the file can't be written.
    """
    folders = [*(str(paths.layer(diff_id)) for diff_id in diff_ids), own.folder]
    with ExitStack() as stack:
        roots = [os.open(folder, FOLDER) for folder in folders]
        for root in roots:
            stack.callback(os.close, root)
        packer = Packer(file, as_they_are, monitor.step("Exporting"))
        for entry in explorer.stack.entries("/", None):
            packer.owners = own.owners if entry.layer == len(folders) else as_they_are
            with suppress(FileNotFoundError, NotADirectoryError):  # the container has just taken it away
                _add(packer, roots[entry.layer - 1], entry.path.lstrip("/"))
        packer.close()


def _add(packer: Packer, root: int, path: str) -> None:
    parent, _, name = path.rpartition("/")
    folder = open_without_links(root, parent or ".", FOLDER)
    try:
        packer.add(folder, name, path)
    finally:
        os.close(folder)
