"""Logs as a person sees them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from time import perf_counter, process_time

import pytest
from textual.app import App, ComposeResult
from textual.color import Color
from textual.geometry import Offset
from textual.pilot import Pilot
from textual.screen import Screen
from textual.selection import Selection
from textual.strip import Strip

from engine.errors import NotFound
from engine.model import LogLine, StreamName
from tui.widgets import log_rows
from tui.widgets.log_view import LogView

pytestmark = pytest.mark.alone

PATIENCE_SECONDS = 8
MIDNIGHT_UNIX_NS = int(time.mktime((2026, 1, 2, 3, 4, 5, 0, 0, -1))) * 1_000_000_000


def line(text: str, stream: StreamName = "stdout", milliseconds: int = 0) -> LogLine:
    return LogLine(at_unix_ns=MIDNIGHT_UNIX_NS + milliseconds * 1_000_000, stream=stream, data=text.encode())


async def source(*lines: LogLine) -> AsyncIterator[LogLine]:
    for each in lines:
        yield each


async def numbers(count: int) -> AsyncIterator[LogLine]:
    for number in range(count):
        yield line(f"line {number}")


class Fed:
    """A source that the test feeds while it is followed."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[LogLine] = asyncio.Queue()
        self.closed = False

    async def lines(self) -> AsyncIterator[LogLine]:
        try:
            while True:
                yield await self.queue.get()
        finally:
            self.closed = True

    def write(self, *texts: str) -> None:
        for text in texts:
            self.queue.put_nowait(line(text))


class Desk(App[None]):
    def compose(self) -> ComposeResult:
        yield LogView()

    @property
    def view(self) -> LogView:
        return self.query_one(LogView)


@asynccontextmanager
async def desk(size: tuple[int, int] = (40, 10)) -> AsyncIterator[tuple[LogView, Pilot[None]]]:
    app = Desk()
    async with app.run_test(size=size) as pilot:
        app.view.focus()
        yield app.view, pilot


def rows(view: LogView) -> list[str]:
    return [view.render_line(y).text.rstrip() for y in range(view.size.height)]


async def until(pilot: Pilot[None], view: LogView, condition: Callable[[], bool]) -> None:
    for _ in range(int(PATIENCE_SECONDS / 0.02)):
        await pilot.pause(0.02)
        if condition():
            return
    raise AssertionError("\n".join(rows(view)))


async def test_an_empty_log_says_so() -> None:
    async with desk() as (view, _):
        assert rows(view)[0] == "  nothing written yet"


async def test_lines_are_shown_and_standard_error_is_marked() -> None:
    async with desk() as (view, pilot):
        view.show(source(line("out"), line("err", "stderr")))
        await until(pilot, view, lambda: rows(view)[:2] == ["  out", "▎ err"])


async def test_colours_are_kept_and_other_sequences_left_out() -> None:
    async with desk() as (view, pilot):
        view.show(source(line("\x1b[31mred\x1b[0m \x1b[2J\x1b]0;title\x07plain\x1b[5A")))
        await until(pilot, view, lambda: rows(view)[0] == "  red plain")
        style = next(segment.style for segment in view.render_line(0) if segment.text == "red")
        assert style is not None
        assert style.color == Color.parse(view.app.theme_variables["error"]).rich_color


async def test_the_end_is_followed_until_scrolled_up_and_again_from_the_end_on() -> None:
    async with desk() as (view, pilot):
        fed = Fed()
        view.show(fed.lines())
        fed.write(*(f"line {number}" for number in range(50)))
        await until(pilot, view, lambda: rows(view)[-1] == "  line 49")
        await pilot.press("up", "up", "up")
        await until(pilot, view, lambda: not view.following)
        before = rows(view)
        assert before[-1].endswith(" 3 rows below · G end")
        fed.write("more", "and more")
        await until(pilot, view, lambda: rows(view)[-1].endswith(" 5 rows below · G end"))
        assert rows(view)[:-1] == before[:-1]
        await pilot.press("G")
        await until(pilot, view, lambda: rows(view)[-1] == "  and more")
        fed.write("last")
        await until(pilot, view, lambda: rows(view)[-1] == "  last")


async def test_what_is_looked_at_stays_in_place_while_old_lines_are_dropped() -> None:
    async with desk() as (view, pilot):
        fed = Fed()
        view.show(fed.lines())
        fed.write(*(f"line {number}" for number in range(5000)))
        await until(pilot, view, lambda: rows(view)[-1] == "  line 4999")
        await pilot.press("pageup", "pageup")
        await until(pilot, view, lambda: not view.following)
        await pilot.pause(0.5)
        before = rows(view)
        fed.write(*(f"line {number}" for number in range(5000, 5100)))
        await pilot.pause(0.5)
        assert rows(view)[:-1] == before[:-1]


async def test_long_lines_wrap_or_are_cut() -> None:
    async with desk(size=(24, 6)) as (view, pilot):
        view.show(source(line("0123456789" * 3), line("日本語" * 4)))
        await until(pilot, view, lambda: rows(view)[0] != "  nothing written yet")
        assert rows(view)[:4] == ["  012345678901234567890", "  123456789", "  日本語日本語日本語日", "  本語"]
        await pilot.press("w")
        await until(pilot, view, lambda: rows(view)[:2] == ["  012345678901234567890", "  日本語日本語日本語日"])


