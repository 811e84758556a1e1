"""A process in a pane, seen and typed into through the app."""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path
from time import perf_counter, process_time

import pytest
from rich.color import Color as RichColor
from textual import events
from textual.color import Color
from textual.widgets import Input

from engine.errors import CommandNotFound
from engine.model import Chunk
from tests.tui.pty_session import PtySession
from tests.tui.shell_desk import Desk, desk, press, screen, until, until_shown
from tui.terminal.bittty_emulator import BitttyEmulator
from tui.widgets.shell_pane import ShellPane

pytestmark = pytest.mark.alone


async def test_what_is_typed_reaches_the_process_and_what_it_writes_is_shown() -> None:
    async with desk("sh") as (_, pilot):
        await press(pilot, "echo $((6*7))", "enter")
        await until_shown(pilot, "42")


async def test_the_process_knows_the_size_of_the_pane_and_when_it_changes() -> None:
    async with desk("sh") as (app, pilot):
        await press(pilot, "stty size", "enter")
        await until_shown(pilot, f"{app.pane.size.height} {app.pane.size.width}")
        await pilot.resize_terminal(100, 30)
        await press(pilot, "stty size", "enter")
        await until_shown(pilot, f"{app.pane.size.height} {app.pane.size.width}")
        assert app.pane.size.width > 80


async def test_keys_of_the_app_go_to_the_process_while_it_has_the_focus() -> None:
    async with desk("cat", "-vT") as (app, pilot):
        await press(pilot, "x", "tab", "ctrl+p", "f1", "up", "enter")
        await until_shown(pilot, "x^I")
        await until_shown(pilot, "^P^[OP^[[A")
        assert app.notes == []


async def test_ctrl_c_interrupts_the_process() -> None:
    async with desk("sh", "-c", "trap 'echo caught; exit 5' INT; echo ready; while :; do sleep 0.05; done") as (
        app,
        pilot,
    ):
        await until_shown(pilot, "ready")
        await pilot.press("ctrl+c")
        await until(pilot, lambda: "ended 5" in app.notes)


async def test_leader_q_leaves_and_the_process_runs_on() -> None:
    async with desk("cat") as (app, pilot):
        await pilot.press("ctrl+g")
        assert "q leave" in str(app.pane.border_subtitle)
        assert "q leave  z zoom  t new tab" in screen(app.pane)[-2]
        await pilot.press("q")
        await pilot.pause()
        assert app.notes == ["left"]
        assert not app.pane.has_focus
        app.pane.focus()
        await press(pilot, "still there", "enter")
        await until_shown(pilot, "still there")


async def test_leader_twice_types_the_leader() -> None:
    async with desk("cat", "-v") as (_, pilot):
        await pilot.press("ctrl+g", "ctrl+g", "enter")
        await until_shown(pilot, "^G")


async def test_leader_z_fills_the_screen_and_gives_it_back() -> None:
    async with desk("cat") as (app, pilot):
        before = app.pane.size
        await pilot.press("ctrl+g", "z")
        await until(pilot, lambda: app.pane.size.height > before.height)
        await pilot.press("escape")
        await pilot.pause()
        assert app.screen.maximized is app.pane  # escape belongs to the process
        await pilot.press("ctrl+g", "z")
        await until(pilot, lambda: app.pane.size == before)


async def test_looking_back_and_returning_by_typing() -> None:
    async with desk("sh", "-c", "seq 200; exec cat") as (app, pilot):
        await until_shown(pilot, "200")
        await pilot.press("ctrl+g", "left_square_bracket", "pageup", "home")
        await until(pilot, lambda: screen(app.pane)[0] == "1")
        assert "rows below · q end" in screen(app.pane)[-1]
        await press(pilot, "q")
        await until(pilot, lambda: "200" in screen(app.pane))
        await press(pilot, "hello")
        await until_shown(pilot, "hello")


