"""Pseudo-terminals from a given devpts instance (pty(7), ioctl_tty(2))."""

from __future__ import annotations

import ctypes
import fcntl
import os
import struct
import termios

from engine.linux import libc

_TIOCSPTLCK = 0x40045431
_TIOCGPTPEER = 0x5441
_DEVPTS_MAGIC = 0x1CD1  # statfs(2)


def open_master(directory: int) -> int:
    """Open the multiplexer ``ptmx`` in a folder that must be the top of a devpts.

    Raises:
        OSError: ENODEV when the folder is something else, made up to catch our descriptors.
    """
    if _file_system(directory) != _DEVPTS_MAGIC:
        raise OSError(19, "not a devpts file system", "/dev/pts")
    master = os.open("ptmx", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC | os.O_NOFOLLOW, dir_fd=directory)
    fcntl.ioctl(master, _TIOCSPTLCK, struct.pack("i", 0))
    return master


def open_slave(master: int) -> int:
    """The other end, without going by a path that somebody else could have mounted over."""
    return fcntl.ioctl(master, _TIOCGPTPEER, os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)


def set_size(terminal: int, rows: int, columns: int) -> None:
    """Set the window size; the foreground process group gets SIGWINCH."""
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def begin_session() -> None:
    """Be the leader of a session, a new one unless we are (setsid(2))."""
    if os.getsid(0) != os.getpid():
        os.setsid()


def make_controlling(terminal: int) -> None:
    """Have this terminal as the controlling one of a session of our own."""
    begin_session()
    fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)


def _file_system(directory: int) -> int:
    buffer = ctypes.create_string_buffer(256)  # struct statfs starts with f_type, a long
    libc.call("fstatfs", directory, buffer)
    return int(struct.unpack_from("=l" if ctypes.sizeof(ctypes.c_long) == 4 else "=q", buffer)[0])
