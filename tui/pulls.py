"""Images on their way here: what was asked for, how far each layer is, and what became of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from enum import Enum

from engine.errors import BoxdeckError
from engine.jobs import Job
from engine.model import Image, Progress

Start = Callable[[Coroutine[object, object, None]], object]
Open = Callable[[str, str | None], Job[Image]]


class PullState(Enum):
    """What became of a pull."""

    RUNNING = "pulling"
    DONE = "pulled"
    CANCELLED = "cancelled"
    FAILED = "failed"


class Pull:
    """One pull.

    Attributes:
        parts: the latest word on each layer, in the order in which they began.
        whole: what is being done for the image as a whole, before there are layers.
        error: why it failed; empty otherwise.
        image: what was pulled.
        is_cancelling: whether it is to stop, which it does at the next piece that arrives.
    """

    def __init__(self, reference: str, platform: str | None, job: Job[Image]) -> None:
        self.reference, self.platform = reference, platform
        self.state = PullState.RUNNING
        self.is_cancelling = False
        self.parts: dict[str, Progress] = {}
        self.whole = ""
        self.error = ""
        self.image: Image | None = None
        self._job = job

    @property
    def is_running(self) -> bool:
        """Whether it goes on."""
        return self.state is PullState.RUNNING

    @property
    def has_failed(self) -> bool:
        """Whether it has ended without an image."""
        return self.state in (PullState.FAILED, PullState.CANCELLED)

    def cancel(self) -> None:
        """Stop it; what has arrived stays in the store for the next one."""
        self.is_cancelling = True
        self._job.cancel()

    async def follow(self, changed: Callable[[], None]) -> None:
        """Take in what it tells until its end."""
        try:
            async for progress in self._job:
                self._take(progress)
                changed()
            self.image = await self._job
            self.state = PullState.DONE
        except asyncio.CancelledError:
            self.state = PullState.CANCELLED
            ours = asyncio.current_task()
            if ours is not None and ours.cancelling():  # the app ends, and with it the pull
                await self._job.end()
                raise
        except BoxdeckError as error:
            self.state, self.error = PullState.FAILED, str(error)

    def _take(self, progress: Progress) -> None:
        if progress.part:
            self.parts[progress.part] = progress
        else:
            self.whole = progress.what


class Pulls:
    """One pull at a time, and the last one as long as somebody may want to go on with it.

    Args:
        pull: begins one.
        start: runs a coroutine beside everything else.
        changed: called when there is something new to paint.
        ended: called with one that has ended.
    """

    def __init__(self, pull: Open, start: Start, changed: Callable[[], None], ended: Callable[[Pull], None]) -> None:
        self._pull, self._start, self._changed, self._ended = pull, start, changed, ended
        self.latest: Pull | None = None

    @property
    def is_running(self) -> bool:
        """Whether an image is on its way."""
        return self.latest is not None and self.latest.is_running

    def begin(self, reference: str, platform: str | None = None) -> None:
        """Begin one; one that runs is cancelled for it."""
        self.cancel()
        pull = self.latest = Pull(reference, platform, self._pull(reference, platform))
        self._start(self._follow(pull))

    def cancel(self) -> None:
        """Stop the one that runs."""
        if self.latest is not None and self.latest.is_running:
            self.latest.cancel()

    def forget(self) -> None:
        """Speak no more of one that has ended."""
        if not self.is_running:
            self.latest = None

    async def _follow(self, pull: Pull) -> None:
        await pull.follow(self._changed)
        if pull.state is PullState.DONE and self.latest is pull:
            self.latest = None
        self._ended(pull)
        self._changed()
