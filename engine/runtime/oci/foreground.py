"""Waiting for a process of a container, while signals to us go on to it, and our terminal is its own."""

from __future__ import annotations

import os
import select
import signal
from contextlib import ExitStack
from types import FrameType, TracebackType
from typing import Self

from engine.runtime.oci.relay import Relay

_KEPT = {
    signal.SIGKILL, signal.SIGSTOP, signal.SIGCHLD, signal.SIGPIPE, signal.SIGURG,  # mean us, or nobody
    signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGTRAP, signal.SIGSYS, signal.SIGABRT,
}  # fmt: skip


class Foreground:
    """From when it is entered, signals to us are meant for the process.

    Args:
        pidfd: of our own child.
        master: of the process's terminal, if it has one that nobody else got.
    """

    def __init__(self, pid: int, pidfd: int, master: int | None) -> None:
        self._pid = pid
        self._pidfd = pidfd
        self._relay = Relay(master) if master is not None else None
        self._signals = -1
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self._signals, writing = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        for number in signal.valid_signals() - _KEPT:
            signal.signal(number, _noted)
        signal.set_wakeup_fd(writing)
        if self._relay is not None:
            self._stack.enter_context(self._relay)
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        self._stack.close()

    def wait(self) -> int:
        """Until the process has ended; returns its exit status as shells show it, 128 + n for signal n."""
        while not self._turn():
            pass
        code = os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])
        return code if code >= 0 else 128 - code

    def _turn(self) -> bool:
        """Serve what is ready; whether the process has ended."""
        poll = select.poll()
        poll.register(self._signals, select.POLLIN)
        poll.register(self._pidfd, select.POLLIN)
        for descriptor, events in self._relay.interests() if self._relay is not None else ():
            poll.register(descriptor, events)
        ready = dict(poll.poll())
        for descriptor, events in ready.items():
            if descriptor == self._signals:
                self._forward()
            elif descriptor != self._pidfd and self._relay is not None:
                self._relay.serve(descriptor, events)
        return self._pidfd in ready

    def _forward(self) -> None:
        for number in os.read(self._signals, 64):
            if number == signal.SIGWINCH and self._relay is not None:
                self._relay.copy_size()
            else:
                self._send(number)

    def _send(self, number: int) -> None:
        try:
            signal.pidfd_send_signal(self._pidfd, number)
        except ProcessLookupError:
            return


def _noted(number: int, frame: FrameType | None) -> None:
    """The wake-up descriptor has it."""
