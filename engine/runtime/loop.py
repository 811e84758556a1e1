"""The shim's event loop: epoll, callbacks and a few timers. Small on purpose: every container has one."""

from __future__ import annotations

import select
import time
from collections.abc import Callable

READ = select.EPOLLIN
WRITE = select.EPOLLOUT
_URGENT = select.EPOLLPRI
_GONE = select.EPOLLHUP | select.EPOLLERR

Callback = Callable[[], None]


class Loop:
    """Calls back when descriptors are ready or a time has come, until `stop`."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._callbacks: dict[int, tuple[Callback | None, Callback | None]] = {}
        self._timers: list[tuple[float, Callback]] = []
        self._running = True

    def watch(
        self, descriptor: int, readable: Callback | None, writable: Callback | None = None, urgent: bool = False
    ) -> None:
        """Call back while the descriptor can be read or written; both None stops watching it.

        The end of a stream and errors count as readable, or as writable where nobody reads.

        Args:
            urgent: call `readable` for what poll(2) calls exceptional, as a change of a control group's file.
        """
        events = ((_URGENT if urgent else READ) if readable else 0) | (WRITE if writable else 0)
        known = descriptor in self._callbacks
        if not events:
            if known:
                del self._callbacks[descriptor]
                self._epoll.unregister(descriptor)
            return
        self._callbacks[descriptor] = (readable, writable)
        (self._epoll.modify if known else self._epoll.register)(descriptor, events)

    def forget(self, descriptor: int) -> None:
        """Stop watching; must come before the descriptor is closed."""
        self.watch(descriptor, None)

    def call_later(self, seconds: float, callback: Callback) -> None:
        """Call once, later."""
        self._timers.append((time.monotonic() + seconds, callback))

    def stop(self) -> None:
        """Make `run` return."""
        self._running = False

    def run(self) -> None:
        """Serve until `stop`."""
        while self._running:
            for descriptor, events in self._epoll.poll(self._patience()):
                self._dispatch(descriptor, events)
            self._run_timers()

    def _dispatch(self, descriptor: int, events: int) -> None:
        readable, writable = self._callbacks.get(descriptor, (None, None))
        if readable and events & (READ | _URGENT | _GONE):
            readable()
        elif writable and events & (WRITE | _GONE):
            writable()

    def _patience(self) -> float | None:
        return max(0.0, min(when for when, _ in self._timers) - time.monotonic()) if self._timers else None

    def _run_timers(self) -> None:
        now = time.monotonic()
        due = [callback for when, callback in self._timers if when <= now]
        self._timers = [timer for timer in self._timers if timer[0] > now]
        for callback in due:
            callback()
