"""One engine at a time may choose a subnet in a network namespace, whatever root it works on."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

# An abstract socket (unix(7)) is a lock with exactly the scope of a subnet: the network namespace. It leaves
# nothing on disk and dies with its owner.
_NAME = b"\0boxdeck-subnets"
_PATIENCE_SECONDS = 3.0
_PAUSE_SECONDS = 0.005


@asynccontextmanager
async def subnets_claimed() -> AsyncIterator[None]:
    """Hold the lock. Whoever can't have it in three seconds goes on without: any user may bind an abstract name."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as lock:
        while not _taken(lock) and time.monotonic() < deadline:
            await asyncio.sleep(_PAUSE_SECONDS)
        yield


def _taken(lock: socket.socket) -> bool:
    try:
        lock.bind(_NAME)
    except OSError:
        return False
    return True
