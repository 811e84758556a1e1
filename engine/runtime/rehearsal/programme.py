"""What a launcher rehearses when it has the time: piece by piece, since somebody may ask for a container meanwhile."""

from __future__ import annotations

import gc
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial

from engine.linux import descriptors, mounts, signals
from engine.runtime.rehearsal import TIMES, life, set_up

_SIGCHLD = int(signal.SIGCHLD)


class Rehearsal:
    """One of all there is, in pieces that take no longer than a container's start.

    Attributes:
        has_begun, is_over: how far it is.
    """

    def __init__(self) -> None:
        self._pieces: Iterator[None] = iter(())
        self.has_begun = False
        self.is_over = False

    def go_on(self, bundle: str) -> None:
        """Rehearse the next piece.

        Args:
            bundle: of a container such as those to come.
        """
        if not self.has_begun:
            self.has_begun = True
            self._pieces = _pieces(bundle)
        self.is_over = next(self._pieces, self) is self


def _pieces(bundle: str) -> Iterator[None]:
    for work in (_live, partial(_set_up, f"{bundle}/config.json")):
        for _ in range(TIMES):
            if not _can(work):
                break
            yield
    gc.collect()
    gc.freeze()  # shared by all forks from now on


def _can(work: Callable[[], None]) -> bool:
    """Do it; False where it can't be done, and nothing stays open then.

    Our children do it all the same, and hear what is wrong with it; no launcher may end of a rehearsal.
    """
    before = {int(name) for name in os.listdir("/proc/self/fd")}
    with suppress(Exception):
        work()
        return True
    gc.collect()  # objects that close a descriptor do so now, and not when its number is another's
    descriptors.close_all_but(before)
    return False


def _live() -> None:
    with _folder() as folder, _hearing_of_children():
        life.live(folder)


def _set_up(path: str) -> None:
    with open(path, "rb", buffering=0) as file:
        set_up.set_up(file.read())


@contextmanager
def _folder() -> Iterator[str]:
    """One that goes with its descriptor."""
    descriptor = mounts.new_filesystem("tmpfs", "tmpfs", ("mode=700",))
    try:
        yield f"/proc/self/fd/{descriptor}"
    finally:
        os.close(descriptor)


@contextmanager
def _hearing_of_children() -> Iterator[None]:
    """As a shim does; a launcher hears of none, and those that end meanwhile are to be waited for."""
    signals.restore(_SIGCHLD)
    try:
        yield
    finally:
        gc.disable()  # which a shim has enabled
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        with suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                continue
