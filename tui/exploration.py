"""What is known of the layers of one image, or of one container: read in threads, kept for the next look."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, TypeVar

from engine.errors import BoxdeckError
from engine.jobs import Job
from engine.model import Layer, Sighting
from engine.model.layer import LayerFile
from tui.file_list import FileList

if TYPE_CHECKING:
    from engine.images.explorer import Explorer

Result = TypeVar("Result")
Start = Callable[[Coroutine[object, object, None]], object]

_RENEWAL_SECONDS = 2.0
_RENEWAL_SHARE = 25
"""Looking whether a container's layer has changed takes at most one part in so many of a processor."""


class Exploration:
    """Layers, and the files on top of one of them.

    Args:
        begin: begins to read them.
        start: runs a coroutine beside everything else.
        changed: called when there is something new to paint.
        is_live: whether the topmost layer is a container's own.

    Attributes:
        layers: the topmost first; None until they were read.
        efficiency: of all, from 0 to 1.
        layer: the number of the one whose files are listed; None for all together.
        files: those files.
        files_read: how many names were read so far.
        error: why it can't be read; empty otherwise.
    """

    def __init__(
        self, begin: Callable[[], Job[Explorer]], start: Start, changed: Callable[[], None], *, is_live: bool = False
    ) -> None:
        self._begin, self._start, self._changed, self._is_live = begin, start, changed, is_live
        self._explorer: Explorer | None = None
        self._job: Job[Explorer] | None = None
        self._alone = asyncio.Lock()  # one thread at a time
        self._looked_at, self._pause_seconds = 0.0, _RENEWAL_SECONDS
        self._is_looking = False
        self.layers: tuple[Layer, ...] | None = None
        self.efficiency = 1.0
        self.layer: int | None = None
        self.files = FileList()
        self.files_read = 0
        self.error = ""

    @property
    def is_live(self) -> bool:
        """Whether the topmost layer is a container's own."""
        return self._is_live

    # --- reading ---

    def begin(self) -> None:
        """Read the layers, unless that was done or is being done."""
        if self._explorer is None and self._job is None:
            self.error, self.files_read = "", 0
            self._job = self._begin()
            self._start(self._read(self._job))

    def cancel(self) -> None:
        """Read no further; what was read through stays."""
        if self._job is not None:
            self._job.cancel()

    async def _read(self, job: Job[Explorer]) -> None:
        try:
            async for progress in job:
                self.files_read = progress.done
                self._changed()
            self._explorer = await job
            await self._look_through(self._explorer)
        except asyncio.CancelledError:
            ours = asyncio.current_task()
            if ours is not None and ours.cancelling():  # and not the job alone
                job.cancel()
                raise
        except (BoxdeckError, OSError) as error:
            self._fail(error)
        finally:
            self._job = None
        self._changed()

    async def _look_through(self, explorer: Explorer) -> None:
        layers, self.efficiency = await self._in_thread(lambda: (explorer.layers(), explorer.efficiency))
        self.layers = layers[::-1]
        if self._is_live and self.layer is None:
            self.layer = len(layers)
            self.files.only_changes = True
        await self._list(explorer)

    def _fail(self, error: BoxdeckError | OSError) -> None:
        self._explorer, self.layers = None, None
        said = str(error) if isinstance(error, BoxdeckError) else f"the layers can't be read ({error.strerror})"
        self.error = said

    # --- looking ---

    def choose(self, layer: int | None) -> None:
        """List the files on top of a layer, with what it does to them."""
        if layer != self.layer and self._explorer is not None:
            self.layer = layer
            self._start(self._guarded(self._list(self._explorer)))

    def look(self) -> None:
        """Somebody looks: see now and then whether a container has changed its layer."""
        due = time.monotonic() - self._looked_at >= self._pause_seconds
        if self._is_live and due and not self._is_looking and self._explorer is not None:
            self._is_looking = True
            self._start(self._guarded(self._renew(self._explorer)))

    def sightings(self, path: str) -> tuple[Sighting, ...]:
        """What layers have done to a path, the topmost first."""
        return self._explorer.stack.sightings(path) if self._explorer is not None else ()

    async def _guarded(self, work: Coroutine[object, object, None]) -> None:
        try:
            await work
        except (BoxdeckError, OSError) as error:
            self._fail(error)
        self._changed()

    async def _list(self, explorer: Explorer) -> None:
        wanted = self.layer
        root: LayerFile = await self._in_thread(lambda: explorer.files(wanted))
        if wanted == self.layer:
            self.files.take(root)

    async def _renew(self, explorer: Explorer) -> None:
        began = time.monotonic()
        try:
            if await self._in_thread(explorer.renew):
                await self._look_through(explorer)
        finally:
            self._looked_at, self._is_looking = time.monotonic(), False
            self._pause_seconds = max(_RENEWAL_SECONDS, (self._looked_at - began) * _RENEWAL_SHARE)

    async def _in_thread(self, work: Callable[[], Result]) -> Result:
        async with self._alone:
            return await asyncio.to_thread(work)
