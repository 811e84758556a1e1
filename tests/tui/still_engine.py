"""A made-up engine that stands still: the same state at the same moment, however often and wherever one looks."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import pytest

from engine.model import LogLine, Snapshot
from tests.tui import fake_engine, fake_images
from tests.tui.fake_engine import FakeEngine, crowd

MOMENT_NS = 1_768_478_400 * 10**9  # 2026-01-15 12:00:00 UTC
_TICKS = 75
_LINES = 60


@contextmanager
def stopped_clock() -> Iterator[None]:
    """The wall clock says `MOMENT_NS`, in UTC, for as long as this lasts; the monotonic one goes on."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", "UTC")
        time.tzset()
        patch.setattr(time, "time_ns", lambda: MOMENT_NS)
        patch.setattr(time, "time", lambda: MOMENT_NS / 1e9)
        patch.setattr(fake_engine, "NOW", MOMENT_NS)
        patch.setattr(fake_images, "NOW", MOMENT_NS)
        yield
    time.tzset()


class StillEngine(FakeEngine):
    """The crowd after 75 seconds, and nothing happens any more."""

    def __init__(self) -> None:
        super().__init__(*crowd())
        self.containers.logs = _logs  # type: ignore[method-assign]

    async def samples(self, interval_seconds: float = 1.0) -> AsyncIterator[Snapshot]:
        for tick in range(_TICKS):
            yield self._snapshot(tick)
        await asyncio.Event().wait()


async def _logs(
    reference: str, follow: bool = False, tail: int | None = None, since_unix_ns: int | None = None
) -> AsyncIterator[LogLine]:
    for number in range(_LINES):
        text = f"\x1b[32mGET\x1b[0m /index-{number}.html \x1b[1m200\x1b[0m 12 ms"
        at_unix_ns = MOMENT_NS - (_LINES - number) * 10**9
        yield LogLine(at_unix_ns=at_unix_ns, stream="stdout" if number % 9 else "stderr", data=text.encode())
    if follow:
        await asyncio.Event().wait()
