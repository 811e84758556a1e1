"""That names go on being answered when who answers them is killed (`engine.names.service`).

Who answers holds a lock, and for as long as it is wanted the file says how it was called. So a file that says so and
that nobody has locked tells of a killed one, whatever it was that killed it.
"""

from __future__ import annotations

import fcntl
import os
import signal
from collections.abc import Sequence
from contextlib import suppress

_MOST_BYTES = 1 << 16
_FAILED = 127


def note(lock: int, command: Sequence[str]) -> None:
    """Say how whoever holds the lock is called; with nothing, that it isn't wanted any more."""
    os.ftruncate(lock, 0)
    os.pwrite(lock, b"\0".join(map(os.fsencode, command)), 0)


def look(path: str) -> None:
    """Call it again if it was killed; quick when it wasn't.

    Args:
        path: of the lock.
    """
    with suppress(OSError):
        lock = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            command = os.read(lock, _MOST_BYTES).split(b"\0")
            if not command[0]:
                return
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        finally:
            os.close(lock)
        _call(command)


def _call(command: list[bytes]) -> None:
    """As nobody's child, since nobody waits for it."""
    between = os.fork()
    if between == 0:
        try:
            os.setsid()
            signal.pthread_sigmask(signal.SIG_SETMASK, ())
            if os.fork() == 0:
                os.execv(command[0], command)
        finally:
            os._exit(_FAILED)
    os.waitpid(between, 0)
