"""The standard streams of a process that is about to be executed: a terminal of its own, or descriptors given to it."""

from __future__ import annotations

import array
import os
import socket
import stat

from engine.errors import RuntimeFailure
from engine.linux import pty
from engine.oci.process_spec import Process
from engine.runtime import protocol

_NULL = os.makedev(1, 3)  # Documentation/admin-guide/devices.txt
_MAKE_NULL = "start it again, or give the process input and output of its own"


def open_terminal(devpts: int, wanted: Process, sync: socket.socket) -> int:
    """Make a terminal in the container's own devpts, send its master to the shim, return its slave."""
    master = pty.open_master(devpts)
    slave = pty.open_slave(master)
    if wanted.console_size is not None:
        pty.set_size(slave, wanted.console_size.height, wanted.console_size.width)
    os.fchown(slave, wanted.user.uid, -1)
    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [master]))]
    sync.sendmsg([protocol.encode(protocol.Done())], rights)
    os.close(master)
    os.close(devpts)
    return slave


def take_stdio(wanted: Process, stdio: tuple[int, int, int] | None, slave: int | None) -> None:
    """Put the terminal, or the given descriptors, on 0, 1 and 2, in a session of its own."""
    if slave is not None:
        pty.make_controlling(slave)
        stdio = (slave, slave, slave)
    else:
        pty.begin_session()
    assert stdio is not None
    uid = wanted.user.uid
    for number, descriptor in enumerate(stdio):
        os.dup2(descriptor, number)
        status = os.fstat(number)
        if _is_null(status):
            _take_own_null(number)
        elif uid:
            _give(number, uid, status)


def _is_null(status: os.stat_result) -> bool:
    return stat.S_ISCHR(status.st_mode) and status.st_rdev == _NULL


def _take_own_null(number: int) -> None:
    """Exchange the null device of the host, whose mode and owner root could change for everybody, for the container's.

    Raises:
        RuntimeFailure: the container's is something else, which it may have become since (CVE-2025-31133).
    """
    try:
        own = os.open("/dev/null", os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError as error:
        raise RuntimeFailure(f"the container's /dev/null can't be opened ({error.strerror})", _MAKE_NULL) from error
    if not _is_null(os.fstat(own)):
        raise RuntimeFailure("the container's /dev/null is not the null device", _MAKE_NULL)
    os.set_blocking(own, True)
    os.dup2(own, number)
    os.close(own)


def _give(number: int, uid: int, status: os.stat_result) -> None:
    """Let a user open /dev/stdout again, as with runc; what belongs to nobody inside can't be given away."""
    if stat.S_ISFIFO(status.st_mode) and status.st_uid != uid:
        try:
            os.fchown(number, uid, -1)
        except PermissionError:
            return
