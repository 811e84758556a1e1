"""Signalling every process of a cgroup one by one, where no file of the kernel does it at once."""

from __future__ import annotations

import os
import signal

from engine.cgroups import folders


def signal_listed(folder: str, number: int) -> None:
    """A signal to everybody in a cgroup and below; who is forked meanwhile may be missed.

    Who is listed before and after his pidfd was opened is whom the pidfd means: a pid that was given to somebody
    outside in between is never signalled.
    """
    descriptors = {pid: pidfd for pid in folders.processes(folder) if (pidfd := _open_pidfd(pid)) is not None}
    still_here = set(folders.processes(folder))
    for pid, pidfd in descriptors.items():
        if pid in still_here:
            _send(pidfd, number)
        os.close(pidfd)


def _open_pidfd(pid: int) -> int | None:
    try:
        return os.pidfd_open(pid)
    except OSError:  # it has gone
        return None


def _send(pidfd: int, number: int) -> None:
    try:
        signal.pidfd_send_signal(pidfd, number)
    except ProcessLookupError:
        return
