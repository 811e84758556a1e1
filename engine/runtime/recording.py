"""That somebody records: one of the shims has a recorder as its child, and all others wait for that one's end.

Whose child it is a lock decides, which dies with the recorder (flock(2)). Nobody asks twice: a shim looks once, a
moment after its container's start, and then sleeps until the recorder ends.
"""

from __future__ import annotations

import fcntl
import os
import signal
import time

from engine.linux import clone
from engine.runtime import recorder
from engine.runtime.loop import Loop
from engine.runtime.protocol import Launch

_AGAIN_SECONDS = 1.0
_PID_DIGITS = 20


class Recording:
    """A shim's part in it.

    What keeps it from being recorded is no reason for a container to end: there is no history then.
    """

    def __init__(self, loop: Loop, launch: Launch) -> None:
        self._loop = loop
        self._launch = launch
        self._recorder = clone.Child(0, -1)  # the pid is 0 of one that isn't our child
        self._is_over = False

    def begin(self) -> None:
        """See to it from the next second on; whose container has ended by then doesn't pay for it."""
        if self._launch.history:
            self._loop.call_later(1 - time.time() % 1, self._look)

    def end(self) -> None:
        """A recorder that is our child ends with us, and another shim hears of that."""
        self._is_over = True
        if self._recorder.pid:
            signal.pidfd_send_signal(self._recorder.pidfd, signal.SIGKILL)
        self._let_go()

    def _look(self) -> None:
        """Have a recorder if there is none."""
        if self._is_over:
            return
        try:
            lock = os.open(f"{self._launch.history}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError:
            return
        try:
            self._recorder = self._find(lock)
            self._loop.watch(self._recorder.pidfd, self._hear_end)
        except (OSError, ValueError):  # it has just ended, or just begun and not said its pid yet
            self._loop.call_later(_AGAIN_SECONDS, self._look)
        finally:
            os.close(lock)

    def _find(self, lock: int) -> clone.Child:
        """The recorder: ours if we get the lock, otherwise whose number is in the file."""
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return clone.Child(0, os.pidfd_open(int(os.pread(lock, _PID_DIGITS, 0))))
        os.ftruncate(lock, 0)
        own = os.getpid()
        child = clone.clone(0)
        if child.pid == 0:
            recorder.main(own, lock, self._places())
        os.pwrite(lock, str(child.pid).encode(), 0)
        return child

    def _places(self) -> recorder.Places:
        launch = self._launch
        return recorder.Places(
            runtimes=os.path.dirname(launch.runtime_directory),
            histories=launch.history,
            cgroups=os.path.dirname(launch.cgroup),
            names=launch.names,
        )

    def _hear_end(self) -> None:
        self._let_go()
        self._look()

    def _let_go(self) -> None:
        if self._recorder.pidfd >= 0:
            self._loop.forget(self._recorder.pidfd)
            os.close(self._recorder.pidfd)
        if self._recorder.pid:
            os.waitpid(self._recorder.pid, 0)
        self._recorder = clone.Child(0, -1)
