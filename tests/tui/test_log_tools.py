"""Finding, filtering, laying out, interleaving and saving lines of a log."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from engine.errors import InvalidRequest
from engine.model import LogLine
from tests.tui.driving import desk as app_desk
from tests.tui.fake_engine import FakeEngine, crowd
from tests.tui.test_log_view import MIDNIGHT_UNIX_NS, Fed, desk, line, rows, source, until
from tui.terminal.log_merge import interleaved
from tui.terminal.log_patterns import filter_of, pattern_of, time_of
from tui.terminal.log_shape import laid_out
from tui.terminal.log_text import runs_of
from tui.widgets.log_view import LogView


async def test_a_search_goes_up_and_on_with_n_and_back_with_capital_n() -> None:
    async with desk() as (view, pilot):
        view.show(source(*(line(f"line {number}") for number in range(300))))
        await until(pilot, view, lambda: rows(view)[-1] == "  line 299")
        await pilot.press("slash", *"7[07]$")
        assert rows(view)[-1].strip().endswith("search: 7[07]$▏")
        await pilot.press("enter")
        await until(pilot, view, lambda: "  line 277" in rows(view))
        assert not view.following
        await pilot.press("n")
        await until(pilot, view, lambda: "  line 270" in rows(view))
        await pilot.press("n")
        await until(pilot, view, lambda: "  line 177" in rows(view))
        await pilot.press("N")
        await until(pilot, view, lambda: "  line 270" in rows(view))
        looks = [segment.text for segment in view.render_line(rows(view).index("  line 270"))]
        assert "70" in looks


async def test_what_is_no_regular_expression_is_one_sentence_and_can_be_corrected() -> None:
    async with desk(size=(120, 6)) as (view, pilot):
        view.show(source(line("a(b")))
        await until(pilot, view, lambda: rows(view)[0] == "  a(b")
        await pilot.press("slash", *"a(b", "enter")
        await until(pilot, view, lambda: "is no regular expression" in rows(view)[-1])
        await pilot.press("backspace", "backspace", "enter")
        await until(pilot, view, lambda: "search" not in rows(view)[-1])


async def test_a_filter_shows_lines_that_fit_or_all_others_and_later_ones_too() -> None:
    async with desk() as (view, pilot):
        fed = Fed()
        view.show(fed.lines())
        fed.write("GET /one", "error: two", "GET /three")
        await until(pilot, view, lambda: rows(view)[2] == "  GET /three")
        await pilot.press("ampersand", *"get", "enter")
        await until(pilot, view, lambda: rows(view)[:3] == ["  GET /one", "  GET /three", ""])
        assert view.label == "filter get · 2 of 3"
        fed.write("no", "GET /four")
        await until(pilot, view, lambda: rows(view)[2] == "  GET /four")
        await pilot.press("ampersand", "ctrl+u", *"!get", "enter")
        await until(pilot, view, lambda: rows(view)[:3] == ["  error: two", "  no", ""])
        await pilot.press("escape")
        await until(pilot, view, lambda: rows(view)[:2] == ["  GET /one", "  error: two"])


async def test_space_freezes_and_follows_again() -> None:
    async with desk() as (view, pilot):
        fed = Fed()
        view.show(fed.lines())
        fed.write(*(f"line {number}" for number in range(50)))
        await until(pilot, view, lambda: rows(view)[-1] == "  line 49")
        await pilot.press("space")
        fed.write("later")
        await until(pilot, view, lambda: " 1 rows below" in rows(view)[-1])
        assert view.label == "frozen"
        await pilot.press("space")
        await until(pilot, view, lambda: rows(view)[-1] == "  later")


async def test_json_is_laid_out_on_request() -> None:
    text = '{"time":"12:00","level":"error","msg":"it broke","code":7,"deep":{"a":[1]}}'
    async with desk(size=(70, 6)) as (view, pilot):
        view.show(source(line(text), line("plain")))
        await until(pilot, view, lambda: rows(view)[0].startswith('  {"time"'))
        await pilot.press("J")
        await until(pilot, view, lambda: rows(view)[0] == '  12:00 ERROR it broke code=7 deep={"a":[1]}')
        assert rows(view)[1] == "  plain"


@pytest.mark.parametrize("text", [b"plain", b"{", b"{nope}", b"[1]", b"\xff{}", b"{" * 5000 + b"}" * 5000])
def test_what_is_no_json_object_stays_as_it_is(text: bytes) -> None:
    assert laid_out(text) == text


async def test_a_time_is_gone_to() -> None:
    async with desk(size=(60, 6)) as (view, pilot):
        view.show(source(*(line(f"line {second}", milliseconds=second * 1000) for second in range(300))))
        await until(pilot, view, lambda: rows(view)[-1] == "  line 299")
        wanted = time.strftime("%Y-%m-%dT%H:%M:%S", time.localtime(MIDNIGHT_UNIX_NS // 1_000_000_000 + 100))
        await pilot.press("at", *wanted, "enter")
        await until(pilot, view, lambda: any(row.endswith(" line 100") for row in rows(view)))
        assert view.show_times


def test_times_of_the_day_are_of_the_last_24_hours() -> None:
    now = time.time_ns()
    assert now - 86_400_000_000_000 <= time_of("14:05") <= now
    assert time_of("14:05:30") - time_of("14:05") in (30_000_000_000, 30_000_000_000 - 86_400_000_000_000)
    with pytest.raises(InvalidRequest, match="14:05"):
        time_of("noon")


def test_patterns_ignore_case_unless_told_otherwise() -> None:
    assert pattern_of("err").search("ERROR") and not pattern_of("Err").search("ERROR")
    wanted = filter_of("!err")
    assert wanted is not None and not wanted.wants(b"\x1b[31mer\x1b[1mror") and wanted.wants(b"fine")
    assert filter_of("") is None and filter_of("!") is None


@pytest.mark.alone
async def test_lines_are_saved_without_colours_and_nothing_is_written_over(tmp_path: Path) -> None:
    async with desk(size=(120, 6)) as (view, pilot):
        view.show(source(line("\x1b[31mred\x1b[0m"), line("two")))
        await until(pilot, view, lambda: rows(view)[1] == "  two")
        for _ in range(2):
            await pilot.press("ctrl+s", "ctrl+u", *str(tmp_path / "saved"), "enter")
            await pilot.pause(0.2)
        assert (tmp_path / "saved").read_text() == "red\ntwo\n"
        assert "it can't be written (File exists)" in rows(view)[-1]


async def test_a_view_from_a_time_on_leaves_the_source_waiting_behind_what_it_holds() -> None:
    asked = 0

    async def endless() -> AsyncIterator[LogLine]:
        nonlocal asked
        while True:
            asked += 1
            yield line(f"line {asked}")

    async with desk() as (view, pilot):
        view.show(endless())
        view.begin_at_start()
        await until(pilot, view, lambda: len(view._lines) == view._lines.maxlen)
        await pilot.pause(0.3)
        assert rows(view)[0].endswith(" line 1")
        before = asked
        await pilot.pause(0.3)
        assert asked == before < 10_000
        view.scroll_end(animate=False)
        await until(pilot, view, lambda: asked > before)


async def test_logs_of_several_containers_are_interleaved_with_their_names() -> None:
    async def lines(container_id: str, follow: bool, since: int | None) -> AsyncIterator[LogLine]:
        if not follow:
            for at in (0, 20) if container_id == "a" else (10, 30):
                yield line(f"{container_id}{at}", milliseconds=at)
            return
        assert since == MIDNIGHT_UNIX_NS + (20 if container_id == "a" else 30) * 1_000_000 + 1
        await asyncio.sleep(0.05 if container_id == "a" else 0)
        yield line(f"{container_id} later", milliseconds=99)
        await asyncio.sleep(99)

    async with desk() as (view, pilot):
        view.show(interleaved({"a": "web", "b": "db"}, lines))
        expected = ["  web a0", "  db  b10", "  web a20", "  db  b30", "  db  b later", "  web a later"]
        await until(pilot, view, lambda: rows(view)[:6] == expected)
        colours = {view.render_line(y)._segments[1].style.color for y in (0, 1)}  # type: ignore[union-attr]
        assert len(colours) == 2


def test_a_laid_out_level_has_its_colour() -> None:
    runs = runs_of(laid_out(b'{"level":"warn","msg":"x"}'))
    assert runs[0].text.strip() == "WARN" and runs[0].style.foreground == 3


async def test_l_twice_goes_to_the_keys_of_the_log_and_i_shows_all_containers() -> None:
    async with app_desk(FakeEngine(*crowd()), size=(160, 40)) as at:
        await at.press("l")
        assert not isinstance(at.app.focused, LogView)
        await at.press("l")
        await at.until(lambda: isinstance(at.app.focused, LogView))
        await at.see("/ search", "& filter", "space freeze")
        await at.press("i")
        await at.see("all containers")
