"""Waking up when files change: by inotify(7), or by the clock where there is none to be had.

The kernel counts inotify instances by user, and those of containers with root's: one of them can take them all.
Waiting costs nothing: no thread, no polling.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.linux.inotify import Inotify

_GATHER_SECONDS = 0.01
"""What changes within so short a time is one change: files are seldom written in one go."""


async def changes(
    *folders: Path, matters: Callable[[str], bool] | None = None, patience_seconds: float | None = 1.0
) -> AsyncIterator[bool]:
    """True whenever something directly in one of these folders has changed, and False after a while without.

    Args:
        matters: whether a change to this path is one.
        patience_seconds: that while; None for nothing but changes, and nothing ever where there is no inotify.
    """
    from engine.linux.inotify import Inotify  # whoever only imports us, as the app does, doesn't open the kernel's door

    try:
        watch = Inotify(map(str, folders))
    except OSError:  # no instance or no watch is left, or a folder isn't there
        while True:
            await asyncio.sleep(3_600 if patience_seconds is None else patience_seconds)
            yield True  # who knows
    try:
        while True:
            yield await _has_changed(watch, matters, patience_seconds)
    finally:
        # Beside us: the kernel waits until no processor looks at the watches any more, for tens of milliseconds.
        asyncio.get_running_loop().run_in_executor(None, watch.close)


async def _has_changed(watch: Inotify, matters: Callable[[str], bool] | None, patience_seconds: float | None) -> bool:
    """Whether something that matters has changed before patience was at its end."""
    try:
        async with asyncio.timeout(patience_seconds):
            while True:
                await _readable(watch)
                await asyncio.sleep(_GATHER_SECONDS)
                paths = watch.read()
                if paths is None or any(map(matters or bool, paths)):
                    return True
    except TimeoutError:
        return False


async def _readable(watch: Inotify) -> None:
    """Return when there is something to read."""
    loop = asyncio.get_running_loop()
    arrived = asyncio.Event()
    loop.add_reader(watch, arrived.set)
    try:
        await arrived.wait()
    finally:
        loop.remove_reader(watch)
