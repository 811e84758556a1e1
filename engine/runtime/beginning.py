"""The second half of a container's start: its init is told to execute, and is heard until it has."""

from __future__ import annotations

from collections.abc import Callable

from engine.errors import Conflict
from engine.runtime import protocol
from engine.runtime.birth import killed, receive_with_descriptor
from engine.runtime.delivery import Delivery
from engine.runtime.loop import Loop


class Beginning:
    """From an init that waits to a program that runs.

    Args:
        delivered: with the socket to init, and how far that is.
        executed: called when the program runs.
        notifies: called with the descriptor that its filter of system calls notifies through.

    Attributes:
        failure: why there is no program, if init has said so.
    """

    def __init__(
        self,
        loop: Loop,
        delivered: Delivery,
        executed: Callable[[], None],
        notifies: Callable[[int], None],
    ) -> None:
        self._loop = loop
        self._sync = delivered.sync
        self._has_begun = delivered.has_begun
        self._is_ready = delivered.is_ready
        self._executed = executed
        self._notifies = notifies
        self.failure: protocol.Failed | None = None
        loop.watch(self._sync.fileno(), self._hear)

    def begin(self) -> None:
        """Tell init to execute.

        Raises:
            Conflict: it has been told.
        """
        if self._has_begun:
            raise Conflict("the container has been started already", "attach to it or exec in it")
        self._has_begun = True
        protocol.send(self._sync, protocol.Start())

    @property
    def why_not(self) -> protocol.Failed:
        """Why there is no program: what init has said, or else that it was ended while it waited."""
        return self.failure or protocol.Failed(
            "RuntimeFailure", "the container was killed before its start", "start it again"
        )

    def hear_out(self) -> None:
        """Hear what an init that has ended had said before, or its silence."""
        while self._sync.fileno() >= 0:
            self._hear()

    def _hear(self) -> None:
        """That init is ready, and its last word: silence when execve worked, else why not."""
        message, descriptor = receive_with_descriptor(self._sync)
        if isinstance(message, protocol.Created):
            self._is_ready = True
            return None
        if isinstance(message, protocol.Listener) and descriptor is not None:
            return self._notifies(descriptor)
        self._loop.forget(self._sync.fileno())
        self._sync.close()
        if isinstance(message, protocol.Failed):
            self.failure = message
        elif not self._is_ready:
            self.failure = protocol.Failed.of(killed())
        elif self._has_begun:
            self._executed()
        return None
