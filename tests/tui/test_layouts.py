"""How a crowd of containers looks: every size, every view, both themes. The engine is made up."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.config.model import Config
from engine.config.places import config_folder
from tests.tui.driving import Desk, desk
from tests.tui.fake_engine import FakeEngine, container, crowd
from tui.screens.containers import ContainersScreen
from tui.widgets.containers_table import ContainersTable
from tui.widgets.detail import Detail

SIZES = ((80, 24), (120, 36), (200, 60))


def inside(at: Desk) -> bool:
    """Whether every line keeps to the screen."""
    return all(len(line) <= at.app.size.width for line in at.text.split("\n"))


@pytest.mark.parametrize("size", SIZES, ids=str)
async def test_list_and_detail_share_the_screen(size: tuple[int, int]) -> None:
    async with desk(FakeEngine(*crowd()), size=size) as at:
        await at.see("boxdeck", "5 of 8 running", "web", "metrics", "overview", "cpu", "memory", "? keys", "q quit")
        table, detail = at.app.screen.query_one(ContainersTable), at.app.screen.query_one(Detail)
        beside = table.region.y < detail.region.bottom and detail.region.x >= table.region.right
        assert beside == (size[0] >= 100)
        assert inside(at)


@pytest.mark.parametrize("size", [*SIZES, (40, 12), (20, 6), (300, 20)], ids=str)
async def test_every_view_survives_every_size(size: tuple[int, int]) -> None:
    async with desk(FakeEngine(*crowd()), size=size) as at:
        for key in ("right", "t", "N", "n", "question_mark", "d", "l", "plus", "colon"):
            await at.press(key)
            assert inside(at), key
            await at.press("escape")
        assert isinstance(at.app.screen, ContainersScreen)


async def test_a_terminal_that_grows_shows_more() -> None:
    async with desk(FakeEngine(*crowd()), size=(80, 24)) as at:
        await at.see("nginx:1.27 · 10.89.0.3")
        await at.pilot.resize_terminal(120, 36)
        await at.see("limits      memory 256M · cpus 2", "network", "networks  volumes  namespaces")
        await at.pilot.resize_terminal(80, 24)
        await at.see("nginx:1.27 · 10.89.0.3")


async def test_a_large_screen_shows_every_side_at_once() -> None:
    async with desk(FakeEngine(*crowd()), size=(200, 60)) as at:
        await at.see("cpu", "memory", "network", "shared with db", "nat masquerade", "GET /index-")


async def test_sides_turn_with_arrow_keys() -> None:
    async with desk(FakeEngine(*crowd())) as at:
        await at.press("right")
        await at.see("anonymous")
        await at.press("right")
        await at.see("ON HOST", "├ worker --busy")
        await at.press("right")
        await at.see("shared with db", "1 nginx -g daemon off;")
        await at.press("right")
        await at.see("nat masquerade")
        await at.press("right")
        await at.see("GET /index-")
        await at.press("right")
        await at.see("limits      memory 256M")


async def test_the_side_that_is_shown_is_lit_in_the_frame() -> None:
    async with desk(FakeEngine(*crowd())) as at:
        frame = at.app.screen.query_one(Detail)
        for key, side in (("l", "logs"), ("right", "overview"), ("right", "graphs")):
            await at.press(key)
            await at.see(side)
            title = frame._shown_title
            lit = [title.plain[s.start : s.end].strip() for s in title.spans if str(s.style) == "bold $accent"]
            assert lit == [side]


async def test_full_screens_come_and_go() -> None:
    async with desk(FakeEngine(*crowd())) as at:
        for _ in range(2):
            await at.press("t")
            await at.see("nat masquerade")
            await at.press("N")
            await at.see("host's  user")
            await at.press("t", "t")
            await at.see("CPU %")
        await at.press("t", "l")
        await at.see("CPU %", "GET /index-")


async def test_the_detail_follows_the_selection_at_once() -> None:
    async with desk(FakeEngine(*crowd())) as at:
        await at.see("nginx -g")
        await at.press("j")
        await at.see("base" if at.app.deck.selected is None else at.app.deck.selected.argv[0])
        assert at.app.deck.selected is not None
        assert at.app.deck.selected.name == "db"
        await at.press("end")
        assert at.app.deck.selected.name == "metrics"
        await at.see("prom/prometheus:v2.54")


async def test_the_selected_row_stays_when_others_appear() -> None:
    engine = FakeEngine(*crowd())
    async with desk(engine) as at:
        await at.press("down", "down")
        engine.all.insert(0, container(40, "newcomer"))
        engine.change()
        await at.see("newcomer")
        assert at.app.deck.selected is not None
        assert at.app.deck.selected.name == "job-7"


async def test_a_long_list_scrolls_with_the_selection() -> None:
    engine = FakeEngine(*(container(number, f"box-{number:03}") for number in range(200)), minutes=0)
    async with desk(engine, size=(80, 24)) as at:
        await at.see("box-000", "200")
        await at.press("end")
        await at.see("box-199")
        assert "box-000" not in at.text
        await at.press("home")
        await at.see("box-000")


async def test_a_filter_narrows_the_list_and_escape_ends_it() -> None:
    async with desk(FakeEngine(*crowd())) as at:
        await at.press("slash", *"harb")
        await at.see("1 of 8", "quiet_harbo")
        await at.see_no("metrics")
        await at.press("enter", "escape")
        await at.see("metrics")


async def test_the_container_can_have_the_whole_screen() -> None:
    async with desk(FakeEngine(*crowd())) as at:
        await at.press("plus")
        await at.see_no("IMAGE")
        assert "nginx:1.27" in at.text
        await at.press("escape")
        await at.see("IMAGE")


async def test_keys_that_mean_nothing_now_are_dim() -> None:
    async with desk(FakeEngine(*crowd())) as at:
        app = at.app
        assert (app.check_action("stop", ()), app.check_action("start", ())) == (True, None)
        await at.press("down", "down", "down")
        assert app.deck.selected is not None
        assert app.deck.selected.name == "cache"
        assert (app.check_action("stop", ()), app.check_action("start", ())) == (None, True)


async def test_help_lists_every_key_that_is_shown() -> None:
    async with desk(FakeEngine(*crowd()), size=(120, 100)) as at:
        shown = [each.binding for each in at.app.screen.active_bindings.values() if each.binding.show]
        await at.press("question_mark")
        await at.see("Containers", "In a shell", "ctrl+g q", *(binding.tooltip for binding in shown))


async def test_every_binding_has_an_id_and_says_what_it_does() -> None:
    async with desk(FakeEngine(*crowd())) as at:
        for node in (at.app.screen, at.app, at.app.screen.query_one(ContainersTable)):
            for binding in node._bindings.key_to_bindings.values():
                for each in binding:
                    if not each.system and each.action.partition("(")[0] in dir(node):
                        assert each.id, each


async def test_commands_can_be_found_by_name() -> None:
    async with desk(FakeEngine(*crowd())) as at:
        await at.press("colon")
        await at.see("stop web", "shell web")
        await at.press(*"light")
        await at.see("theme boxdeck-light")
        await at.press("enter")
        await at.until(lambda: at.app.theme == "boxdeck-light")


async def test_keys_can_be_changed_in_the_settings() -> None:
    async with desk(FakeEngine(*crowd()), config=Config(keys={"view.topology": "x"})) as at:
        await at.press("x")
        await at.see("nat masquerade")


# --- themes ---


def own_theme(accent: str) -> Path:
    """A theme of a person's own, in the place where the app looks for it."""
    source = Path(__file__).parents[2] / "themes" / "boxdeck-dark.toml"
    path = config_folder() / "themes" / "mine.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(source.read_text().replace("boxdeck-dark", "mine").replace("#6cb6d9", accent))
    return path


