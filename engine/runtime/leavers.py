"""Children of a shim that are on their way out, and that nobody else waits for."""

from __future__ import annotations

import os

from engine.runtime.loop import Loop

_SECONDS = 0.2  # for a maker that has closed its descriptors and has its memory still to give back


class Leavers:
    """A maker and whom it left; who makes the next start. An exec's process is its session's to wait for."""

    def __init__(self, loop: Loop, maker: int) -> None:
        self._loop = loop
        self._pids = [maker]

    def add(self, *pids: int) -> None:
        """Wait for these, too."""
        self._pids += pids

    def reap_soon(self) -> None:
        """Wait for them when they have had the time to end."""
        self._loop.call_later(_SECONDS, self._reap)

    def _reap(self) -> None:
        self._pids = [pid for pid in self._pids if not _has_ended(pid)]
        if self._pids:
            self.reap_soon()


def _has_ended(child: int) -> bool:
    try:
        return os.waitpid(child, os.WNOHANG)[0] == child
    except ChildProcessError:
        return True
