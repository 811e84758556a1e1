"""What keys wait for in an app: turns of its event loop that take long, and the processor time up to their frame."""

from __future__ import annotations

import re
import threading
import time
from asyncio import events
from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

from textual.driver import Driver
from textual.drivers.linux_driver import LinuxDriver
from textual.events import Key
from textual.message import Message

_LONG_SECONDS = 0.01


class Work:
    """What was noted; seconds of processor time of the thread that has the event loop.

    The processor's time is counted and not the clock's, so that it doesn't matter who else is at work.

    Attributes:
        long_turns: one for each turn that took long.
        keys: one for each key, up to the frame that shows what came of it.
    """

    def __init__(self) -> None:
        self.long_turns: list[float] = []
        self.keys: list[float] = []

    def clear(self) -> None:
        """Forget what was noted."""
        self.long_turns.clear()
        self.keys.clear()


@contextmanager
def noted(frame: re.Pattern[str]) -> Iterator[Work]:
    """Note what is done in this thread's event loop.

    Args:
        frame: is in the output that ends the wait for a key.
    """
    work, clock, pressed = Work(), time.pthread_getcpuclockid(threading.get_ident()), list[float]()
    run, send, write = events.Handle._run, Driver.send_message, LinuxDriver.write

    def timed(handle: events.Handle) -> None:
        began = time.thread_time()
        run(handle)
        if (taken := time.thread_time() - began) > _LONG_SECONDS:
            work.long_turns.append(taken)

    def sending(driver: Driver, message: Message) -> None:
        if isinstance(message, Key):
            pressed.append(time.clock_gettime(clock))  # in the driver's thread, whatever ours does
        send(driver, message)

    def writing(driver: LinuxDriver, data: str) -> None:
        write(driver, data)
        if pressed and frame.search(data):
            work.keys.append(time.clock_gettime(clock) - pressed.pop())

    with (
        patch.object(events.Handle, "_run", timed),
        patch.object(Driver, "send_message", sending),
        patch.object(LinuxDriver, "write", writing),
    ):
        yield work
