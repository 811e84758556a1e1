"""A terminal between ours and a child's: what is typed goes in, what is written comes out, sizes follow."""

from __future__ import annotations

import fcntl
import os
import select
import signal
import socket
import termios
import tty
from contextlib import suppress
from typing import NoReturn

from engine.errors import RuntimeFailure
from engine.linux import pty
from engine.linux.clone import Child
from engine.namespaces.parent import end_like

_CHUNK = 65536


class Terminal:
    """A terminal that a child is going to have; made before there is the child."""

    def __init__(self) -> None:
        self._ours, self._theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._spare = os.openpty()

    def take(self) -> None:
        """In the child, when it is there: the terminal becomes its own, and its streams.

        It comes from the devpts that is there, so that programs find its name; else from ours.

        Raises:
            RuntimeFailure: neither works.
        """
        try:
            master, slave = _opened_there() or self._spare
            socket.send_fds(self._theirs, [b"!"], [master])
            pty.make_controlling(slave)
            for number in (0, 1, 2):
                os.dup2(slave, number)
        except OSError as error:
            raise RuntimeFailure(
                f"the command can't get a terminal ({os.strerror(error.errno or 0).lower()})",
                "run it with another standard input, such as </dev/null",
            ) from error
        self._close()
        os.close(master)

    def _close(self) -> None:
        self._ours.close()
        self._theirs.close()
        for descriptor in self._spare:
            with suppress(OSError):
                os.close(descriptor)

    def relay(self, child: Child) -> NoReturn:
        """In the parent: carry bytes until the child has ended, then end as it did, with our terminal as it was."""
        self._theirs.close()
        _, descriptors, _, _ = socket.recv_fds(self._ours, 1, 1)
        if not descriptors:  # it failed on the way, and has said why
            end_like(os.waitpid(child.pid, 0)[1])
        self._close()
        before = termios.tcgetattr(0)
        _follow_size(descriptors[0])
        _forward_signals(child)
        tty.setraw(0, termios.TCSADRAIN)
        try:
            _carry(child.pidfd, descriptors[0])
        finally:
            termios.tcsetattr(0, termios.TCSADRAIN, before)
        end_like(os.waitpid(child.pid, 0)[1])


def _opened_there() -> tuple[int, int] | None:
    """Both ends of a terminal of the devpts on /dev/pts; None where there is none."""
    with suppress(OSError):
        folder = os.open("/dev/pts", os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            master = pty.open_master(folder)
            return master, pty.open_slave(master)
        finally:
            os.close(folder)
    return None


def _follow_size(master: int) -> None:
    def resize(*_: object) -> None:
        with suppress(OSError):
            fcntl.ioctl(master, termios.TIOCSWINSZ, fcntl.ioctl(0, termios.TIOCGWINSZ, bytes(8)))

    signal.signal(signal.SIGWINCH, resize)
    resize()


def _forward_signals(child: Child) -> None:
    def forward(number: int, _: object) -> None:
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(child.pidfd, number)

    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
        signal.signal(number, forward)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def _carry(pidfd: int, master: int) -> None:
    poll = select.poll()
    for descriptor in (0, master, pidfd):
        poll.register(descriptor, select.POLLIN)
    while True:
        ready = {descriptor for descriptor, _ in poll.poll()}
        if master in ready:
            if not _copy(master, 1):
                poll.unregister(master)
        elif pidfd in ready:  # ended, and all that it wrote is out
            return
        if 0 in ready and not _copy(0, master):
            poll.unregister(0)


def _copy(source: int, target: int) -> bool:
    """Move what is there; False at the end of the source."""
    with suppress(OSError):  # EIO: nobody has the other end open
        data = os.read(source, _CHUNK)
        while data:
            data = data[os.write(target, data) :]
            if not data:
                return True
    return False
