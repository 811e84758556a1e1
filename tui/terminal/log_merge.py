"""Logs of several containers as one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from heapq import heappop, heappush

from engine.errors import BoxdeckError
from engine.model import LogLine
from tui.terminal.log_shape import NamedLine

_WAITING_LINES = 1_000

Source = Callable[[str, bool, int | None], AsyncIterator[LogLine]]
"""The log of a container by its id; whether it is followed, and the time that it begins at."""


async def interleaved(names: Mapping[str, str], source: Source) -> AsyncIterator[LogLine]:
    """What containers wrote, in the order of time, and then what they go on writing, as it comes.

    Args:
        names: of the containers, by id.
    """
    columns = max(map(len, names.values()), default=0)
    places = {container_id: place for place, container_id in enumerate(names)}

    def named(line: LogLine, container_id: str) -> NamedLine:
        return NamedLine(
            at_unix_ns=line.at_unix_ns,
            stream=line.stream,
            data=line.data,
            name=names[container_id],
            place=places[container_id],
            name_columns=columns,
        )

    latest: dict[str, int | None] = dict.fromkeys(names)
    async for container_id, line in _in_order({each: source(each, False, None) for each in names}):
        latest[container_id] = line.at_unix_ns + 1
        yield named(line, container_id)

    arriving: asyncio.Queue[NamedLine] = asyncio.Queue(_WAITING_LINES)

    async def follow(container_id: str) -> None:
        try:
            async for line in source(container_id, True, latest[container_id]):
                await arriving.put(named(line, container_id))
        except BoxdeckError:
            return  # it was removed meanwhile: the others go on

    following = [asyncio.create_task(follow(container_id)) for container_id in names]
    try:
        while True:
            yield await arriving.get()
    finally:
        for task in following:
            task.cancel()


async def _in_order(logs: Mapping[str, AsyncIterator[LogLine]]) -> AsyncIterator[tuple[str, LogLine]]:
    """The lines of several logs by their times, with one of each in memory; whose it is comes with each."""
    waiting: list[tuple[int, int, LogLine, str]] = []

    async def take(place: int, container_id: str) -> None:
        async for line in logs[container_id]:
            heappush(waiting, (line.at_unix_ns, place, line, container_id))
            return

    for place, container_id in enumerate(logs):
        await take(place, container_id)
    while waiting:
        _, place, line, container_id = heappop(waiting)
        yield container_id, line
        await take(place, container_id)
