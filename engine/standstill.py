"""Containers that stand still while somebody copies their files, and go on when he has done or was killed.

Who needs it holds a lock shared (flock(2)) on a file by the container's id, which is there before the container is
frozen and until it is thawed. So the last one to leave thaws it, and a file that nobody holds tells of one who was
killed.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from engine.cgroups.manager import Cgroup
from engine.errors import NotFound
from engine.model import State
from engine.paths import Paths, names_in
from engine.records import Records


class Standstill:
    """Freezes and thaws containers of one root that aren't paused."""

    def __init__(self, paths: Paths, records: Records) -> None:
        self._paths = paths
        self._records = records
        self._folder = paths.runroot / "standstill"

    @contextmanager
    def held(self, container_id: str) -> Iterator[None]:
        """Have a running container stand still.

        Raises:
            NotFound: it has ended.
            Unsupported: there is no freezer, or a process is stuck in the kernel.
        """
        descriptor = self._shared(self._folder / container_id)
        try:
            Cgroup.open(self._paths.cgroup_path(container_id)).freeze()
            yield
        finally:
            self._leave(container_id, descriptor)
            os.close(descriptor)

    def settle_all(self) -> None:
        """Let go on whoever was left standing; costs nothing where nobody was."""
        for container_id in self.left():
            self.settle(container_id)

    def settle(self, container_id: str) -> None:
        """Let one container go on if nobody needs it to stand still any more."""
        with suppress(FileNotFoundError):
            descriptor = os.open(self._folder / container_id, os.O_RDWR | os.O_CLOEXEC)
            try:
                self._leave(container_id, descriptor)
            finally:
                os.close(descriptor)

    def left(self) -> list[str]:
        """The ids of the containers that somebody has made stand still."""
        return names_in(self._folder)

    def is_held(self, container_id: str) -> bool:
        """Whether somebody needs a container to stand still just now."""
        try:
            descriptor = os.open(self._folder / container_id, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            return not _is_last(descriptor)
        finally:
            os.close(descriptor)

    def _shared(self, path: Path) -> int:
        self._folder.mkdir(mode=0o700, exist_ok=True)
        while True:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(descriptor, fcntl.LOCK_SH)
            if _is_current(descriptor, path):
                return descriptor
            os.close(descriptor)

    def _leave(self, container_id: str, descriptor: int) -> None:
        """Thaw it, if nobody else needs it to stand still, nor has paused it."""
        path = self._folder / container_id
        if not _is_last(descriptor) or not _is_current(descriptor, path):
            return
        container = self._records.get(container_id)
        if container is None or container.state is not State.PAUSED:
            with suppress(NotFound):
                Cgroup.open(self._paths.cgroup_path(container_id)).thaw()
        path.unlink(missing_ok=True)


def _is_last(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_current(descriptor: int, path: Path) -> bool:
    """Whether a file hasn't been removed since it was opened."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False
