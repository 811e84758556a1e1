"""Who may delete content: nobody while an engine is bringing some in.

Whoever adds content holds the lock shared until the rows that refer to it are committed; whoever collects garbage
or sweeps temporary files needs it alone. It is a flock(2), so that a killed engine never leaves it held.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Final

from engine.paths import Paths

_RETRY_SECONDS: Final = 0.01
_DUE: Final = 1  # the lock's length in bytes while there is garbage that somebody had to leave


@asynccontextmanager
async def adding_content(paths: Paths) -> AsyncIterator[None]:
    """Hold the lock shared; waits for a collector, which holds it for as long as some renames take."""
    descriptor = _open(paths)
    try:
        while not _try(descriptor, fcntl.LOCK_SH):  # a blocking flock could wait for a task of this very loop
            await asyncio.sleep(_RETRY_SECONDS)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def sharing_content(paths: Paths) -> Iterator[int]:
    """Hold the lock shared, for a process that may outlive us by a moment; the descriptor to give it. Blocks."""
    descriptor = _open(paths)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def removing_content(paths: Paths) -> Iterator[bool]:
    """Try to hold the lock alone; gives False, without waiting, when content is being added somewhere."""
    descriptor = _open(paths)
    try:
        yield _try(descriptor, fcntl.LOCK_EX)
    finally:
        os.close(descriptor)


@asynccontextmanager
async def collecting(paths: Paths) -> AsyncIterator[bool]:
    """As `removing_content`, for who deletes all garbage: where he has to go, whoever adds content now does so later.

    Those who only look, or collect as well, are waited for: that takes a moment.
    """
    descriptor = _open(paths)
    try:
        while not _try(descriptor, fcntl.LOCK_SH):
            await asyncio.sleep(_RETRY_SECONDS)
        os.ftruncate(descriptor, _DUE)  # first: who has us go may be through before we have gone
        alone = _try(descriptor, fcntl.LOCK_EX)  # when that fails the shared lock is lost, too (flock(2))
        if alone:
            os.ftruncate(descriptor, 0)
        yield alone
    finally:
        os.close(descriptor)


def is_collection_due(paths: Paths) -> bool:
    """Whether somebody who wanted to delete garbage had to go."""
    return paths.content_lock.stat().st_size == _DUE


def _try(descriptor: int, operation: int) -> bool:
    try:
        fcntl.flock(descriptor, operation | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _open(paths: Paths) -> int:
    paths.root.mkdir(parents=True, exist_ok=True, mode=0o700)
    return os.open(paths.content_lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
