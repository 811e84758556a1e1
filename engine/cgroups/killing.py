"""Killing every process of a cgroup one by one, where no file of the kernel does it at once."""

from __future__ import annotations

import os
import signal

from engine.cgroups import folders


def kill_listed(folder: str) -> None:
    """SIGKILL to everybody in a cgroup and below; who is forked meanwhile may be missed.

    Who is listed before and after his pidfd was opened is whom the pidfd means: a pid that was given to somebody
    outside in between is never signalled.
    """
    descriptors = {pid: pidfd for pid in folders.processes(folder) if (pidfd := _open_pidfd(pid)) is not None}
    still_here = set(folders.processes(folder))
    for pid, pidfd in descriptors.items():
        if pid in still_here:
            _send_kill(pidfd)
        os.close(pidfd)


def _open_pidfd(pid: int) -> int | None:
    try:
        return os.pidfd_open(pid)
    except OSError:  # it has gone
        return None


def _send_kill(pidfd: int) -> None:
    try:
        signal.pidfd_send_signal(pidfd, signal.SIGKILL)
    except ProcessLookupError:
        return
