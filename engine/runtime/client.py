"""A connection to the shim: frames in, frames out, with a queue when the other side is slow."""

from __future__ import annotations

import os
import socket
from collections import deque
from collections.abc import Callable

from engine.errors import BoxdeckError, RuntimeFailure
from engine.runtime import protocol
from engine.runtime.loop import Loop

_CONGESTED_FRAMES = 16  # of at most 64 KiB each


class Client:
    """One connection of an engine.

    Args:
        handle: called with the client and each frame that arrives.
        gone: called once, when the other side has closed the connection.
    """

    def __init__(
        self,
        loop: Loop,
        connection: socket.socket,
        handle: Callable[[Client, bytes], None],
        gone: Callable[[Client], None],
    ) -> None:
        self._loop = loop
        self._connection = connection
        self._handle = handle
        self._gone = gone
        self._outbox: deque[bytes] = deque()
        self._reading = True
        self._closing = False
        self._descriptors: list[int] = []
        self._finished: Callable[[], None] = lambda: None
        self.closed = False
        self.drained: Callable[[], None] = lambda: None
        connection.setblocking(False)
        self._watch()

    @property
    def congested(self) -> bool:
        """Whether so much waits for the other side that its source should pause."""
        return len(self._outbox) > _CONGESTED_FRAMES

    def send_message(self, message: protocol.Message) -> None:
        """Send a control frame."""
        self.send(protocol.encode(message))

    def send(self, frame: bytes) -> None:
        """Send a frame, now or when the other side has room."""
        if self.closed:
            return
        self._outbox.append(frame)
        self._flush()

    def pause(self, paused: bool) -> None:
        """Stop or go on taking frames from the other side."""
        self._reading = not paused
        self._watch()

    def finish(self, finished: Callable[[], None] = lambda: None) -> None:
        """Close once everything queued has been sent, or the other side has gone; then call back."""
        self._finished = finished
        self._closing = True
        self._flush()

    def close(self) -> None:
        """Close now."""
        if not self.closed:
            self.closed = True
            self._loop.forget(self._connection.fileno())
            self._connection.close()
            self._outbox.clear()
            self._finished()

    def _watch(self) -> None:
        if not self.closed:
            readable = self._receive if self._reading and not self._closing else None
            self._loop.watch(self._connection.fileno(), readable, self._flush if self._outbox else None)

    def _receive(self) -> None:
        try:
            received, descriptors = protocol.receive_frame(self._connection, 1)
            frame = bytes(received)
        except BlockingIOError:
            return self._flush()  # woken as readable while also writable
        except ConnectionResetError:  # whoever has gone left something unread; what they had said before comes next
            return None
        except OSError:
            frame = b""
        if not frame:
            return self._lost()
        self._descriptors = descriptors
        try:
            self._handle(self, frame)
        except BoxdeckError as error:
            self._refuse(error)
        except Exception as error:  # whatever one client asks for, the container and the others live on
            self._refuse(RuntimeFailure(f"the shim can't do that ({type(error).__name__}: {error})"))
        for descriptor in self.take_descriptors():
            os.close(descriptor)
        return None

    def take_descriptors(self) -> list[int]:
        """Those that came with the frame that is being handled; who doesn't take them leaves them to be closed."""
        descriptors, self._descriptors = self._descriptors, []
        return descriptors

    def _refuse(self, error: BoxdeckError) -> None:
        self.send_message(protocol.Failed.of(error))
        self.finish(lambda: self._gone(self))

    def _flush(self) -> None:
        if self.closed:
            return
        if not self._send_outbox():
            self._fall_silent()
        elif self._closing and not self._outbox:
            self.close()
        else:
            self._watch()
            if not self._outbox:
                self.drained()

    def _fall_silent(self) -> None:
        """Nobody reads any more; what they had said before they went is still heard, up to the end."""
        if self._closing or not self._reading:
            return self._lost()
        self._outbox.clear()
        self._watch()
        self.drained()
        return None

    def _send_outbox(self) -> bool:
        """Send what the other side has room for; False when it has gone."""
        try:
            while self._outbox:
                self._connection.send(self._outbox[0], socket.MSG_NOSIGNAL)
                self._outbox.popleft()
        except BlockingIOError:
            return True
        except OSError:
            return False
        return True

    def _lost(self) -> None:
        if not self.closed:
            self.close()
            self._gone(self)
