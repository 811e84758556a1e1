"""Descriptors on which the kernel tells of trouble in a cgroup, so that nobody has to look again and again."""

from __future__ import annotations

import contextlib
import os
from typing import Literal, NamedTuple

from engine.cgroups import folders

Kind = Literal["oom", "memory", "pids"]


class Alarm(NamedTuple):
    """Something to wait for with poll(2) or epoll(7). It may be sent to another process.

    Attributes:
        kind: of what it tells: that memory has run out, that the memory limit may be met, that processes were refused.
        urgent: whether to wait for POLLPRI, as with a file, and not for POLLIN, as with an eventfd.
    """

    kind: Kind
    urgent: bool
    descriptor: int

    def sound(self) -> None:
        """Make it go off, if it is an eventfd."""
        if not self.urgent:
            os.eventfd_write(self.descriptor, 1)

    def clear(self) -> None:
        """Be told of what happens from now on."""
        with contextlib.suppress(OSError):  # EAGAIN: nothing has happened; ENODEV: the cgroup has gone
            if self.urgent:
                os.pread(self.descriptor, 1, 0)
            else:
                os.eventfd_read(self.descriptor)


def open_silent() -> int:
    """An eventfd that nobody but us adds to."""
    return os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)


def open_eventfd(folder: str, file: str, argument: str = "") -> int:
    """An eventfd that v1's memory controller adds to (cgroup-v1/memory.rst, "OOM Control" and "Memory Pressure").

    Args:
        folder: of the cgroup in the memory hierarchy.
        file: what tells, such as ``memory.oom_control``.
        argument: what it is asked for besides, such as a level of pressure.

    Raises:
        OSError: the file isn't there, or the kernel doesn't tell.
    """
    descriptor = open_silent()
    try:
        asked = os.open(f"{folder}/{file}", os.O_RDONLY | os.O_CLOEXEC)
        try:
            folders.write(f"{folder}/cgroup.event_control", f"{descriptor} {asked} {argument}".rstrip())
        finally:
            os.close(asked)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def open_file(path: str) -> int:
    """A file whose changes since it was read the kernel reports (cgroup-v2.rst, "Memory Interface Files").

    Files of v1 that have a counterpart on v2, such as ``pids.events``, do the same.

    Raises:
        OSError: the file isn't there.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    os.pread(descriptor, 1, 0)
    return descriptor
