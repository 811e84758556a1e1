"""Settings and themes as they are saved: watchfiles tells which."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

# watchfiles looks at what the kernel has told it once a step: five times a second is at once for a person who saves
# a file, and cannot be measured in an app that idles.
_STEP_MS = 200
_DEBOUNCE_MS = 400
_LONG_MS = 600_000

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
    missed = tuple(path for path, stamp in stamps(folders).items() if since.get(path) != stamp)
    if missed:
        yield missed

    from watchfiles import Change, awatch  # at its first use: it costs start-up time

    batches = awatch(
        *folders, recursive=False, step=_STEP_MS, debounce=_DEBOUNCE_MS, rust_timeout=_LONG_MS, yield_on_timeout=False
    )
    async for batch in batches:
        paths = {Path(path) for change, path in batch if change is not Change.deleted and path.endswith(".toml")}
        if paths:
            yield tuple(sorted(paths))


async def appearance(folder: Path) -> None:
    """Wait until a folder is made in one that is there."""
    from watchfiles import awatch  # at its first use: it costs start-up time

    watched = awatch(
        folder.parent, recursive=False, step=_STEP_MS, debounce=_DEBOUNCE_MS, rust_timeout=_LONG_MS,
        yield_on_timeout=False,
    )  # fmt: skip
    async for _ in watched:
        if folder.is_dir():
            return
