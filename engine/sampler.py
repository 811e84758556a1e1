"""The engine's one sampler: a look at all running containers per tick, and the snapshot for everybody who listens."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Sequence
from contextlib import aclosing

from engine.errors import BoxdeckError, InvalidRequest
from engine.host import HostReader
from engine.model import Container, ContainerSample, HostSample, Snapshot
from engine.survey import CounterReader, Survey

_SECOND_READING_SECONDS = 0.25  # rates need two readings: the second one follows the first soon
_LONGEST_SECONDS = 0.004  # for which a look keeps whoever shares the event loop waiting
_EARLY_SHARE = 0.1  # of its interval by which a listener takes a snapshot that comes too early


class _Listener:
    """One consumer of snapshots: has room for the newest one only, so a slow consumer misses some and delays nobody."""

    def __init__(self, interval_seconds: float) -> None:
        self.interval_seconds = interval_seconds
        self._waits: asyncio.Future[None] | None = None
        self._newest: Snapshot | None = None
        self._error: Exception | None = None
        self._ended = False
        self._due = 0.0
        self._rates_seen = False

    def offer(self, snapshot: Snapshot, due: float) -> None:
        """Take the snapshot of a tick that was due then, if it is for this consumer, too.

        What comes before the first rates is always taken.
        """
        if self._rates_seen and due < self._due - self.interval_seconds * _EARLY_SHARE:
            return
        self._rates_seen = snapshot.interval_seconds > 0
        self._due = due + self.interval_seconds
        self._newest = snapshot
        self._wake()

    def end(self, error: Exception | None = None) -> None:
        """Nothing more comes; the consumer gets the error, if there is one."""
        self._error, self._ended = error, True
        self._wake()

    async def next(self) -> Snapshot | None:
        """The newest snapshot, once there is one that wasn't handed out; None after the end."""
        if self._newest is None and not self._ended:
            self._waits = asyncio.get_running_loop().create_future()
            await self._waits
        if self._error is not None:
            raise self._error
        newest, self._newest = self._newest, None
        return None if self._ended else newest

    def _wake(self) -> None:
        if self._waits is not None and not self._waits.done():
            self._waits.set_result(None)