async def test_what_was_written_is_searched_upwards_and_on_with_n() -> None:
    async with desk("sh", "-c", "seq 300; exec cat") as (app, pilot):
        await until_shown(pilot, "300")
        await pilot.press("ctrl+g", "slash")
        await press(pilot, "77")
        assert "search: 77" in screen(app.pane)[-1]
        await pilot.press("enter")
        await until(pilot, lambda: any(line.startswith("277") for line in screen(app.pane)))
        await pilot.press("n")
        await until(pilot, lambda: any(line.startswith("177") for line in screen(app.pane)))
        await pilot.press("N")
        await until(pilot, lambda: any(line.startswith("277") for line in screen(app.pane)))
        await pilot.press("slash", "x", "enter")
        await until(pilot, lambda: "not found" in screen(app.pane)[-1])


async def test_what_was_found_stands_out() -> None:
    async with desk("sh", "-c", "echo one two; seq 50; exec cat") as (app, pilot):
        await until_shown(pilot, "50")
        await pilot.press("ctrl+g", "slash", *"two", "enter")
        await until(pilot, lambda: screen(app.pane)[0] == "one two")
        looks = {segment.text: segment.style for segment in app.pane.render_line(0)}
        assert looks["wo"] is not None and looks["wo"].bgcolor == Color.parse(app.theme_variables["warning"]).rich_color


async def test_text_is_selected_with_keys_and_copied() -> None:
    async with desk("sh", "-c", "echo one two three; echo four; seq 50; exec cat") as (app, pilot):
        await until_shown(pilot, "50")
        await pilot.press("ctrl+g", "left_square_bracket", "home", "w", "v", "down", "0", "right", "y")
        await pilot.pause()
        assert app.clipboard == "two three\nfo"
        await until(pilot, lambda: "50" in screen(app.pane))
        await pilot.press("ctrl+g", "left_square_bracket", "home", "V", "down")
        await pilot.pause()
        selected = next(segment.style for segment in app.pane.render_line(0) if "one two three" in segment.text)
        assert selected is not None and selected.color != selected.bgcolor != app.pane.rich_style.bgcolor
        await pilot.press("enter")
        await pilot.pause()
        assert app.clipboard == "one two three\nfour"


WANTS_TO_COPY = "printf '\\033]52;c;%s\\007' $(printf hello | base64); echo asked; exec cat"


async def test_a_process_sets_the_clipboard_only_once_a_person_agreed() -> None:
    async with desk("sh", "-c", WANTS_TO_COPY) as (app, pilot):
        await until_shown(pilot, "asked")
        await until(pilot, lambda: "copy?" in app.pane.hint)
        await pilot.press("y", "enter")  # typed to the process, and no answer
        assert app.clipboard == ""
        await pilot.press("ctrl+g", "c")
        assert app.screen.query_one(".dialog").border_title == "copy “hello”?"
        await pilot.press("enter")
        assert app.clipboard == "" and "copy?" not in app.pane.hint


async def test_a_process_may_be_allowed_to_copy_once_or_always() -> None:
    async with desk("sh", "-c", WANTS_TO_COPY) as (app, pilot):
        await until(pilot, lambda: "copy?" in app.pane.hint)
        await pilot.press("ctrl+g", "c", "down", "enter")
        assert app.clipboard == "hello"
        offer = b"\x1b]52;c;b3RoZXI=\x07"  # "other"
        app.pane._emulator.feed(offer)
        app.pane.painted()
        assert app.clipboard == "hello" and "copy?" in app.pane.hint
        await pilot.press("ctrl+g", "c", "down", "down", "enter")
        assert app.clipboard == "other"
        app.pane._emulator.feed(offer.replace(b"b3RoZXI=", b"dGhpcmQ="))
        app.pane.painted()
        assert app.clipboard == "third" and "copy?" not in app.pane.hint


async def test_the_wheel_looks_back() -> None:
    async with desk("sh", "-c", "seq 200; exec cat") as (app, pilot):
        await until_shown(pilot, "200")
        top = screen(app.pane)[0]
        await pilot._post_mouse_events([events.MouseScrollUp], ShellPane)
        await until(pilot, lambda: screen(app.pane)[0] == str(int(top) - 3))


