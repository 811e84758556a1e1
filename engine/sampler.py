"""The engine's one sampler: a look at all running containers per tick, and the snapshot for everybody who listens."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncGenerator, Callable, Collection, Iterator, Sequence
from contextlib import aclosing
from typing import Protocol

from engine.errors import BoxdeckError, InvalidRequest
from engine.host import HostReader
from engine.model import Container, ContainerSample, HostSample, Snapshot
from engine.survey import CounterReader, Survey

_SECOND_READING_SECONDS = 0.25  # rates need two readings: the second one follows the first soon
_LONGEST_SECONDS = 0.004  # for which a look keeps whoever shares the event loop waiting
_NONE: frozenset[str] = frozenset()
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


class Roster(Protocol):
    """Knows which containers run (`engine.lookup.Lookup`)."""

    @property
    def seen_running(self) -> Sequence[Container]:
        """Those that ran at the last look."""

    def look(self, doubtful: Collection[str]) -> Collection[str]:
        """Look again.

        Args:
            doubtful: ids of those that there was nothing to read of any more.

        Returns:
            The ids of those that have ended, which are to be swept.
        """

    async def sweep(self, ended: Collection[str]) -> None:
        """Remove those that asked for it at their end."""


class _Look:
    """One look at all containers that isn't through yet."""

    def __init__(self, due: float, containers: Sequence[Container], reading: Iterator[ContainerSample]) -> None:
        self.due = due
        self.began = time.monotonic()
        self.samples: dict[str, ContainerSample] = {}
        self._containers = containers
        self._reading = reading

    def go_on(self) -> bool:
        """Read for a few milliseconds; whether that was all."""
        pause_at = time.monotonic() + _LONGEST_SECONDS
        for sample in self._reading:
            self.samples[sample.container_id] = sample
            if time.monotonic() > pause_at:
                return False
        return True

    def missing(self) -> frozenset[str]:
        """The ids of the containers of which there was nothing to read."""
        if len(self.samples) == len(self._containers):
            return _NONE
        return frozenset([container.id for container in self._containers if container.id not in self.samples])


class Sampler:
    """Reads while somebody listens, and only then.

    A look never begins before the one before has ended. One that took longer than its interval costs those ticks
    that came due meanwhile: the next is on time again. All times are of the monotonic clock, which can't jump.

    A tick is the event loop's timer itself: what is cold after a second's sleep costs more than reading does, so no
    task is woken for it.

    Args:
        roster: which containers there are to read.
        cgroup_path: a container's cgroup, below the top of each hierarchy, such as ``/boxdeck/3f2a…``.
        open_counters: opens the reader of network counters; None for no network figures.
    """

    def __init__(
        self,
        roster: Roster,
        cgroup_path: Callable[[Container], str],
        open_counters: Callable[[], CounterReader] | None = None,
    ) -> None:
        self._roster = roster
        self._survey = Survey(cgroup_path, open_counters)
        self._host: HostReader | None = None
        self._listeners: set[_Listener] = set()
        self._next: asyncio.Handle | None = None  # what is called next: the tick that is awaited, or the rest of one
        self._is_looking = False
        self._shortest_seconds = math.inf
        self._sweeping: asyncio.Task[None] | None = None
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
            self._listeners_changed()

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
        self._end()
        if self._sweeping is not None:
            await self._sweeping

    def _listen(self, interval_seconds: float) -> _Listener:
        listener = _Listener(interval_seconds)
        if self._latest is not None and time.monotonic() - self._latest_at < interval_seconds:
            listener.offer(self._latest, self._latest_due)
        self._listeners.add(listener)
        self._listeners_changed()
        return listener

    def _listeners_changed(self) -> None:
        """Whoever comes or goes may change when the next tick is due; without anybody there is none."""
        if not self._listeners:
            self._end()
            return
        self._shortest_seconds = min([listener.interval_seconds for listener in self._listeners])
        if not self._is_looking:
            due = self._latest_due + self._interval() if self._latest is not None else 0.0
            if due > time.monotonic():
                self._await(due)
            else:
                self._call_off()
                self._next = asyncio.get_running_loop().call_soon(self._tick_now)

    def _await(self, due: float) -> None:
        """Have a tick come then, and no other."""
        self._call_off()
        self._next = asyncio.get_running_loop().call_at(due, self._tick, due)

    def _call_off(self) -> None:
        if self._next is not None:
            self._next.cancel()
            self._next = None

    def _tick_now(self) -> None:
        self._tick(time.monotonic())  # not when it was asked for: those that follow keep their distance to it

    def _tick(self, due: float) -> None:
        self._next, self._is_looking = None, True
        try:
            ended = self._roster.look(self._doubtful)
            if ended:
                self._sweeping = asyncio.create_task(self._sweep(ended, due))
            else:
                self._look(due)
        except Exception as error:
            self._end(error)

    async def _sweep(self, ended: Collection[str], due: float) -> None:
        """A tick for which something else is to be done first."""
        try:
            await self._roster.sweep(ended)
        except Exception as error:
            self._end(error)
        self._sweeping = None
        self._is_looking = bool(self._listeners)
        if self._is_looking:
            self._look(due)

    def _look(self, due: float) -> None:
        containers = self._roster.seen_running
        self._go_on(_Look(due, containers, self._survey.samples(containers)))

    def _go_on(self, look: _Look) -> None:
        """Read on; others run in between, when there are many containers."""
        try:
            if not look.go_on():
                self._next = asyncio.get_running_loop().call_soon(self._go_on, look)
                return
            self._publish(look)
        except Exception as error:
            self._end(error)
            return
        self._is_looking = False
        self._await(_following(look.due, self._interval(), time.monotonic()))

    def _publish(self, look: _Look) -> None:
        snapshot = Snapshot(
            taken_unix_ns=time.time_ns(),
            interval_seconds=look.began - self._latest_at if self._latest else 0.0,
            host=self._read_host(),
            containers=look.samples,
        )
        self._doubtful = look.missing()
        self._latest, self._latest_at, self._latest_due = snapshot, look.began, look.due
        for listener in self._listeners:
            listener.offer(snapshot, look.due)

    def _end(self, error: Exception | None = None) -> None:
        """Stop reading, let go of all files and end everybody's iteration."""
        self._call_off()
        self._is_looking = self._sweeping is not None
        for listener in self._listeners:
            listener.end(error)
        self._listeners.clear()
        self._survey.close()
        if self._host is not None:
            self._host.close()
            self._host = None
        self._latest, self._doubtful = None, frozenset()

    def _read_host(self) -> HostSample:
        if self._host is None:
            self._host = HostReader()
        return self._host.read(self._survey.devices)

    def _interval(self) -> float:
        shortest = self._shortest_seconds
        has_rates = self._latest is not None and self._latest.interval_seconds > 0
        return shortest if has_rates else min(shortest, _SECOND_READING_SECONDS)


def _following(due: float, interval_seconds: float, now: float) -> float:
    """When a tick is due next: a whole number of intervals later, and not at once after one that was late."""
    return due + interval_seconds * max(round((now - due) / interval_seconds) + 1, 1)
