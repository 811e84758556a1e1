"""Which containers run now: asked for each answer, so that nobody is told of one that has just ended."""

from __future__ import annotations

import os
import select

from engine.paths import Paths
from engine.runtime import status


class Living:
    """Knows the shims of containers that were asked for, by their pidfds; close it after use."""

    def __init__(self, paths: Paths) -> None:
        self._folder = os.path.dirname(paths.runtime("any"))  # joining paths for each answer would take half its time
        self._known: dict[str, tuple[int, int, select.poll]] = {}  # time of the status file, pidfd, a poll of that

    def __contains__(self, container_id: object) -> bool:
        """Whether a container, by its id, runs or is about to."""
        if not isinstance(container_id, str):
            return False
        path = f"{self._folder}/{container_id}/status.json"
        try:
            written_ns = os.stat(path).st_mtime_ns
        except FileNotFoundError:
            self._forget(container_id)
            return False
        known = self._known.get(container_id)
        if known is None or known[0] != written_ns:
            known = self._look(container_id, path, written_ns)
        return known is not None and not known[2].poll(0)

    def close(self) -> None:
        """Close all descriptors."""
        for container_id in list(self._known):
            self._forget(container_id)

    def _look(self, container_id: str, path: str, written_ns: int) -> tuple[int, int, select.poll] | None:
        """Read a status that is new."""
        self._forget(container_id)
        found = status.read(path)
        if found is None or found.is_final:
            return None
        try:
            pidfd = os.pidfd_open(found.shim_pid)
        except OSError:
            return None
        if not status.shim_is_alive(found):  # asked now that the pid can't become another's
            os.close(pidfd)
            return None
        poll = select.poll()
        poll.register(pidfd, select.POLLIN)
        self._known[container_id] = written_ns, pidfd, poll
        return self._known[container_id]

    def _forget(self, container_id: str) -> None:
        known = self._known.pop(container_id, None)
        if known is not None:
            os.close(known[1])
