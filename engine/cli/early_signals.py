"""Signals that come while a container is being started, before there is anybody to tell."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager

# What can't be caught; what tells of faults and ends of our own; what terminals send to those in their background, and
# to all when they are resized, which to some servers means to end (httpd).
_OWN = (
    signal.SIGKILL, signal.SIGSTOP, signal.SIGFPE, signal.SIGILL, signal.SIGSEGV, signal.SIGBUS, signal.SIGCHLD,
    signal.SIGPIPE, signal.SIGTTIN, signal.SIGTTOU, signal.SIGWINCH,
)  # fmt: skip
FORWARDED = signal.valid_signals() - {*_OWN}
LEAVING = (signal.SIGTERM, signal.SIGHUP)  # a container with a terminal, which is as good as before for who comes next
_KEYS = (signal.SIGINT, signal.SIGQUIT)  # before our terminal is in raw mode


def handled(tty: bool, sig_proxy: bool) -> frozenset[int]:
    """Which signals mean the container, or leaving it."""
    if tty:
        return frozenset((*LEAVING, *_KEYS) if sig_proxy else LEAVING)
    return frozenset(FORWARDED) if sig_proxy else frozenset()


@contextmanager
def kept(tty: bool, sig_proxy: bool) -> Iterator[list[int]]:
    """Collect those that come, in order, so that a start isn't left half-way and its container to nobody.

    Whoever takes over the streams takes over the signals, too, with handlers in place of these.
    """
    loop, early = asyncio.get_running_loop(), list[int]()
    numbers = handled(tty, sig_proxy)
    for number in numbers:
        loop.add_signal_handler(number, early.append, number)
    try:
        yield early
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)
