"""What a shim does about its container's health: it has it checked, says how it is, and acts where it isn't well."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable

from engine.health import Health
from engine.runtime import protocol
from engine.runtime.first_process import FirstProcess
from engine.runtime.health import HealthWatch
from engine.runtime.loop import Loop
from engine.runtime.restarter import Restarter
from engine.runtime.status_file import StatusFile


class HealthCare:
    """Begins with the container's program.

    Args:
        execute: runs a process in the container and returns the connection that its streams come over.
        is_paused: whether the container stands still, and can't be asked.
    """

    def __init__(
        self,
        loop: Loop,
        order: protocol.HealthOrder,
        execute: Callable[[protocol.Exec], socket.socket],
        is_paused: Callable[[], bool],
        process: FirstProcess,
        word: StatusFile,
        restarter: Restarter,
    ) -> None:
        self._loop = loop
        self._order = order
        self._process = process
        self._word = word
        self._restarter = restarter
        self._watch = HealthWatch(loop, order, execute, is_paused, self._tell)
        self._watch.begin()

    def end(self) -> None:
        """The container has ended: no more checks."""
        self._watch.end()

    def _tell(self, health: Health) -> None:
        before = self._word.status.health
        self._word.update(health=health)
        if health.state == "unhealthy" and before is not None and before.state != "unhealthy":
            self._react()

    def _react(self) -> None:
        order = self._order
        if order.on_unhealthy == "none":
            return
        if order.on_unhealthy == "kill":
            self._kill()
            return
        self._restarter.is_wanted = order.on_unhealthy == "restart"
        if order.on_unhealthy == "stop":
            self._restarter.was_stopped = True
            self._word.update(was_stopped=True)
        self._process.kill(order.stop_signal)
        if order.stop_seconds is not None:
            self._loop.call_later(order.stop_seconds, self._kill)

    def _kill(self) -> None:
        self._process.kill(signal.SIGKILL)
