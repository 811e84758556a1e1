"""One container, one change at a time, over all engines on a root: flock(2), which the kernel drops with its holder."""

from __future__ import annotations

import fcntl
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from engine.paths import Paths


class ContainerLock:
    """The lock of one container; its file goes when it is let go of and the container has no folder any more."""

    def __init__(self, paths: Paths, container_id: str) -> None:
        self._path = paths.lock(container_id)
        self._home = paths.container(container_id)

    @contextmanager
    def attempt(self) -> Iterator[bool]:
        """Hold the lock if it is free; tells whether it was."""
        descriptor, locked = self._open(), False
        try:
            while (locked := _try_lock(descriptor)) and not self._is_current(descriptor):
                os.close(descriptor)
                descriptor = self._open()
            yield locked
        finally:
            self._let_go(descriptor, locked)

    @asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        """Hold the lock, waiting for it without blocking the event loop."""
        import asyncio  # who only looks at containers has no event loop, and importing it would be half of its cost

        descriptor, locked = self._open(), False
        try:
            pause = 0.001
            while not (locked := _try_lock(descriptor)) or not self._is_current(descriptor):
                if locked:
                    os.close(descriptor)
                    descriptor, locked = self._open(), False
                else:
                    await asyncio.sleep(pause)
                    pause = min(pause * 2, 0.05)
            yield
        finally:
            self._let_go(descriptor, locked)

    def forget(self) -> None:
        """Remove the lock file of a container that is gone for ever; whoever holds the lock may."""
        self._path.unlink(missing_ok=True)

    def _let_go(self, descriptor: int, locked: bool) -> None:
        if locked and not os.path.exists(self._home):
            self.forget()
        os.close(descriptor)

    def _is_current(self, descriptor: int) -> bool:
        """Whether the file that we have locked is still the one that others find."""
        try:
            found = os.stat(self._path)
        except FileNotFoundError:
            return False
        return os.path.samestat(found, os.fstat(descriptor))

    def _open(self) -> int:
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
        try:
            return os.open(self._path, flags, 0o600)
        except FileNotFoundError:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            return os.open(self._path, flags, 0o600)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
