"""What the app does before it shows something, and while nobody looks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from textual import events
from textual.message import Message

from engine.config import places
from engine.config.model import Config
from engine.model import Snapshot
from tests.tui.driving import PATIENCE_SECONDS, desk
from tests.tui.fake_engine import FakeEngine, crowd
from tui import live
from tui.live import Live, Sight
from tui.messages import ContainersRead, Sampled


class _Noting(FakeEngine):
    """Notes how often numbers are wanted, and who is listening."""

    def __init__(self, *containers: object) -> None:
        super().__init__(*containers)  # type: ignore[arg-type]
        self.intervals: list[float] = []
        self.listening = 0

    async def samples(self, interval_seconds: float = 1.0) -> AsyncIterator[Snapshot]:
        self.intervals.append(interval_seconds)
        self.listening += 1
        try:
            async for snapshot in super().samples(interval_seconds):
                yield snapshot
        finally:
            self.listening -= 1


async def test_numbers_are_read_seldom_while_another_window_has_the_focus_and_at_once_when_it_is_back() -> None:
    engine = _Noting(*crowd())
    async with desk(engine) as at:
        assert engine.intervals == [1.0]
        at.app.post_message(events.AppBlur())
        await at.until(lambda: engine.intervals == [1.0, 10.0] and engine.listening == 1)
        at.app.post_message(events.AppFocus())
        await at.until(lambda: engine.intervals == [1.0, 10.0, 1.0] and engine.listening == 1)
        shown = at.app.deck.snapshot
        await at.until(lambda: at.app.deck.snapshot is not shown)


async def test_how_often_is_a_setting() -> None:
    own = places.own_file()
    own.parent.mkdir(parents=True)
    engine = _Noting(*crowd())
    async with desk(engine, config=Config(interval_seconds=5, unfocused_interval_seconds=0)) as at:
        assert engine.intervals == [5]
        at.app.post_message(events.AppBlur())
        await at.until(lambda: engine.listening == 0)
        at.app.post_message(events.AppFocus())
        await at.until(lambda: engine.intervals == [5, 5] and engine.listening == 1)
        own.write_text("interval_seconds = 2\n")
        await at.until(lambda: engine.intervals == [5, 5, 2] and engine.listening == 1)


async def test_nothing_is_measured_before_the_list_of_containers_is_painted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "_PAINT_SECONDS", 60.0)
    engine, posted = _Noting(*crowd()), list[Message]()
    news = Live(engine, posted.append, lambda: Sight.NONE, lambda: False)  # type: ignore[arg-type]
    loops = [asyncio.ensure_future(loop()) for loop in news.loops().values()]
    await asyncio.sleep(0.2)
    assert [type(each) for each in posted] == [ContainersRead]
    assert engine.intervals == []
    news.note_frame()
    async with asyncio.timeout(PATIENCE_SECONDS):
        while Sampled not in map(type, posted):
            await asyncio.sleep(0.01)
    for loop in loops:
        loop.cancel()
