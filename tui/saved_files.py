"""Settings and themes as they are saved; waiting for that costs nothing (`engine.watching`)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

from engine import watching

_WHOLE_SECONDS = 0.1
"""Editors write in several goes; what is read after that is the whole file."""

_PATIENCE_SECONDS = 60.0
"""Files are looked at this often even if the kernel tells nothing: its watches may be used up."""

Stamps = dict[Path, tuple[int, int]]
"""When files were saved, in nanoseconds, and their sizes in bytes: other for a file that was saved since."""


def stamps(folders: tuple[Path, ...]) -> Stamps:
    """Those of all TOML files in the folders that are there."""
    found = ((path, path.stat()) for folder in folders for path in folder.glob("*.toml") if path.is_file())
    return {path: (status.st_mtime_ns, status.st_size) for path, status in found}


async def changes(folders: tuple[Path, ...], since: Stamps) -> AsyncIterator[tuple[Path, ...]]:
    """TOML files as they are saved; editors that save aside and rename are understood.

    Args:
        since: what the files were when they were read: those that were saved between that and now come first.
    """
    watch = watching.changes(*folders, patience_seconds=_PATIENCE_SECONDS)
    change = asyncio.ensure_future(anext(watch))
    try:
        await asyncio.sleep(0)  # the watch begins, and what was saved before is found by looking
        while True:
            now = stamps(folders)
            saved = tuple(sorted(path for path, stamp in now.items() if since.get(path) != stamp))
            since = now
            if saved:
                yield saved
            await change
            await asyncio.sleep(_WHOLE_SECONDS)
            change = asyncio.ensure_future(anext(watch))
    finally:
        change.cancel()


async def appearance(folder: Path) -> None:
    """Wait until a folder is made in one that is there."""
    async for _ in watching.changes(folder.parent, patience_seconds=_PATIENCE_SECONDS):
        if folder.is_dir():
            return
