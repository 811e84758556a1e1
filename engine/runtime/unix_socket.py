"""The shim's socket by name, below folders whose path may be longer than a socket address (unix(7): 108 bytes).

It is a file in a folder that nobody else can walk, never an abstract name: those are reached from every process
on the host's network, and so from containers that share it (CVE-2020-15257). Whoever connects is looked at, too.
"""

from __future__ import annotations

import functools
import os
import socket
import struct
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

NAME = "shim.sock"

_CREDENTIALS = struct.Struct("=iII")  # struct ucred: pid, uid, gid


def listen(folder: str | Path) -> socket.socket:
    """Listen in a folder, replacing a socket that an earlier shim left there."""
    place = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        remove(folder)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        listener.bind(_short(place))
    finally:
        os.close(place)
    os.chmod(f"{folder}/{NAME}", 0o600)
    listener.listen(64)
    return listener


def remove(folder: str | Path) -> None:
    """Take the socket's name away; who is connected stays so."""
    with suppress(FileNotFoundError):
        os.unlink(f"{folder}/{NAME}")


def accept(listener: socket.socket) -> socket.socket | None:
    """The next connection; None where it was somebody's who may not speak to us.

    Only root and our own user may, and not from within a container: a folder of ours that was mounted there, or a
    descriptor that found its way in, gives nobody power over other containers.

    Raises:
        OSError: BlockingIOError when nobody waits, EMFILE.
    """
    connection, _ = listener.accept()
    if _may_speak(connection):
        return connection
    connection.close()
    return None


def _may_speak(connection: socket.socket) -> bool:
    """Whether the peer, as it was when it connected (unix(7), SO_PEERCRED), is where we are."""
    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    pid, uid, _ = _CREDENTIALS.unpack(raw)
    return uid in (0, os.geteuid()) and pid > 0 and _is_beside_us(pid, "user") and _is_beside_us(pid, "pid")


def _is_beside_us(pid: int, namespace: str) -> bool:
    try:
        return os.stat(f"/proc/{pid}/ns/{namespace}").st_ino == _our(namespace)
    except OSError:  # it has ended
        return False


@functools.cache
def _our(namespace: str) -> int:
    """The number of one that we never leave."""
    return os.stat(f"/proc/self/ns/{namespace}").st_ino


def connect(folder: str | Path, patiently: bool = True) -> socket.socket:
    """Connect to the shim of a container's run-time folder.

    Args:
        patiently: wait while too many others do; the connection blocks only then.

    Raises:
        OSError: FileNotFoundError or ConnectionRefusedError when there is no shim; BlockingIOError.
    """
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    connection.setblocking(patiently)
    place = -1
    try:
        place = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        connection.connect(_short(place))
    except BaseException:
        connection.close()
        raise
    finally:
        if place >= 0:
            os.close(place)
    return connection


def _short(folder: int) -> str:
    return f"/proc/self/fd/{folder}/{NAME}"
