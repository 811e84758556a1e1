"""The engine's one sampler: a look at all running containers per tick, and the snapshot for everybody who listens."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing

import psutil

from engine.errors import BoxdeckError
from engine.model import Container, HostSample, Snapshot
from engine.survey import CounterReader, Survey

_SECOND_READING_SECONDS = 0.25  # rates need two readings: the second one follows the first soon
_EARLY_SHARE = 0.1  # of its interval by which a listener takes a snapshot that comes too early


class _Listener:
    """One consumer of snapshots: has room for the newest one only, so a slow consumer misses some and delays nobody."""

    def __init__(self, interval_seconds: float) -> None:
        self.interval_seconds = interval_seconds
        self._arrived = asyncio.Event()
        self._newest: Snapshot | None = None
        self._error: Exception | None = None
        self._ended = False
        self._due = 0.0
        self._rates_seen = False

    def offer(self, snapshot: Snapshot, tick_at: float) -> None:
        """Take a snapshot if its tick is due for this consumer; what comes before the first rates is always taken."""
        if self._rates_seen and tick_at < self._due - self.interval_seconds * _EARLY_SHARE:
            return
        self._rates_seen = snapshot.interval_seconds > 0
        self._due = tick_at + self.interval_seconds
        self._newest = snapshot
        self._arrived.set()

    def end(self, error: Exception | None = None) -> None:
        """Nothing more comes; the consumer gets the error, if there is one."""
        self._error, self._ended = error, True
        self._arrived.set()

    async def next(self) -> Snapshot | None:
        """The newest snapshot, once there is one that wasn't handed out; None after the end."""
        await self._arrived.wait()
        self._arrived.clear()
        if self._error is not None:
            raise self._error
        return None if self._ended else self._newest


class Sampler:
    """Reads while somebody listens, and only then.

    Args:
        list_running: the running containers.
        cgroup_path: a container's cgroup, below the top of each hierarchy, such as ``/boxdeck/3f2a…``.
        open_counters: opens the reader of network counters; None for no network figures.
    """

    def __init__(
        self,
        list_running: Callable[[], Awaitable[Sequence[Container]]],
        cgroup_path: Callable[[Container], str],
        open_counters: Callable[[], CounterReader] | None = None,
    ) -> None:
        self._list_running = list_running
        self._survey = Survey(cgroup_path, open_counters)
        self._listeners: set[_Listener] = set()
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._latest: Snapshot | None = None
        self._latest_at = 0.0

    async def samples(self, interval_seconds: float = 1.0) -> AsyncGenerator[Snapshot, None]:
        """A snapshot per interval, for as long as the caller iterates.

        The first comes at once, and when nobody else is listening it has no rates yet and an `interval_seconds`
        of 0; the next follows after a quarter of a second at most. All listeners share one look at the kernel,
        at the shortest interval that anybody wants.

        Raises:
            BoxdeckError: the containers can't be listed.
        """
        listener = self._listen(interval_seconds)
        try:
            while (snapshot := await listener.next()) is not None:
                yield snapshot
        finally:
            self._listeners.discard(listener)
            self._changed.set()

    async def once(self) -> Snapshot:
        """One snapshot with rates: over a quarter of a second when nobody else is listening.

        Raises:
            BoxdeckError: the containers can't be listed.
        """
        async with aclosing(self.samples(_SECOND_READING_SECONDS)) as snapshots:
            async for snapshot in snapshots:
                if snapshot.interval_seconds > 0:
                    return snapshot
        raise BoxdeckError("the engine was closed while it took a sample")

    async def close(self) -> None:
        """Stop reading and end everybody's iteration."""
        for listener in self._listeners:
            listener.end()
        self._listeners.clear()
        self._changed.set()
        if self._task is not None:
            await self._task

    def _listen(self, interval_seconds: float) -> _Listener:
        listener = _Listener(interval_seconds)
        if self._latest is not None and time.monotonic() - self._latest_at < interval_seconds:
            listener.offer(self._latest, self._latest_at)
        self._listeners.add(listener)
        self._changed.set()
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())
        return listener

    async def _run(self) -> None:
        try:
            while self._listeners:
                began = time.monotonic()
                await self._tick(began)
                await self._pause(began)
        except Exception as error:
            for listener in self._listeners:
                listener.end(error)
        finally:
            self._survey.close()
            self._latest = None

    async def _tick(self, began: float) -> None:
        containers = await self._list_running()
        snapshot = Snapshot(
            taken_unix_ns=time.time_ns(),
            interval_seconds=began - self._latest_at if self._latest else 0.0,
            host=_host(),
            containers=self._survey.look(containers),
        )
        self._latest, self._latest_at = snapshot, began
        for listener in tuple(self._listeners):
            listener.offer(snapshot, began)

    async def _pause(self, began: float) -> None:
        """Sleep until the next tick is due; whoever comes or goes meanwhile may change when that is."""
        while self._listeners and (seconds := began + self._interval() - time.monotonic()) > 0:
            self._changed.clear()
            try:
                await asyncio.wait_for(self._changed.wait(), seconds)
            except TimeoutError:
                return

    def _interval(self) -> float:
        shortest = min(listener.interval_seconds for listener in self._listeners)
        has_rates = self._latest is not None and self._latest.interval_seconds > 0
        return shortest if has_rates else min(shortest, _SECOND_READING_SECONDS)


def _host() -> HostSample:
    memory = psutil.virtual_memory()
    return HostSample(
        cpu_percent=psutil.cpu_percent(interval=None),
        processors=os.cpu_count() or 1,
        memory_used_bytes=memory.total - memory.available,
        memory_total_bytes=memory.total,
    )
