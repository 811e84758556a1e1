"""What shims say of containers that have just been started or have just ended, taken over a moment later."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

from engine.errors import BoxdeckError

_SOON_SECONDS = 0.02


class Folding:
    """Writes down that a container runs when its start is through; one that has ended by then is written down once.

    Until then it is in the file of the container's shim, whoever is killed. Whoever looks at containers meanwhile takes
    over what shims say by himself.

    Args:
        fold: takes over the word of one container's shim.
    """

    def __init__(self, fold: Callable[[str], object]) -> None:
        self._fold = fold
        self._waiting: dict[str, asyncio.Handle] = {}

    def soon(self, container_id: str) -> None:
        """Take it over in a moment."""
        self.cancel(container_id)
        self._waiting[container_id] = asyncio.get_running_loop().call_later(_SOON_SECONDS, self._now, container_id)

    def next(self, container_id: str) -> None:
        """Take it over as soon as whoever runs at the moment waits for something."""
        self.cancel(container_id)
        self._waiting[container_id] = asyncio.get_running_loop().call_soon(self._now, container_id)

    def cancel(self, container_id: str) -> None:
        """Somebody else does."""
        handle = self._waiting.pop(container_id, None)
        if handle is not None:
            handle.cancel()

    def close(self) -> None:
        """Take over at once what still waits."""
        for container_id in tuple(self._waiting):
            self._waiting[container_id].cancel()
            self._now(container_id)

    def _now(self, container_id: str) -> None:
        del self._waiting[container_id]
        with suppress(BoxdeckError):  # whoever looks at the container next hears that the store can't be written
            self._fold(container_id)
