"""Namespaces (namespaces(7)): their flags, and unshare and setns, which Python has only since 3.12."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from engine.linux import libc, trace

CLONE_NEWTIME = 0x00000080
CLONE_NEWNS = 0x00020000
CLONE_NEWCGROUP = 0x02000000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

# Entries of /proc/PID/ns and their flags.
FLAG_BY_ENTRY = {
    "user": CLONE_NEWUSER,
    "mnt": CLONE_NEWNS,
    "pid": CLONE_NEWPID,
    "net": CLONE_NEWNET,
    "ipc": CLONE_NEWIPC,
    "uts": CLONE_NEWUTS,
    "cgroup": CLONE_NEWCGROUP,
    "time": CLONE_NEWTIME,
}


def unshare(flags: int) -> None:
    """Leave the namespaces in `flags` for new ones (unshare(2)).

    Raises:
        OSError: EPERM without the privilege, ENOSPC beyond a limit in /proc/sys/user.
    """
    libc.call("unshare", flags)


def setns(descriptor: int, flags: int = 0) -> None:
    """Enter the namespace of a /proc/PID/ns descriptor, or with a pidfd all those in `flags` (setns(2)).

    Raises:
        OSError: EINVAL for a wrong kind or for re-entering one's own user namespace, EPERM, ESRCH.
    """
    libc.call("setns", descriptor, flags, path=_link(descriptor) if trace.calls.get() is not None else None)


def _link(descriptor: int) -> str:
    """What procfs calls it, such as ``net:[4026531840]``."""
    try:
        return os.readlink(f"/proc/self/fd/{descriptor}")
    except OSError:  # no procfs in sight
        return ""


def inode(pid: int | str, entry: str) -> int:
    """The number that identifies a process's namespace of one kind.

    Raises:
        OSError: the process has gone or may not be looked at.
    """
    return os.stat(f"/proc/{pid}/ns/{entry}").st_ino


@contextmanager
def entered(descriptor: int, entry: str) -> Iterator[None]:
    """Be in another namespace for a few lines. Only for single-threaded processes."""
    flag = FLAG_BY_ENTRY[entry]
    home = os.open(f"/proc/self/ns/{entry}", os.O_RDONLY | os.O_CLOEXEC)
    try:
        setns(descriptor, flag)
        try:
            yield
        finally:
            setns(home, flag)
    finally:
        os.close(home)
