"""The end of a shim by force."""

from __future__ import annotations

import errno
import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from engine import descriptors

_NAME = "boxdeck-shim\n"
_PATIENCE_SECONDS = 2.0


def kill_shim(pid: int, is_it: Callable[[], bool]) -> None:
    """Kill a shim and its children, one of which may be making a container still and hold its ports; waits for that.

    Whoever isn't called as a shim is is let alone, and so are his children: pid 1 has all that nobody else has.

    Args:
        is_it: asked when the pid can't become another's any more.
    """
    pidfds = _opened([pid])
    try:
        if pidfds and is_it() and is_called_shim(pid):
            pidfds += _opened(children_of(pid))
            for pidfd in pidfds:
                with suppress(ProcessLookupError):
                    signal.pidfd_send_signal(pidfd, signal.SIGKILL)
            _await_ends(pidfds)
    finally:
        for pidfd in pidfds:
            os.close(pidfd)


def is_called_shim(pid: int) -> bool:
    """Whether a process has the name that shims give themselves."""
    try:
        return Path(f"/proc/{pid}/comm").read_text() == _NAME
    except OSError:
        return False


def children_of(pid: int) -> list[int]:
    """The children of a process that has one thread (proc_tid_children(5)); none when it has gone."""
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def _await_ends(pidfds: list[int]) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    for pidfd in pidfds:
        descriptors.readable([pidfd], max(0.0, deadline - time.monotonic()))


def _opened(pids: list[int]) -> list[int]:
    """Pidfds of those that are there."""
    found = []
    for pid in pids:
        try:
            found.append(os.pidfd_open(pid))
        except OSError as error:
            if error.errno not in (errno.ESRCH, errno.EINVAL):  # the latter of one that is just being reaped
                raise
    return found
