"""What containers used before the app came, as it was recorded: read once each, nearest to the eye first."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence

from engine.errors import BoxdeckError
from engine.model.history import History as Recorded
from tui.history import History

_PAUSE_SECONDS = 0.02
"""Between two containers, so that keys are answered meanwhile."""


class Backfill:
    """Fills curves in that would be empty when the app opens.

    Args:
        history: what is filled.
        read: a container's recorded past.
        start: runs a coroutine beside everything else.
        changed: called when there is more to paint.
    """

    def __init__(
        self,
        history: History,
        read: Callable[[str], Awaitable[Recorded]],
        start: Callable[[Coroutine[object, object, None]], object],
        changed: Callable[[], None],
    ) -> None:
        self._history, self._read, self._start, self._changed = history, read, start, changed
        self._wanted: Sequence[str] = ()
        self._is_reading = False

    def look(self, container_ids: Sequence[str]) -> None:
        """These are in sight, the most important one first; what isn't known of them yet comes soon."""
        self._wanted = container_ids
        if not self._is_reading and self._next() is not None:
            self._is_reading = True
            self._start(self._fill())

    def _next(self) -> str | None:
        return next((each for each in self._wanted if not self._history.is_filled(each)), None)

    async def _fill(self) -> None:
        try:
            while (container_id := self._next()) is not None:
                self._history.fill(container_id, await self._recorded(container_id))
                self._changed()
                await asyncio.sleep(_PAUSE_SECONDS)
        finally:
            self._is_reading = False

    async def _recorded(self, container_id: str) -> Recorded | None:
        try:
            return await self._read(container_id)
        except BoxdeckError:  # it has gone meanwhile
            return None