async def test_themes_turn_with_a_key() -> None:
    async with desk(FakeEngine(*crowd())) as at:
        assert at.app.theme == "boxdeck-dark"
        worn = []
        for _ in at.app.theming.names:
            await at.press("T")
            worn.append(at.app.theme)
        assert worn[-1] == "boxdeck-dark" and sorted(worn) == sorted(at.app.theming.names)
        await at.hear('theme = "boxdeck-dark" in config.toml keeps it')


async def test_a_theme_is_worn_anew_when_its_file_is_saved_and_a_broken_one_is_told() -> None:
    path = own_theme("#112233")
    async with desk(FakeEngine(*crowd()), config=Config(theme="mine")) as at:
        assert at.app.theme_variables["accent"] == "#112233"
        own_theme("#445566")
        await at.until(lambda: at.app.theme_variables["accent"] == "#445566")
        path.write_text("name = ")
        await at.hear("the theme mine.toml isn't right")
        assert at.app.theme_variables["accent"] == "#445566"
        own_theme("#778899")
        await at.until(lambda: at.app.theme_variables["accent"] == "#778899")


async def test_a_theme_that_is_not_there_is_told() -> None:
    async with desk(FakeEngine(*crowd()), config=Config(theme="nope")) as at:
        await at.hear("there is no theme nope")
        assert isinstance(at.app.screen, ContainersScreen)


# --- mouse ---


async def test_everything_can_be_clicked() -> None:
    async with desk(FakeEngine(*crowd())) as at:
        table = at.app.screen.query_one(ContainersTable)
        await at.pilot.click(table, offset=(4, 2))
        assert at.app.deck.selected is not None
        assert at.app.deck.selected.name == "db"
        lines = at.text.split("\n")
        await at.pilot.click(offset=(lines[1].index("namespaces"), 1))
        await at.see("4026531841")
        await at.pilot.click(offset=(lines[0].index("networks") + 2, 0))
        await at.see("nat masquerade")
        bar = at.text.split("\n")[-1]
        await at.pilot.click(offset=(bar.index("back"), at.app.size.height - 1))
        await at.see("CPU %")


async def test_clicks_on_a_title_order_by_it_then_the_other_way_round_and_then_no_more() -> None:
    async with desk(FakeEngine(*crowd())) as at:
        table = at.app.screen.query_one(ContainersTable)

        def names() -> list[str]:
            return [container.name for container in at.app.deck.listed]

        by_age = names()
        await at.pilot.click(table, offset=(3, 0))
        await at.see("NAME ▾", "· name ▾")
        assert names() == sorted(by_age) != by_age
        title = at.text.split("\n")[2].index("CPU") - at.text.split("\n")[2].index("NAME") + 2
        await at.pilot.click(table, offset=(title, 0))
        await at.see("CPU ▾", "· cpu ▾")
        await at.pilot.click(table, offset=(title, 0))
        await at.see("CPU ▴", "· cpu ▴")
        await at.pilot.click(table, offset=(title, 0))
        await at.until(lambda: "▾" not in at.text and "▴" not in at.text)
        assert names() == by_age
