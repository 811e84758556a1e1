"""A shim's eye on how its container is: checks run one after the other, each like anybody's exec."""

from __future__ import annotations

import signal
import socket
import time
from collections.abc import Callable

from engine.errors import BoxdeckError
from engine.health import OUTPUT_KEPT_BYTES, Health, HealthResult, after
from engine.runtime import protocol
from engine.runtime.loop import Loop

_TIMED_OUT = -1


class HealthWatch:
    """Runs the checks of one container.

    Args:
        execute: runs a process in the container and returns the connection that its streams come over.
        is_paused: whether the container stands still, and can't be asked.
        changed: called with how it is, after each check.
    """

    def __init__(
        self,
        loop: Loop,
        order: protocol.HealthOrder,
        execute: Callable[[protocol.Exec], socket.socket],
        is_paused: Callable[[], bool],
        changed: Callable[[Health], None],
    ) -> None:
        self._loop = loop
        self._order = order
        self._execute = execute
        self._is_paused = is_paused
        self._changed = changed
        self._health = Health()
        self._connection: socket.socket | None = None
        self._began = time.monotonic()
        self._has_ended = False

    def begin(self) -> None:
        """The container runs."""
        self._began = time.monotonic()
        self._changed(self._health)
        self._check_later()

    def end(self) -> None:
        """The container has ended: no more checks."""
        self._has_ended = True
        if self._connection is not None:
            self._close()

    @property
    def _is_starting(self) -> bool:
        """Whether failures don't count yet."""
        within = time.monotonic() - self._began < self._order.check.start_period_seconds
        return within and self._health.state == "starting"

    def _check_later(self) -> None:
        check = self._order.check
        self._loop.call_later(
            check.start_interval_seconds if self._is_starting else check.interval_seconds, self._check
        )

    def _check(self) -> None:
        if self._has_ended:
            return
        if self._is_paused():
            self._check_later()
            return
        self._started_unix_ns, self._output = time.time_ns(), b""
        try:
            self._connection = self._execute(protocol.Exec(process=self._order.process))
        except BoxdeckError as error:
            self._finish(126, str(error).encode())
            return
        self._loop.watch(self._connection.fileno(), self._hear)
        current = self._connection
        self._loop.call_later(self._order.check.timeout_seconds, lambda: self._time_out(current))

    def _hear(self) -> None:
        assert self._connection is not None
        try:
            frame = self._connection.recv(protocol.FRAME_SIZE)
        except OSError:
            frame = b""
        if not frame:
            self._finish(126, b"the check was cut off")
            return
        if frame[0] != protocol.CONTROL:
            self._output += frame[1 : 1 + OUTPUT_KEPT_BYTES - len(self._output)]
            return
        message = protocol.decode(frame)
        if isinstance(message, protocol.Exited):
            self._finish(message.status, self._output)
        elif isinstance(message, protocol.Failed):
            self._finish(message.error().exit_status, str(message.error()).encode())

    def _time_out(self, connection: socket.socket) -> None:
        if connection is not self._connection:
            return
        protocol.send(connection, protocol.Kill(int(signal.SIGKILL), group=True))
        seconds = self._order.check.timeout_seconds
        self._finish(_TIMED_OUT, self._output + f"took longer than {seconds:g} seconds".encode())

    def _finish(self, exit_status: int, output: bytes) -> None:
        if self._connection is not None:
            self._close()
        if self._has_ended:
            return
        result = HealthResult(
            started_unix_ns=self._started_unix_ns,
            ended_unix_ns=time.time_ns(),
            exit_status=exit_status,
            output=output[:OUTPUT_KEPT_BYTES].decode(errors="replace"),
        )
        self._health = after(self._health, result, self._order.check, counts=not self._is_starting)
        self._check_later()
        self._changed(self._health)

    def _close(self) -> None:
        assert self._connection is not None
        self._loop.forget(self._connection.fileno())
        self._connection.close()
        self._connection = None
