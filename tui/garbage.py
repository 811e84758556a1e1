"""When Python looks for garbage that refers to itself: a full look takes long, and keys would wait for it."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_NEVER = 1_000_000_000
_LOOK_SECONDS = 10.0
_QUIET_SECONDS = 5.0
"""Whoever hasn't pressed a key for so long is reading, or has gone."""

_LONGEST_SECONDS = 600.0
"""Garbage waits for a pause this long at most."""

_ENOUGH = 10
"""So many looks at younger things make one at all worth while: Python's own measure."""


class Garbage:
    """Has full looks made in pauses alone; younger things, which take little, are looked at as always.

    Args:
        now: seconds of a clock that only goes forward.

    Attributes:
        is_last: whether the process ends with the app: nothing is looked for at its end then, which would take as long
            as all that was put off.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._touched_at = self._collected_at = now()
        self._is_frozen = False
        self.is_last = False

    def touch(self) -> None:
        """Somebody pressed a key or moved the mouse."""
        self._touched_at = self._now()

    def look(self) -> bool:
        """Collect if it is time; whether it was."""
        now = self._now()
        is_quiet = now - self._touched_at >= _QUIET_SECONDS
        if gc.get_count()[2] < _ENOUGH or not (is_quiet or now - self._collected_at >= _LONGEST_SECONDS):
            return False
        gc.collect()
        if not self._is_frozen:
            gc.freeze()  # screens, style sheets and modules: they stay, and needn't be looked at again
            self._is_frozen = True
        self._collected_at = now
        return True

    async def follow(self) -> None:
        """Look every now and then, until cancelled."""
        with self._only_when_asked():
            while True:
                await asyncio.sleep(_LOOK_SECONDS)
                self.look()

    @contextmanager
    def _only_when_asked(self) -> Iterator[None]:
        """No full look of Python's own."""
        young, middle, old = gc.get_threshold()
        gc.set_threshold(young, middle, _NEVER)
        try:
            yield
        finally:
            if not self.is_last:
                gc.set_threshold(young, middle, old)
                gc.unfreeze()
