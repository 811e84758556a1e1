"""A front end's end of a process's streams: the container's own, or those of an exec."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress

from engine.errors import RuntimeFailure
from engine.model import Chunk, Container
from engine.runtime import protocol


class Session:
    """Streams of a running process. One reader at a time.

    Attributes:
        container: as it was when the session began.
        tty: whether the process has a terminal; all its output is stdout then.
        past: of a terminal that was there before, what it showed last, to be shown before anything else.
    """

    def __init__(
        self,
        connection: socket.socket,
        container: Container,
        tty: bool,
        ended: Callable[[], Awaitable[None]] | None = None,
        past: bytes = b"",
    ) -> None:
        self.container = container
        self.tty = tty
        self.past = past
        self._connection = connection
        self._ended = ended
        self._status: int | None = None
        self._over = False
        self._users = 0  # who wait for the connection just now
        self._is_left = False
        connection.setblocking(False)

    async def read(self) -> Chunk | None:
        """The next output; None once the process has ended and all of it was read.

        Raises:
            BoxdeckError: the shim reports a failure.
        """
        while not self._over:
            frame = await self._receive()
            if frame[:1] == bytes((protocol.STDOUT,)):
                return Chunk("stdout", frame[1:])
            if frame[:1] == bytes((protocol.STDERR,)):
                return Chunk("stderr", frame[1:])
            self._take(protocol.decode(frame) if frame else None)
        return None

    def _take(self, message: protocol.Message | None) -> None:
        if isinstance(message, protocol.Failed):
            self._over = True
            raise message.error()
        if isinstance(message, protocol.Exited):
            self._status = message.status
        if message is None or isinstance(message, protocol.Exited):
            self._over = True

    async def _receive(self) -> bytes:
        for _ in range(2):
            try:
                with self._in_use():
                    return await asyncio.get_running_loop().sock_recv(self._connection, protocol.FRAME_SIZE)
            except ConnectionResetError:  # the shim left input unread; what it had said before is still to be read
                continue
            except OSError:
                break
        return b""

    @contextmanager
    def _in_use(self) -> Iterator[None]:
        self._users += 1
        try:
            yield
        finally:
            self._users -= 1
            if self._is_left and not self._users:
                self._connection.close()

    def _disconnect(self) -> None:
        """Close the connection; who still waits for it hears of that first: of a closed one he never would."""
        self._is_left = True
        if self._users:
            with suppress(OSError):
                self._connection.shutdown(socket.SHUT_RDWR)
        else:
            self._connection.close()

    async def write(self, data: bytes) -> None:
        """Give input to the process; returns when the shim has taken it. After the process's end it is dropped."""
        for start in range(0, len(data), protocol.DATA_SIZE):
            await self._send(bytes((protocol.STDIN,)) + data[start : start + protocol.DATA_SIZE])

    async def close_stdin(self) -> None:
        """End the process's standard input."""
        await self._send(protocol.encode(protocol.CloseStdin()))

    async def resize(self, rows: int, columns: int) -> None:
        """Tell the process's terminal its new size."""
        await self._send(protocol.encode(protocol.Resize(rows, columns)))

    async def hang_up(self) -> None:
        """Have an exec's process end as when its terminal is taken away (SIGHUP), also one that is kept."""
        await self._send(protocol.encode(protocol.Kill(signal.SIGHUP)))

    async def _send(self, frame: bytes) -> None:
        try:
            with self._in_use():
                await asyncio.get_running_loop().sock_sendall(self._connection, frame)
        except OSError:
            return

    async def wait(self) -> int:
        """The exit status, 128 + n after signal n; output that wasn't read yet is dropped.

        Raises:
            RuntimeFailure: the shim was killed, so nobody knows.
        """
        while await self.read() is not None:
            pass
        self._disconnect()
        ended, self._ended = self._ended, None
        if ended is not None:
            await ended()
        if self._status is None:
            raise RuntimeFailure("the container's shim was killed, its exit status is unknown", "start it again")
        return self._status

    async def close(self) -> None:
        """Leave: the container lives on, an exec with a terminal is hung up unless it is kept."""
        self._over = True
        self._disconnect()
