"""What a shim does about its container's next start: it decides, waits, and lets a program of its own do it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from engine.restart_policy import Restart, RestartPolicy, next_restart
from engine.runtime.loop import Loop
from engine.runtime.protocol import Restarting
from engine.runtime.status import Status

_FAILED = 127


class Restarter:
    """The restart policy of one container.

    Attributes:
        was_stopped: somebody has ended it by hand, so that nobody starts it again.
        is_wanted: it is ended so that it starts again, whatever its policy says.
        is_waiting: whether a start is put off and still to be made.
    """

    def __init__(self, loop: Loop, order: Restarting | None) -> None:
        self._loop = loop
        self._order = order
        self.was_stopped = False
        self.is_wanted = False
        self.is_waiting = False

    def obey(self, order: Restarting) -> None:
        """Another policy; the present run stays what it is."""
        last = self._order.last if self._order is not None else None
        self._order = Restarting(policy=order.policy, last=last, command=order.command)

    def after(self, status: Status, exit_status: int) -> Restart | None:
        """The start that follows the end of a run."""
        if self._order is None or self.was_stopped:
            return None
        now = time.time_ns()
        ran_seconds = (now - (status.started_unix_ns or now)) / 1e9
        policy = RestartPolicy(name="always") if self.is_wanted else self._order.policy
        return next_restart(policy, self._order.last, exit_status, ran_seconds, now)

    def put_off(self, restart: Restart, made: Callable[[int], None]) -> None:
        """Have it made when its time has come; then `made` is called with the pid of who makes it."""
        self.is_waiting = True
        self._loop.call_later(restart.delay_seconds, lambda: self._make(made))

    def _make(self, made: Callable[[int], None]) -> None:
        self.is_waiting = False
        assert self._order is not None
        pid = os.fork()
        if pid == 0:
            try:
                os.setsid()
                os.execv(self._order.command[0], self._order.command)
            finally:
                os._exit(_FAILED)
        made(pid)