async def test_the_mouse_goes_to_a_process_that_asked_for_it() -> None:
    async with desk("sh", "-c", "printf '\\033[?1000h\\033[?1006h'; exec cat -v") as (_, pilot):
        await pilot.pause(0.3)
        await pilot.click(ShellPane, offset=(3, 2))
        await pilot.press("enter")
        await until_shown(pilot, "^[[<0;3;2M^[[<0;3;2m")


async def test_a_paste_arrives_in_brackets_where_asked_for() -> None:
    async with desk("sh", "-c", "printf '\\033[?2004h'; exec cat -v") as (app, pilot):
        await pilot.pause(0.3)
        app.pane.post_message(events.Paste("two words"))
        await pilot.press("enter")
        await until_shown(pilot, "^[[200~two words^[[201~")


async def test_the_last_screen_stays_until_enter() -> None:
    async with desk("sh", "-c", "echo last words; exit 3") as (app, pilot):
        await until_shown(pilot, "exited 3 · press enter to close")
        assert "last words" in screen(app.pane)
        assert app.notes == ["ended 3"]
        await press(pilot, "x", "enter")
        await until(pilot, lambda: not app.query(ShellPane))
        assert app.notes == ["ended 3", "closed"]


async def test_the_last_screen_of_a_full_screen_program_stays_readable() -> None:
    script = "printf '\\033[?1049h\\033[2J\\033[5;1Hdying words\\033[1;3r'; exit 1"
    async with desk("sh", "-c", script) as (app, pilot):
        await until_shown(pilot, "exited 1")
        assert screen(app.pane)[4:6] == ["dying words", " exited 1 · press enter to close"]


async def test_a_process_that_could_not_be_executed_says_why() -> None:
    class Refused(PtySession):
        async def read(self) -> Chunk | None:
            raise CommandNotFound("sh isn't in the container", "choose another command")

    app = Desk(Refused.spawn("cat"))
    async with app.run_test() as pilot:
        await until_shown(pilot, "sh isn't in the container: choose another command · press enter to close")
        assert app.notes == ["ended 127"]


async def test_removing_the_pane_hangs_the_process_up() -> None:
    async with desk("cat") as (app, _):
        session = app.session
        await app.pane.remove()
        assert await asyncio.wait_for(session.wait(), 5) == 129


async def test_the_border_says_what_the_process_calls_itself_unless_told_otherwise() -> None:
    title = "printf '\\033]0;a [b]title\\007'; exec cat"
    async with desk("sh", "-c", title) as (app, pilot):
        await until(pilot, lambda: str(app.pane.border_title) == r"a \[b]title")
    async with desk("sh", "-c", title, title="web") as (app, pilot):
        await pilot.pause(0.3)
        assert str(app.pane.border_title) == "web"


async def test_colours_are_the_themes_sixteen_or_exact() -> None:
    script = "printf '\\033[31mr\\033[38;5;208mo\\033[38;2;1;2;3mt\\033[0;7mv'; exec cat"
    async with desk("sh", "-c", script) as (app, pilot):
        await until_shown(pilot, "rotv")
        styles = [segment.style for segment in app.pane.render_line(0) if segment.text in "rotv"]
        red = Color.parse(app.theme_variables["error"]).rich_color
        assert [style.color for style in styles[:2] if style] == [red, RichColor.from_ansi(208)]
        assert styles[2] is not None and styles[2].color is not None and styles[2].color.triplet == (1, 2, 3)
        assert styles[3] is not None and styles[3].reverse


async def test_colours_follow_the_theme() -> None:
    async with desk("sh", "-c", "printf '\\033[31mred'; exec cat") as (app, pilot):
        await until_shown(pilot, "red")

        def red() -> object:
            return next(segment.style.color for segment in app.pane.render_line(0) if segment.style)

        before = red()
        app.theme = "nord"
        await until(pilot, lambda: red() == Color.parse(app.theme_variables["error"]).rich_color != before)


