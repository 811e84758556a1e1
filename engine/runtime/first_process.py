"""A container's first process as its shim has it: signals for it, and how it ended."""

from __future__ import annotations

import os
import signal
import time

from engine.incidents import Incidents
from engine.linux import trace
from engine.runtime.session import exit_status

SIGKILL_STATUS = 128 + int(signal.SIGKILL)
_DYING_NS = 10 * 10**9  # from being killed for memory to having ended: giving much back takes time


class FirstProcess:
    """Our child, although a maker has cloned it.

    Attributes:
        exit_status: as shells show it; None until it has been reaped.
    """

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.pidfd = os.pidfd_open(pid)
        self.exit_status: int | None = None
        self._was_killed = False  # by us, for somebody

    def kill(self, number: int) -> None:
        """Send it a signal; nothing happens when it has ended."""
        self._was_killed |= number == signal.SIGKILL
        try:
            trace.call(signal.pidfd_send_signal, self.pidfd, number)
        except ProcessLookupError:
            return

    def reap(self) -> None:
        """Take its exit status, once its pidfd says that it has ended."""
        _, status = trace.call(os.waitpid, self.pid, 0)
        self.exit_status = exit_status(status)

    def close(self) -> None:
        """Forget it, when nobody will ask any more."""
        os.close(self.pidfd)

    def was_killed_for_memory(self, incidents: Incidents) -> bool:
        """Whether it was among the victims; the one killed last, since with it all others ended."""
        if self.exit_status != SIGKILL_STATUS or self._was_killed:
            return False
        return time.time_ns() - incidents.oom_kills.last_unix_ns < _DYING_NS
