"""The shim's socket, and who comes in by it."""

from __future__ import annotations

import socket
from collections.abc import Callable

from engine.runtime import unix_socket
from engine.runtime.loop import Loop

_PAUSE_SECONDS = 0.1


class Door:
    """Open from the beginning until `close`.

    Args:
        listener: ours from now on.
        folder: that it is in.
        let_in: called with each connection of somebody who may speak to us.
    """

    def __init__(
        self, loop: Loop, listener: socket.socket, folder: str, let_in: Callable[[socket.socket], object]
    ) -> None:
        self._loop = loop
        self._listener = listener
        self._folder = folder
        self._let_in = let_in
        self._is_open = True
        self._listen()

    def close(self) -> None:
        """Let nobody in any more. Whoever finds the socket closed finds the last word written."""
        if self._is_open:
            self._is_open = False
            self._loop.forget(self._listener.fileno())
            self._listener.close()
            unix_socket.remove(self._folder)

    def _listen(self) -> None:
        if self._is_open:
            self._loop.watch(self._listener.fileno(), self._accept)

    def _accept(self) -> None:
        try:
            connection = unix_socket.accept(self._listener)
        except OSError:  # EMFILE: too many connections; they wait until some have gone
            self._loop.forget(self._listener.fileno())
            self._loop.call_later(_PAUSE_SECONDS, self._listen)
            return
        if connection is not None:
            self._let_in(connection)