async def test_a_process_that_asks_learns_the_colours_of_the_theme() -> None:
    async with desk("cat", "-v") as (app, pilot):
        await pilot.pause()
        app.pane._emulator.feed(b"\x1b]11;?\x07")
        channels = "/".join(f"{channel:02x}" * 2 for channel in app.pane.colors[2].rgb)
        assert app.pane._emulator.take_replies().decode() == f"\x1b]11;rgb:{channels}\x07"


async def test_text_is_selected_with_the_mouse_and_copied() -> None:
    async with desk("sh", "-c", "echo 'one two three'; echo four; exec cat") as (app, pilot):
        await until_shown(pilot, "four")
        await pilot.mouse_down(ShellPane, offset=(5, 1))
        await pilot.hover(ShellPane, offset=(3, 2))
        await pilot.mouse_up(ShellPane, offset=(3, 2))
        assert app.screen.get_selected_text() == "two three\nfou"
        await pilot.press("ctrl+g", "y")
        assert app.clipboard == "two three\nfou"


async def test_the_cursor_is_a_block_while_the_pane_has_the_focus() -> None:
    async with desk("cat") as (app, pilot):
        await press(pilot, "ab")
        await until_shown(pilot, "ab")
        assert [segment.text for segment in app.pane.render_line(0) if segment.style and segment.style.reverse] == [" "]
        app.query_one(Input).focus()
        await pilot.pause()
        assert not [segment for segment in app.pane.render_line(0) if segment.style and segment.style.reverse]


@pytest.mark.skipif(shutil.which("vi") is None, reason="vi isn't installed: apt-get install vim-tiny")
async def test_a_file_is_written_with_vi(tmp_path: object) -> None:
    path = f"{tmp_path}/note"
    async with desk("vi", "-n", "-u", "NONE", "-N", path) as (app, pilot):
        await until_shown(pilot, "~")
        await press(pilot, "ihello", "enter")
        await press(pilot, "world", "escape")
        await press(pilot, ":wq", "enter")
        await until(pilot, lambda: "ended 0" in app.notes)
    with open(path) as file:
        assert file.read() == "hello\nworld\n"


async def test_a_flood_leaves_the_app_responsive_and_holds_the_process_up() -> None:
    async with desk("yes") as (app, pilot):
        await until_shown(pilot, "y")
        began, before = perf_counter(), app.session.read_bytes
        delays = []
        while perf_counter() - began < 1.5:
            asked = process_time()  # our own share of the processor: others may be busy, too
            await asyncio.sleep(0.001)
            delays.append(process_time() - asked)
        assert sorted(delays)[len(delays) * 9 // 10] < 0.2  # nine turns of ten are over before anybody notices
        assert app.session.read_bytes - before < 10_000_000
        await pilot.press("ctrl+c")
        await until(pilot, lambda: "ended 130" in app.notes)


async def test_what_is_shown_is_recorded_from_the_present_screen_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with desk("sh", "-c", "printf '\\033[31mbefore\\033[0m\\n'; exec cat") as (app, pilot):
        await until_shown(pilot, "before")
        await pilot.press("ctrl+g", "r")
        assert "recording" in str(app.pane.border_subtitle)
        await press(pilot, "later", "enter")
        await until_shown(pilot, "later")
        await pilot.press("ctrl+g", "r")
        assert "recording" not in str(app.pane.border_subtitle)
        await press(pilot, "unheard", "enter")
        await until_shown(pilot, "unheard")
    header, *events = [json.loads(line) for line in next(tmp_path.glob("*.cast")).read_text().splitlines()]
    played = BitttyEmulator(header["width"], header["height"])
    played.feed("".join(text for _, kind, text in events if kind == "o").encode())
    assert [played.line_text(y).rstrip() for y in range(3)] == ["before", "later", "later"]
    assert played.row(0)[0].style.foreground == 1
