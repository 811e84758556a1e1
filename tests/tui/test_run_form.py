"""The run form while it is filled, and while an image comes. The engine is made up."""

from __future__ import annotations

from pathlib import Path

from engine.config.model import Config
from tests.tui.driving import Desk, desk
from tests.tui.fake_engine import FakeEngine, crowd
from tui.app import BoxdeckApp
from tui.past_runs import PastRuns
from tui.screens.run_form import RunForm
from tui.widgets.proposing_field import ProposingField, fitting

NARROW = (80, 24)


async def test_the_command_line_follows_and_is_copied() -> None:
    async with desk(FakeEngine(*crowd()), size=NARROW) as at:
        await at.press("n")
        await at.see("boxdeck run -dit base sh")
        await at.press("tab", "tab")
        await at.type("job")
        await at.press("pageup")
        await at.see("env file", "label file")
        await at.type("A=1 'B=two words'")
        await at.see("boxdeck run -dit --name job --env A=1 --env 'B=two words' base sh")
        await at.press("ctrl+y")
        await at.see("labels•")
        await at.hear("is copied")
        assert at.app.clipboard == "boxdeck run -dit --name job --env A=1 --env 'B=two words' base sh"
        await at.press("pagedown")
        await at.see("command", "A=1 'B=two words'")  # the first section shows it, too


async def test_sentences_come_and_go_while_one_types() -> None:
    async with desk(FakeEngine(*crowd()), size=NARROW) as at:
        await at.press("n", "tab", "tab")
        await at.type("a/b")
        await at.see("can't be a container's name")
        await at.type("ab")
        await at.see_no("can't be a container's name")
        await at.press(*["tab"] * 4)
        await at.type("none")
        await at.press("tab")
        await at.type("80:80")
        await at.see("ports can't be published with --network none")


async def test_names_of_images_and_networks_are_completed() -> None:
    async with desk(FakeEngine(*crowd()), size=NARROW) as at:
        await at.press("n")
        await at.until(lambda: "postgres:16" in at.app.screen._names["image"])  # type: ignore[attr-defined]
        await at.type("postg")
        await at.see("postgres:16")
        await at.press("right")
        await at.see("run -dit postgres:16 sh")


async def test_names_drop_down_while_one_types_and_are_gone_through_with_arrows() -> None:
    engine = FakeEngine(*crowd())
    async with desk(engine, size=NARROW) as at:
        await at.press("n")
        await at.until(lambda: len(at.app.screen._names["image"]) > 3)  # type: ignore[attr-defined]
        names = at.app.screen._names["image"]  # type: ignore[attr-defined]
        found = fitting("e", names)
        assert len(found) > 1
        await at.press("ctrl+u", "e")
        await at.see(*found[:8])
        await at.press("down", "down")
        await at.see(f"▸ {found[1]}")
        await at.press("enter")
        await at.see_no("▸ ")
        await at.see(f"run -dit {found[1]} sh")
        assert isinstance(at.app.screen, RunForm) and at.app.focused is at.app.screen.query_one("#image")
        await at.press("ctrl+u", "e", "escape")
        await at.until(lambda: not at.app.screen.query_one("#image", ProposingField).proposals.display)
        assert isinstance(at.app.screen, RunForm)
        await at.press("down")
        await at.until(lambda: at.app.focused is at.app.screen.query_one("#command"))


def test_what_begins_with_what_is_typed_comes_first() -> None:
    names = ("debian:12", "base", "team/base:2", "BASE-two")
    assert fitting("bas", names) == ["base", "BASE-two", "team/base:2"]
    assert fitting("base", names) == fitting("", names) == []


async def test_rules_of_others_that_drop_are_told_when_it_runs() -> None:
    engine = FakeEngine(*crowd())
    engine.containers.ports.said = ("the chain [ip filter] FORWARD may drop what containers send: have it let pass",)
    async with desk(engine, size=NARROW) as at:
        await at.press("n", "enter")
        await at.hear("the chain [ip filter] FORWARD may drop what containers send")


async def test_an_image_comes_layer_by_layer_and_can_be_stopped() -> None:
    engine = FakeEngine(*crowd())
    async with desk(engine, size=NARROW) as at:
        await at.press("n")
        await at.type("nginx:1.28")
        await at.press("pagedown")
        await at.see("linux/arm64")
        at.app.screen.query_one("#platform").focus()
        await at.pilot.pause()
        await at.type("linux/arm64")
        await at.press("enter")
        await at.see("aa11", "downloading", "bb22", "unpacking", "30M / 40M", "esc stops it")
        assert engine.images.pulled == [("nginx:1.28", "linux/arm64")]
        await at.press("escape")
        await at.see("cancelled; what has arrived is kept")
        assert len(engine.all) == len(crowd())
        engine.images.gate.set()
        await at.press("enter")
        await at.until(lambda: not isinstance(at.app.screen, RunForm))
        assert engine.all[0].request.image == "nginx:1.28"


async def run_once(folder: Path, *keys: str) -> str:
    app = BoxdeckApp(FakeEngine(*crowd()), Config(), folder)  # type: ignore[arg-type]
    async with app.run_test(size=NARROW) as pilot:
        at = Desk(app, pilot)
        await at.until(lambda: app.deck.containers is not None and app.deck.snapshot is not None)
        await at.press(*keys)
        await pilot.pause()
        return at.text


async def test_what_was_run_before_fills_the_form_of_another_day(tmp_path: Path) -> None:
    past = PastRuns(tmp_path / "runs.json")
    for name in ("older", "job"):
        past.add({"image": "base", "command": "sh -c 'sleep 9'", "name": name, "memory": "64m", "tty": ""})
    past.add({"image": "base", "command": "sh -c 'sleep 9'", "name": "older", "memory": "64m"})
    assert len(past.runs) == 2
    assert oct((tmp_path / "runs.json").stat().st_mode)[-3:] == "600"
    text = await run_once(tmp_path, "n", "ctrl+r", "down", "enter")
    assert "boxdeck run -d --name job --memory 64m base sh -c 'sleep 9'" in text
