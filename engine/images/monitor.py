"""Work in a thread that tells how far it is and can be told to stop."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from contextvars import copy_context
from typing import TypeVar

from engine.jobs import Report
from engine.model import Progress

Result = TypeVar("Result")
Advance = Callable[[int], None]

_REPORT_SECONDS = 0.05


class Stopped(Exception):
    """Raised inside the thread when whoever waited for it has gone; undoes what is half done."""


class Monitor:
    """The thread's side: reports steps at most twenty times a second, and raises `Stopped` at the next chance."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._stopped = threading.Event()
        self._waking: list[Callable[[], None]] = []

    def stop(self) -> None:
        """Let the next step raise; may be called from any thread."""
        self._stopped.set()
        for wake in tuple(self._waking):
            wake()

    @contextmanager
    def woken_by(self, wake: Callable[[], None]) -> Iterator[None]:
        """Have something called when it is stopped, which ends a wait that `check` would come too late for."""
        self._waking.append(wake)
        try:
            if self._stopped.is_set():
                wake()
            yield
        finally:
            self._waking.remove(wake)

    @contextmanager
    def attempt(self) -> Iterator[Monitor]:
        """A monitor for work that may fail, and be stopped for that, before something else is tried.

        It stops when this one does.
        """
        inner = Monitor(self._report)
        with self.woken_by(inner.stop):
            yield inner

    def step(self, what: str, total: int = 0, part: str = "", done: int = 0) -> Advance:
        """Begin a step; call the answer with the amount of every piece that is done.

        Args:
            what: for people, such as ``Unpacking layer 1 of 3``.
            total: the amount that makes the whole, in bytes; 0 when it isn't known.
            part: which of several things side by side.
            done: the amount that is done already.
        """
        reported = 0.0

        def advance(amount: int) -> None:
            nonlocal done, reported
            done += amount
            self.check()
            if (now := time.monotonic()) - reported >= _REPORT_SECONDS:
                reported = now
                self._report(Progress(what=what, done=done, total=total, part=part))

        advance(0)
        return advance

    def nap(self, seconds: float) -> None:
        """Sleep, but not longer than somebody waits.

        Raises:
            Stopped: nobody does.
        """
        self._stopped.wait(seconds)
        self.check()

    def check(self) -> None:
        """Raise if whoever waited has gone.

        Raises:
            Stopped: it has.
        """
        if self._stopped.is_set():
            raise Stopped


async def in_thread(report: Report, work: Callable[[Monitor], Result], pool: Executor | None = None) -> Result:
    """Run blocking work in a thread; when cancelled, stop it and wait until it has undone what is half done.

    Args:
        pool: whose thread it is to be; None takes any.
    """
    monitor = Monitor(report)
    task = asyncio.ensure_future(asyncio.get_running_loop().run_in_executor(pool, copy_context().run, work, monitor))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        monitor.stop()
        await asyncio.wait([task])
        if not task.cancelled():
            task.exception()  # seen; the cancellation is what counts
        raise
