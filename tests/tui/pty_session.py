"""A session over a real pseudo-terminal and a real process, with the interface that the engine's sessions have."""

from __future__ import annotations

import asyncio
import fcntl
import os
import pty
import signal
import struct
import termios
from collections.abc import Mapping

from engine.model import Chunk

READ_BYTES = 65_536
ENVIRONMENT = {"TERM": "xterm-256color", "PATH": os.environ["PATH"], "LANG": "C.UTF-8", "HOME": "/tmp"}


class PtySession:
    """A child of the test on a terminal of its own."""

    tty = True
    past = b""

    def __init__(self, pid: int, descriptor: int) -> None:
        self.pid = pid
        self.read_bytes = 0
        self._descriptor = descriptor
        self._status: int | None = None
        os.set_blocking(descriptor, False)

    @classmethod
    def spawn(cls, *argv: str, rows: int = 24, columns: int = 80, env: Mapping[str, str] | None = None) -> PtySession:
        """Run a command on a new pseudo-terminal."""
        pid, descriptor = pty.fork()
        if pid == 0:
            try:
                os.execvpe(argv[0], argv, {**ENVIRONMENT, **(env or {})})
            finally:
                os._exit(127)
        session = cls(pid, descriptor)
        session._set_size(rows, columns)
        return session

    async def read(self) -> Chunk | None:
        while True:
            try:
                data = os.read(self._descriptor, READ_BYTES)
            except BlockingIOError:
                await self._readable()
            except OSError:  # EIO: the last process let go of the terminal (pty(7))
                return None
            else:
                self.read_bytes += len(data)
                return Chunk("stdout", data) if data else None

    async def write(self, data: bytes) -> None:
        while data:
            try:
                data = data[os.write(self._descriptor, data) :]
            except BlockingIOError:
                await asyncio.sleep(0.01)

    async def close_stdin(self) -> None:
        await self.write(b"\x04")

    async def resize(self, rows: int, columns: int) -> None:
        self._set_size(rows, columns)

    async def hang_up(self) -> None:
        os.kill(self.pid, signal.SIGHUP)

    async def wait(self) -> int:
        if self._status is None and not self._reap():
            await asyncio.to_thread(self._reap, 0)
        assert self._status is not None
        return self._status

    async def close(self) -> None:
        if self._descriptor < 0:
            return
        asyncio.get_running_loop().remove_reader(self._descriptor)
        os.close(self._descriptor)
        self._descriptor = -1
        if self._status is None and not self._reap():
            os.kill(self.pid, signal.SIGHUP)
            for _ in range(100):
                if self._reap():
                    return
                await asyncio.sleep(0.01)
            os.kill(self.pid, signal.SIGKILL)
            self._reap(0)

    def _reap(self, options: int = os.WNOHANG) -> bool:
        pid, status = os.waitpid(self.pid, options)
        if pid == 0:
            return False
        code = os.waitstatus_to_exitcode(status)
        self._status = code if code >= 0 else 128 - code
        return True

    def _set_size(self, rows: int, columns: int) -> None:
        fcntl.ioctl(self._descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    async def _readable(self) -> None:
        loop = asyncio.get_running_loop()
        ready = asyncio.Event()
        loop.add_reader(self._descriptor, ready.set)
        try:
            await ready.wait()
        finally:
            if self._descriptor >= 0:
                loop.remove_reader(self._descriptor)
