"""Long work: an async iterator of progress that is also awaitable for its result."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from typing import Generic, TypeVar

from engine.model import Progress

Result = TypeVar("Result")
Report = Callable[[Progress], None]


class Job(Generic[Result]):
    """Work in progress.

    ``await job`` gives the result. ``async for progress in job`` gives what happens meanwhile, and ends
    when the work ends; await the job afterwards for its result or its error. `cancel` stops it.

    Args:
        work: called once with a function that reports progress; may be called from any thread.
    """

    def __init__(self, work: Callable[[Report], Awaitable[Result]]) -> None:
        self._loop = asyncio.get_running_loop()
        self._queue: asyncio.Queue[Progress | None] = asyncio.Queue()
        self._task = asyncio.ensure_future(self._run(work))

    async def _run(self, work: Callable[[Report], Awaitable[Result]]) -> Result:
        try:
            return await work(self._report)
        finally:
            self._queue.put_nowait(None)

    def _report(self, progress: Progress) -> None:
        self._loop.call_soon_threadsafe(self._queue.put_nowait, progress)

    def cancel(self) -> None:
        """Ask the work to stop; awaiting the job then raises `asyncio.CancelledError`."""
        self._task.cancel()

    async def end(self) -> None:
        """Ask the work to stop, and wait until it has undone what is half done."""
        self._task.cancel()
        await asyncio.wait([self._task])
        if not self._task.cancelled():
            self._task.exception()  # seen

    def __await__(self) -> Generator[object, None, Result]:
        return self._task.__await__()

    async def __aiter__(self) -> AsyncIterator[Progress]:
        while (progress := await self._queue.get()) is not None:
            yield progress
