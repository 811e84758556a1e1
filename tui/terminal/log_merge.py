"""Logs of several containers as one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping

from engine.errors import BoxdeckError
from engine.model import LogLine
from tui.terminal.log_shape import NamedLine

_WAITING_LINES = 1_000

Source = Callable[[str, bool, int | None], AsyncIterator[LogLine]]
"""The log of a container by its id; whether it is followed, and the time that it begins at."""


async def interleaved(names: Mapping[str, str], source: Source) -> AsyncIterator[LogLine]:
    """What containers wrote lately, in the order of time, and then what they go on writing, as it comes.

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

    past: list[NamedLine] = []
    latest: dict[str, int | None] = dict.fromkeys(names)
    for container_id in names:
        async for line in source(container_id, False, None):
            past.append(named(line, container_id))
            latest[container_id] = line.at_unix_ns + 1
    for each in sorted(past, key=lambda line: line.at_unix_ns):
        yield each

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
