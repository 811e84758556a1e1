"""clone3(2): a child in namespaces and a cgroup of its own, from its first instruction."""

from __future__ import annotations

import ctypes
import signal
import struct
from typing import NamedTuple

from engine.linux import libc

CLONE_PIDFD = 0x00001000
CLONE_INTO_CGROUP = 0x200000000

_ARGUMENTS = struct.Struct("=11Q")  # struct clone_args, 88 bytes (CLONE_ARGS_SIZE_VER2)


class Child(NamedTuple):
    """The result of `clone`: pid is 0 in the child itself, whose pidfd is -1."""

    pid: int
    pidfd: int


def clone(flags: int, cgroup: int | None = None) -> Child:
    """Fork into new namespaces, and on cgroup v2 straight into the cgroup of a directory descriptor.

    Only for single-threaded processes: it goes past Python's fork handlers.

    Raises:
        OSError: EPERM, ENOSPC, EAGAIN as in clone(2); EBUSY or EACCES where the cgroup takes no process.
    """
    pidfd = ctypes.c_int(-1)
    flags |= CLONE_PIDFD | (CLONE_INTO_CGROUP if cgroup is not None else 0)
    arguments = _ARGUMENTS.pack(
        flags, ctypes.addressof(pidfd), 0, 0, signal.SIGCHLD, 0, 0, 0, 0, 0, cgroup if cgroup is not None else 0
    )
    pid = libc.syscall("clone3", arguments, len(arguments))
    return Child(pid, -1 if pid == 0 else pidfd.value)
