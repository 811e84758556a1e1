"""clone3(2): a child in namespaces and a cgroup of its own, from its first instruction."""

from __future__ import annotations

import ctypes
import os
import select
import signal
import struct
from typing import NamedTuple

from engine.linux import libc

CLONE_PIDFD = 0x00001000
CLONE_PARENT = 0x00008000
CLONE_INTO_CGROUP = 0x200000000

_ARGUMENTS = struct.Struct("=11Q")  # struct clone_args, 88 bytes (CLONE_ARGS_SIZE_VER2)


class Child(NamedTuple):
    """The result of `clone`: pid is 0 in the child itself, whose pidfd is -1."""

    pid: int
    pidfd: int


def clone(flags: int, cgroup: int | None = None) -> Child:
    """Fork into new namespaces, and on cgroup v2 straight into the cgroup of a directory descriptor.

    Only for single-threaded processes: it goes past Python's fork handlers. With CLONE_PARENT the child is
    the caller's sibling, and its parent is told of its end by the same signal as of the caller's.

    Raises:
        OSError: EPERM, ENOSPC, EAGAIN as in clone(2); EBUSY or EACCES where the cgroup takes no process.
    """
    pidfd = ctypes.c_int(-1)
    flags |= CLONE_PIDFD | (CLONE_INTO_CGROUP if cgroup is not None else 0)
    exit_signal = 0 if flags & CLONE_PARENT else signal.SIGCHLD
    arguments = _ARGUMENTS.pack(
        flags, ctypes.addressof(pidfd), 0, 0, exit_signal, 0, 0, 0, 0, 0, cgroup if cgroup is not None else 0
    )
    pid = libc.syscall("clone3", arguments, len(arguments))
    return Child(pid, -1 if pid == 0 else pidfd.value)


def end(child: Child) -> None:
    """Kill a child, or a sibling that we have cloned, and wait until it is no more."""
    signal.pidfd_send_signal(child.pidfd, signal.SIGKILL)
    bury(child)


def bury(child: Child) -> None:
    """Wait for the end of a child or sibling and close its pidfd; a sibling's status is left to our parent."""
    select.select([child.pidfd], [], [])
    try:
        os.waitpid(child.pid, 0)
    except ChildProcessError:
        left_to_parent.append(child.pid)
    os.close(child.pidfd)


left_to_parent: list[int] = []
"""Siblings that this process has buried: zombies until our parent waits for them."""