class Sampler:
    """Reads while somebody listens, and only then.

    A look never begins before the one before has ended. One that took longer than its interval costs those ticks
    that came due meanwhile: the next is on time again. All times are of the monotonic clock, which can't jump.

    Args:
        list_running: the running containers, when told of which ones there was nothing to read at the last look.
        cgroup_path: a container's cgroup, below the top of each hierarchy, such as ``/boxdeck/3f2a…``.
        open_counters: opens the reader of network counters; None for no network figures.
    """

    def __init__(
        self,
        list_running: Callable[[Collection[str]], Awaitable[Sequence[Container]]],
        cgroup_path: Callable[[Container], str],
        open_counters: Callable[[], CounterReader] | None = None,
    ) -> None:
        self._list_running = list_running
        self._survey = Survey(cgroup_path, open_counters)
        self._host: HostReader | None = None
        self._listeners: set[_Listener] = set()
        self._pause_ends: asyncio.Future[None] | None = None
        self._task: asyncio.Task[None] | None = None
        self._latest: Snapshot | None = None
        self._latest_at = 0.0
        self._latest_due = 0.0
        self._doubtful: frozenset[str] = frozenset()

    async def samples(self, interval_seconds: float = 1.0) -> AsyncGenerator[Snapshot, None]:
        """A snapshot per interval, for as long as the caller iterates.

        The first comes at once, and when nobody else is listening it has no rates yet and an `interval_seconds`
        of 0; the next follows after a quarter of a second at most. All listeners share one look at the kernel,
        at the shortest interval that anybody wants.

        Raises:
            InvalidRequest: the interval isn't longer than nothing.
            BoxdeckError: the containers can't be listed.
        """
        if not 0 < interval_seconds < math.inf:
            raise InvalidRequest(f"an interval can't be {interval_seconds} seconds", "give one above 0, such as 1")
        listener = self._listen(interval_seconds)
        try:
            while (snapshot := await listener.next()) is not None:
                yield snapshot
        finally:
            self._listeners.discard(listener)
            self._end_pause()

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
        self._end_pause()
        if self._task is not None:
            await self._task

    def _listen(self, interval_seconds: float) -> _Listener:
        listener = _Listener(interval_seconds)
        if self._latest is not None and time.monotonic() - self._latest_at < interval_seconds:
            listener.offer(self._latest, self._latest_due)
        self._listeners.add(listener)
        self._end_pause()
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())
        return listener

    async def _run(self) -> None:
        try:
            due = time.monotonic()
            while self._listeners:
                await self._tick(due)
                due = await self._pause(due) if self._listeners else due
        except Exception as error:
            for listener in self._listeners:
                listener.end(error)
        finally:
            self._let_go()
            self._latest, self._doubtful = None, frozenset()

    def _let_go(self) -> None:
        self._survey.close()
        if self._host is not None:
            self._host.close()
            self._host = None

    async def _tick(self, due: float) -> None:
        began = time.monotonic()
        containers = await self._list_running(self._doubtful)
        samples = await self._look(containers)
        self._doubtful = frozenset(container.id for container in containers if container.id not in samples)
        snapshot = Snapshot(
            taken_unix_ns=time.time_ns(),
            interval_seconds=began - self._latest_at if self._latest else 0.0,
            host=self._read_host(),
            containers=samples,
        )
        self._latest, self._latest_at, self._latest_due = snapshot, began, due
        for listener in tuple(self._listeners):
            listener.offer(snapshot, due)

    async def _look(self, containers: Sequence[Container]) -> dict[str, ContainerSample]:
        """A sample of each container that is there, by id; others run in between, when there are many."""
        samples: dict[str, ContainerSample] = {}
        pause_at = time.monotonic() + _LONGEST_SECONDS
        for sample in self._survey.samples(containers):
            samples[sample.container_id] = sample
            if time.monotonic() > pause_at:
                await asyncio.sleep(0)
                pause_at = time.monotonic() + _LONGEST_SECONDS
        return samples

    def _read_host(self) -> HostSample:
        if self._host is None:
            self._host = HostReader()
        return self._host.read(self._survey.devices)

    async def _pause(self, due: float) -> float:
        """Sleep until a tick is due; whoever comes or goes meanwhile may change when that is.

        Args:
            due: when the last tick was.

        Returns:
            When this one was due: ticks keep their distance, however late each of them begins.
        """
        following = _following(due, self._interval(), time.monotonic())
        while self._listeners:
            if await self._is_quiet_until(following):
                return following
            following = due + self._interval() if self._listeners else due
            if following < time.monotonic():  # somebody came who wants it sooner
                return time.monotonic()
        return due

    async def _is_quiet_until(self, following: float) -> bool:
        """Sleep until a time of the monotonic clock, or until a listener comes or goes: False then.

        By a timer of our own: asyncio.timeout is dearer, since it ends the sleep by an exception.
        """
        loop = asyncio.get_running_loop()
        self._pause_ends = loop.create_future()
        alarm = loop.call_at(following, self._end_pause)
        try:
            await self._pause_ends
        finally:
            alarm.cancel()
        return time.monotonic() >= following

    def _end_pause(self) -> None:
        if self._pause_ends is not None and not self._pause_ends.done():
            self._pause_ends.set_result(None)

    def _interval(self) -> float:
        shortest = min(listener.interval_seconds for listener in self._listeners)
        has_rates = self._latest is not None and self._latest.interval_seconds > 0
        return shortest if has_rates else min(shortest, _SECOND_READING_SECONDS)


def _following(due: float, interval_seconds: float, now: float) -> float:
    """When a tick is due next: a whole number of intervals later, and not at once after one that was late."""
    return due + interval_seconds * max(round((now - due) / interval_seconds) + 1, 1)