async def test_times_can_be_shown() -> None:
    async with desk() as (view, pilot):
        view.show(source(line("first"), line("second", milliseconds=1234)))
        await pilot.press("t")
        await until(pilot, view, lambda: rows(view)[:2] == ["  03:04:05.000 first", "  03:04:06.234 second"])


async def test_another_source_replaces_the_former_which_is_closed() -> None:
    async with desk() as (view, pilot):
        fed = Fed()
        view.show(fed.lines())
        fed.write("old")
        await until(pilot, view, lambda: rows(view)[0] == "  old")
        view.show(source(line("new")))
        await until(pilot, view, lambda: rows(view)[0] == "  new")
        assert fed.closed
        assert "old" not in "".join(rows(view))


async def test_a_source_that_fails_says_why() -> None:
    async def failing() -> AsyncIterator[LogLine]:
        yield line("before")
        raise NotFound("no container is called web", "see boxdeck ps -a")

    async with desk(size=(60, 6)) as (view, pilot):
        view.show(failing())
        await until(pilot, view, lambda: rows(view)[1] == "▎ no container is called web: see boxdeck ps -a")


async def test_a_cleared_view_goes_on_with_the_same_source() -> None:
    async with desk() as (view, pilot):
        fed = Fed()
        view.show(fed.lines())
        fed.write("before")
        await until(pilot, view, lambda: rows(view)[0] == "  before")
        view.clear()
        fed.write("after")
        await until(pilot, view, lambda: rows(view)[0] == "  after")


async def test_selected_text_has_no_marks_and_no_wraps() -> None:
    async with desk(size=(14, 6)) as (view, pilot):
        view.show(source(line("abcdefghijklmnop"), line("second", "stderr")))
        await until(pilot, view, lambda: "second" in rows(view)[2])
        selected = view.get_selection(Selection(Offset(2, 0), Offset(3, 2)))
        assert selected == ("cdefghijklmnop\nsec", "\n")


async def test_a_flood_is_kept_up_with_and_the_app_stays_responsive() -> None:
    async with desk(size=(100, 40)) as (view, pilot):
        view.show(numbers(40_000))
        began, before = perf_counter(), process_time()
        delays = []
        while not rows(view)[-1].endswith(" 39999"):
            asked = process_time()  # our own share of the processor: others may be busy, too
            await asyncio.sleep(0.001)
            delays.append(process_time() - asked)
            assert perf_counter() - began < 30
        assert sorted(delays)[len(delays) * 9 // 10] < 0.3
        assert 40_000 / (process_time() - before) > 5_000
        assert len(view._buffer) == 5_000
        await pilot.pause()


async def test_lines_wait_for_the_frame_of_a_key_but_not_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    is_awaited = True
    async with desk() as (view, pilot):
        view.is_awaited = lambda: is_awaited
        monkeypatch.setattr(log_rows, "_HELD_SECONDS", 60.0)
        fed = Fed()
        view.show(fed.lines())
        fed.write("first")
        await pilot.pause(0.3)
        assert "  first" not in rows(view)
        is_awaited = False
        await until(pilot, view, lambda: "  first" in rows(view))
        is_awaited = True
        monkeypatch.setattr(log_rows, "_HELD_SECONDS", 0.0)
        fed.write("second")
        await until(pilot, view, lambda: "  second" in rows(view))


async def test_lines_that_come_lay_nothing_out(monkeypatch: pytest.MonkeyPatch) -> None:
    laid_out = 0
    lay_out = Screen._refresh_layout

    def counted(screen: Screen[object], *args: object, **named: object) -> None:
        nonlocal laid_out
        laid_out += 1
        lay_out(screen, *args, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(Screen, "_refresh_layout", counted)
    async with desk() as (view, pilot):
        fed = Fed()
        view.show(fed.lines())
        fed.write(*(f"line {number}" for number in range(20)))
        await until(pilot, view, lambda: view.show_vertical_scrollbar and rows(view)[-1] == "  line 19")
        await pilot.pause(0.2)  # the scrollbar takes its place
        before = laid_out
        for begin in range(20, 320, 20):
            fed.write(*(f"line {number}" for number in range(begin, begin + 20)))
            await until(pilot, view, lambda begin=begin: rows(view)[-1] == f"  line {begin + 19}")  # type: ignore[misc]
        assert laid_out == before
        assert view.vertical_scrollbar.window_virtual_size == 320


async def test_only_rows_in_sight_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = 0
    draw = LogView._text

    def counted(view: LogView, *args: object) -> Strip:
        nonlocal drawn
        drawn += 1
        return draw(view, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(LogView, "_text", counted)
    async with desk(size=(40, 10)) as (view, pilot):
        view.show(numbers(20_000))
        await until(pilot, view, lambda: rows(view)[-1] == "  line 19999")
        assert 0 < drawn < 2_000


async def test_what_is_shown_stays_until_another_log_has_lines() -> None:
    async with desk() as (view, pilot):
        view.show(source(line("first")))
        await until(pilot, view, lambda: rows(view)[0] == "  first")
        fed = Fed()
        view.show(fed.lines())
        await pilot.pause(0.02)
        assert rows(view)[0] == "  first"
        fed.write("second")
        await until(pilot, view, lambda: rows(view)[0] == "  second")
        view.show(Fed().lines())
        await until(pilot, view, lambda: rows(view)[0] == "  nothing written yet")
