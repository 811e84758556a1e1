"""What keys do to several containers at once: what is asked before, and what is left out."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import NamedTuple

from engine.model import Container, State

_NAMES_SHOWN = 12
_AT_ONCE = 8


class Bulk(NamedTuple):
    """A verb for several containers.

    Attributes:
        lost: what goes with it, in a sentence.
        suits: which containers it can be done to; others are left out.
        unfit: what those others are.
        loses: whether anything is lost.
    """

    verb: str
    lost: str
    suits: Callable[[Container], bool]
    unfit: str = ""
    loses: bool = True


def _runs(container: Container) -> bool:
    return container.is_running


def _goes(container: Container) -> bool:
    return container.state is State.RUNNING


BULKS = {
    "stop": Bulk("stop", "What their processes haven't written after ten seconds is lost.", _runs, "not running"),
    "start": Bulk("start", "Nothing is lost.", lambda each: not each.is_running, "running already", loses=False),
    "restart": Bulk("restart", "What their processes hold in memory is lost.", lambda _: True),
    "pause": Bulk("pause", "Nothing is lost; they answer nobody until they go on.", _goes, "not running", loses=False),
    "unpause": Bulk("unpause", "Nothing is lost.", lambda each: each.state is State.PAUSED, "not paused", loses=False),
    "kill": Bulk("kill", "Their processes end at once; what they haven't written is lost.", _runs, "not running"),
    "remove": Bulk(
        "remove", "Everything that was written in them is removed with them; those that run are killed.", lambda _: True
    ),
}


def wanted(verb: str, containers: Sequence[Container]) -> Bulk:
    """The verb for these; pausing what is paused already is letting it go on."""
    is_resumed = verb == "pause" and not any(each.state is State.RUNNING for each in containers)
    return BULKS["unpause" if is_resumed else verb]


async def at_once(works: Iterable[Awaitable[None]]) -> None:
    """Do several things together, but no more than a few at a time."""
    gate = asyncio.Semaphore(_AT_ONCE)

    async def one(work: Awaitable[None]) -> None:
        async with gate:
            await work

    await asyncio.gather(*map(one, works))


def suitable(bulk: Bulk, containers: Sequence[Container]) -> tuple[Container, ...]:
    """Those that it can be done to."""
    return tuple(filter(bulk.suits, containers))


def question(bulk: Bulk, containers: Sequence[Container], left_out: Sequence[Container] = ()) -> str:
    """Which containers, which of the marked aren't among them, and what is lost."""
    others = f"\n\nLeft out, as {bulk.unfit}: {_names(left_out)}." if left_out else ""
    return f"{_names(containers)}.{others}\n\n{bulk.lost}"


def refusal(bulk: Bulk, left_out: Sequence[Container]) -> str:
    """Why it can be done to none of those that are marked."""
    return f"There is nothing to {bulk.verb}, as {bulk.unfit}: {_names(left_out)}."


def _names(containers: Sequence[Container]) -> str:
    more = f" and {len(containers) - _NAMES_SHOWN} more" if len(containers) > _NAMES_SHOWN else ""
    return f"{', '.join(each.name for each in containers[:_NAMES_SHOWN])}{more}"
