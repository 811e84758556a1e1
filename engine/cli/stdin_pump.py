"""Standard input on its way into a session, read by a thread of its own.

An event loop can't wait for a regular file (epoll_ctl(2), EPERM), and making a terminal non-blocking would make it
so for the shell that started us, too.
"""

from __future__ import annotations

import asyncio
import os
import select
import sys
from collections.abc import Coroutine
from concurrent.futures import CancelledError
from contextlib import suppress
from threading import Thread
from typing import TYPE_CHECKING

from engine.cli.terminal import DetachScanner

if TYPE_CHECKING:
    from engine.session import Session

_READ_BYTES = 32 * 1024


class StdinPump:
    """Gives a session what is typed or piped in.

    Args:
        leaves: whether the end of input is the end of the session.

    Attributes:
        detached: done when the detach keys were typed, the terminal is gone, or the end of input leaves.
    """

    def __init__(self, session: Session, detach_keys: bytes, leaves: bool = False) -> None:
        self._leaves = leaves
        self.detached: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._loop = asyncio.get_running_loop()
        self._session = session
        self._scanner = DetachScanner(detach_keys) if session.tty else None
        self._wake, self._woken = os.pipe2(os.O_CLOEXEC)
        self._thread = Thread(target=self._run, name="stdin", daemon=True)

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def stop(self) -> None:
        """Read nothing more: what is typed from now on belongs to somebody else. Returns at once."""
        os.close(self._woken)

    def _run(self) -> None:
        try:
            # RuntimeError: the loop has ended meanwhile, and the program does, too
            with suppress(RuntimeError, CancelledError):
                while self._await_input() and self._pass_on(os.read(sys.stdin.fileno(), _READ_BYTES)):
                    pass
        except OSError:  # EIO: the terminal was hung up
            self._detach()
        finally:
            os.close(self._wake)

    def _await_input(self) -> bool:
        """Wait for input; False when we have been stopped."""
        ready, _, _ = select.select([sys.stdin.fileno(), self._wake], [], [])
        return self._wake not in ready

    def _pass_on(self, data: bytes) -> bool:
        """Give input to the session; False when there will be no more."""
        if not data:
            self._end_of_input()
            return False
        data, leaving = self._scanner.feed(data) if self._scanner else (data, False)
        if data:
            self._finish(self._session.write(data))
        if leaving:
            self._detach()
        return not leaving

    def _end_of_input(self) -> None:
        if not self._session.tty:
            self._finish(self._session.close_stdin())
        if self._session.tty or self._leaves:
            self._detach()

    def _finish(self, work: Coroutine[object, object, None]) -> None:
        """Wait until the loop has done this: a process that doesn't read makes us stop reading."""
        try:
            asyncio.run_coroutine_threadsafe(work, self._loop).result()
        except RuntimeError:
            work.close()
            raise

    def _detach(self) -> None:
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._set_detached)

    def _set_detached(self) -> None:
        if not self.detached.done():
            self.detached.set_result(None)
