"""An app that is open all day takes no more memory in the evening than in the morning."""

from __future__ import annotations

import ctypes
import gc
import time
from pathlib import Path

import pytest
from msgspec.structs import replace

from engine.model import Event
from tests.tui.driving import Desk, desk
from tests.tui.fake_engine import FakeEngine, crowd
from tui.messages import Happened, Sampled

pytestmark = pytest.mark.alone

HOUR_TICKS = 3_600
WARM_UP_TICKS, PAINTED_TICKS = 30, 120
"""Every how many the screen is painted: more often at first, so that what is kept of drawings is there."""

MOST_BYTES = 6 * 2**20
"""Minutes of the last day are kept, and heaps have holes: 1 to 4 MiB were seen; a history without a bound takes 23."""

MOST_OBJECTS = 10_000
"""Caches of what was drawn fill up to their bounds; one object a tick would be 25,200."""


async def live_through(at: Desk, engine: FakeEngine, first_tick: int, ticks: int, painted: int) -> None:
    """So many seconds, each with other numbers, some with an event or another container selected."""
    begun_unix_ns = time.time_ns()
    for tick in range(first_tick, first_tick + ticks):
        snapshot = replace(engine._snapshot(tick), taken_unix_ns=begun_unix_ns + tick * 10**9)
        if tick % painted:
            at.app.deck.take_snapshot(snapshot)
            continue
        at.app.post_message(Sampled(snapshot))
        event = Event(
            revision=tick, at_unix_ns=snapshot.taken_unix_ns, kind="container", action="exec", subject="x", name="web"
        )
        at.app.post_message(Happened((event,)))
        at.app.deck.move(1 if tick // painted % 8 < 4 else -1)
        await at.pilot.pause()


def held() -> tuple[int, int]:
    """Objects, and bytes of the process without what the allocator keeps for later."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    pages = Path("/proc/self/statm").read_text().split()[1]
    return len(gc.get_objects()), int(pages) * 4096


@pytest.mark.slow
async def test_memory_is_flat_over_eight_hours() -> None:
    """Slow since it is 28,800 ticks, a minute of work."""
    engine = FakeEngine(*crowd())
    async with desk(engine, size=(200, 60)) as at:
        await live_through(at, engine, 1_000, HOUR_TICKS, WARM_UP_TICKS)
        objects, resident = held()
        await live_through(at, engine, 1_000 + HOUR_TICKS, 7 * HOUR_TICKS, PAINTED_TICKS)
        later_objects, later_resident = held()
        assert later_objects - objects < MOST_OBJECTS
        assert later_resident - resident < MOST_BYTES
