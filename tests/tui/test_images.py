"""The images screen: every size, both themes, pulls that stand still, layers and files. The engine is made up."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual import events
from textual.widgets import Input

from engine.config.model import Config
from tests.tui.driving import Desk, desk
from tests.tui.fake_engine import FakeEngine, container, crowd
from tests.tui.fake_images import image, make_layers
from tui.screens.images import ImagesScreen
from tui.widgets.explorer import Explorer
from tui.widgets.file_tree import FileTree
from tui.widgets.images_table import ImagesTable
from tui.widgets.layer_list import LayerList

SIZES = ((80, 24), (120, 36), (200, 60))


@pytest.fixture
def engine(tmp_path: Path) -> FakeEngine:
    made = FakeEngine(*crowd())
    made.images.paths = make_layers(tmp_path)
    return made


def selected(at: Desk) -> str:
    chosen = at.app.images.selected
    assert chosen is not None
    return chosen.references[0] if chosen.references else ""


# --- the table ---


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("theme", ["boxdeck-dark", "boxdeck-light"])
async def test_images_layers_and_files_share_the_screen(engine: FakeEngine, size: tuple[int, int], theme: str) -> None:
    async with desk(engine, size=size, config=Config(theme=theme)) as at:
        await at.press("2")
        await at.see("images 5 · newest", "nginx:1.27", "postgres:16", "62M", "LAYER", "RUN apt-get", "etc/", "from")
        explorer, table = at.app.screen.query_one(Explorer), at.app.screen.query_one(ImagesTable)
        assert explorer.region.y >= table.region.bottom
        assert all(len(line) <= size[0] for line in at.text.split("\n"))


@pytest.mark.parametrize("size", [*SIZES, (40, 12), (20, 6), (300, 20)], ids=str)
async def test_it_survives_every_size(engine: FakeEngine, size: tuple[int, int]) -> None:
    async with desk(engine, size=size) as at:
        await at.press("2")
        await at.until(lambda: isinstance(at.app.screen, ImagesScreen))
        for key in ("i", "p", "a", "d", "n", "enter", "enter", "m", "plus", "right", "slash", "question_mark"):
            await at.press(key)
            assert all(len(line) <= size[0] for line in at.text.split("\n")), key
            if not isinstance(at.app.screen, ImagesScreen):
                await at.press("escape")
        await at.press("1")


async def test_a_number_leads_to_its_view_and_stays_there(engine: FakeEngine) -> None:
    async with desk(engine) as at:
        await at.press("2")
        await at.until(lambda: isinstance(at.app.screen, ImagesScreen))
        await at.press("2")
        await at.pilot.pause(0.2)
        assert isinstance(at.app.screen, ImagesScreen)
        for key, text in (("3", "nat masquerade"), ("5", "host's  user"), ("6", "CONTROL GROUP"), ("2", "MADE BY")):
            await at.press(key)
            await at.see(text)
        await at.press("1")
        await at.see("CPU %")
        await at.press("2", "escape")
        await at.see("CPU %")


async def test_the_top_bar_leads_there(engine: FakeEngine) -> None:
    async with desk(engine) as at:
        await at.pilot.click(offset=(at.text.split("\n")[0].index("images") + 2, 0))
        await at.see("MADE BY")


async def test_who_uses_an_image_is_counted(engine: FakeEngine) -> None:
    engine.images.all[0] = image(1, "nginx:1.27", id="sha256:" + "1" * 64)
    async with desk(engine, size=(120, 36)) as at:
        await at.press("2")
        await at.see("5 / 8")


async def test_images_are_ordered_and_filtered(engine: FakeEngine) -> None:
    async with desk(engine) as at:
        await at.press("2")
        await at.see("newest ▾")
        assert selected(at) == "nginx:1.27"
        await at.press("o", "o")
        await at.see("size ▾")
        await at.press("home")
        assert selected(at) == ""
        await at.press("slash", *"back")
        await at.see("1 of 5")
        assert selected(at) == "registry.lan:5000/team/backend:2024-11"
        await at.press("enter", "escape")
        await at.see("images 5")
        await at.press("1", "2")
        await at.see("size ▾")


async def test_keys_of_containers_do_nothing_here(engine: FakeEngine) -> None:
    async with desk(engine) as at:
        await at.press("2")
        await at.see("nginx:1.27")
        await at.press("s", "r", "u", "e")
        await at.pilot.pause(0.3)
        assert isinstance(at.app.screen, ImagesScreen)
        assert engine.all == list(crowd())


async def test_an_image_that_goes_elsewhere_goes_here(engine: FakeEngine) -> None:
    async with desk(engine) as at:
        await at.press("2")
        await at.see("postgres:16")
        engine.images.all = [each for each in engine.images.all if "postgres:16" not in each.references]
        engine.happen_to_image("delete", "postgres:16")
        await at.see_no("postgres:16")


async def test_a_machine_without_images_says_how_to_get_one(engine: FakeEngine) -> None:
    engine.images.all = []
    async with desk(engine) as at:
        await at.press("2")
        await at.see("no images yet: p pulls one")


async def test_five_hundred_images_scroll(engine: FakeEngine) -> None:
    engine.images.all = [image(number, f"image-{number:03}:1") for number in range(500)]
    async with desk(engine, size=(80, 24)) as at:
        await at.press("2")
        await at.see("image-000")
        await at.press("end")
        await at.see("image-499")


# --- what keys do ---


async def test_an_image_is_run_with_its_own_command(engine: FakeEngine) -> None:
    async with desk(engine) as at:
        await at.press("2")
        await at.see("nginx:1.27")
        await at.press("n")
        await at.see("run a container")
        assert at.app.screen.query_one("#image", Input).value == "nginx:1.27"
        assert at.app.screen.query_one("#command", Input).value == ""
        await at.press("enter")
        await at.see_no("run a container")
        await at.until(lambda: engine.all[0].request.image == "nginx:1.27")


async def test_removing_says_what_goes_and_asks(engine: FakeEngine) -> None:
    async with desk(engine) as at:
        await at.press("2")
        await at.see("nginx:1.27")
        await at.press("d")
        await at.see("remove nginx:1.27", "Its names nginx:1.27, web:latest go", "1 of its 4 layers")
        await at.press("escape")
        await at.see_no("Its names")
        assert engine.images.removed == []
        await at.press("d")
        await at.see("remove nginx:1.27")
        await at.press("y")
        await at.see_no("nginx:1.27")
        assert len(engine.images.removed) == 1


async def test_removing_what_is_in_use_says_by_whom(engine: FakeEngine) -> None:
    engine.images.all[0] = image(1, "nginx:1.27", id="sha256:" + "1" * 64)
    engine.all = engine.all[:1]
    async with desk(engine) as at:
        await at.press("2")
        await at.see("1 / 1")
        await at.press("d")
        await at.see("web uses it: its name nginx:1.27 will be taken away, and the image", "y  take the name away")


async def test_a_further_name_is_given_and_a_wrong_one_refused(engine: FakeEngine) -> None:
    async with desk(engine) as at:
        await at.press("2", "down")
        await at.until(lambda: selected(at) == "postgres:16")
        await at.press("a")
        await at.see("a further name for postgres:16")
        await at.type("not a name".replace(" ", "_"))
        field = at.app.focused
        assert isinstance(field, Input)
        field.value = "not a name"
        await at.press("enter")
        await at.see("isn't a name")
        await at.type("db")
        await at.press("enter")
        await at.see_no("a further name for")
        await at.until(lambda: "db" in (at.app.images.selected or engine.images.all[0]).references)


async def test_what_an_image_is_and_how_it_came_to_be(engine: FakeEngine) -> None:
    async with desk(engine, size=(140, 50)) as at:
        await at.press("2")
        await at.see("nginx:1.27")
        await at.press("i")
        await at.see("web:latest", "/docker-entrypoint.sh", "daemon off;", "NGINX=1.27", "how it came to be")
        await at.see("ADD file:4bba6e1d in /", "maintainer=somebody")
        assert "\x1b" not in at.text
        await at.press("escape")
        await at.see_no("how it came to be")


# --- pulls ---


async def test_a_pull_shows_each_layer_and_is_selected_when_it_is_here(engine: FakeEngine) -> None:
    async with desk(engine) as at:
        await at.press("2", "p")
        await at.see("pull an image")
        await at.type("alpine")
        await at.press("enter")
        await at.see("◌ alpine", "aa11", "downloading", "12M / 40M", "bb22", "unpacking", "cc33", "ready", "c cancel")
        assert engine.images.pulled == [("alpine", None)]
        engine.images.gate.set()
        await at.hear("alpine:latest was pulled")
        await at.see_no("aa11")
        await at.until(lambda: selected(at) == "alpine:latest")


async def test_a_pull_goes_on_while_one_looks_elsewhere(engine: FakeEngine) -> None:
    async with desk(engine) as at:
        await at.press("2", "p")
        await at.type("alpine")
        await at.press("enter")
        await at.see("aa11")
        await at.press("1")
        await at.see("CPU %")
        engine.images.gate.set()
        await at.hear("alpine:latest was pulled")
        await at.press("2")
        await at.see("alpine:latest")


async def test_a_cancelled_pull_is_suggested_again(engine: FakeEngine) -> None:
    async with desk(engine) as at:
        await at.press("2", "p")
        await at.type("alpine")
        await at.press("tab")
        await at.type("linux/arm64")
        await at.press("enter")
        await at.see("aa11")
        await at.press("c")
        await at.see("alpine  cancelled; what has arrived is kept", "p goes on with it")
        await at.press("p")
        await at.see("pull an image")
        await at.press("enter")
        await at.see("aa11")
        assert engine.images.pulled == [("alpine", "linux/arm64")] * 2
        await at.press("c")
        await at.see("cancelled")
        await at.press("c")
        await at.see_no("cancelled")


async def test_why_a_pull_failed_stays_until_one_has_seen_it(engine: FakeEngine) -> None:
    async with desk(engine) as at:
        await at.press("2", "p")
        await at.type("nowhere/image")
        await at.press("enter")
        await at.see("✕ nowhere/image", "can't be reached")
        await at.press("c")
        await at.see_no("✕ nowhere/image")


@pytest.mark.parametrize(
    ("field", "text", "says"),
    [(0, "", "an image is needed"), (0, "Not/Right", "Not/Right"), (1, "a/b/c/d", "a/b/c/d")],
)
async def test_what_can_t_be_pulled_is_said_beside_the_field(
    engine: FakeEngine, field: int, text: str, says: str
) -> None:
    async with desk(engine) as at:
        await at.press("2", "p")
        await at.see("pull an image")
        await at.type("alpine")
        await at.press(*["tab"] * field)
        await at.type(text)
        await at.press("enter")
        await at.see("pull an image", says)
        assert engine.images.pulled == []


# --- layers and files ---


async def test_a_layer_lists_what_it_does(engine: FakeEngine) -> None:
    async with desk(engine, size=(140, 40)) as at:
        await at.press("2")
        await at.see("all together", "wasted 3.0M", "efficiency")
        await at.press("enter")
        await at.until(lambda: at.app.screen.query_one(LayerList).has_focus)
        await at.press("down", "down")
        await at.see("files with layer 3 · \N{MINUS SIGN}3")
        await at.press("enter", "m")
        await at.see("changes of layer 3", "▾ var/", "▸ apt/")
        assert "usr/" not in at.text
        await at.press("end")
        await at.see("/var/lib/apt · folder · 3.0M", "gone by  layer 3 · RUN rm -rf", "hides    layer 2")
        await at.press("right")
        await at.see("▾ apt/", "▸ lists/")
        await at.press("left")
        await at.see_no("lists/")
        await at.press("left")
        await at.see("/var/lib · folder")
        await at.press("m")
        await at.see("usr/")


async def test_a_file_says_what_it_hides(engine: FakeEngine) -> None:
    async with desk(engine, size=(140, 40)) as at:
        await at.press("2", "enter", "enter")
        await at.until(lambda: at.app.screen.query_one(FileTree).has_focus)
        await at.see("etc/")
        await at.press("enter", "down", "down")
        await at.see("/etc/passwd · file · 950B", "from     layer 2 · 950B · RUN apt-get", "hides    layer 1 · 900B")


async def test_names_of_files_send_no_commands(engine: FakeEngine) -> None:
    async with desk(engine, size=(140, 40)) as at:
        await at.press("2", "enter", "enter")
        await at.see("srv/")
        await at.press("down", "enter", "down")
        await at.see("index�[31m.html", "/srv/index�[31m.html")


async def test_files_are_found_by_name_and_by_path(engine: FakeEngine) -> None:
    async with desk(engine, size=(140, 40)) as at:
        await at.press("2", "enter", "enter")
        await at.see("etc/")
        await at.press("slash", *"nginx")
        await at.see("▾ usr/", "▾ sbin/", "nginx", "1 found")
        await at.see_no("etc/")
        await at.press("enter")
        await at.see("/usr/sbin/nginx · file · 1.0M")
        await at.press("escape")
        await at.see("etc/", "/usr/sbin/nginx" if "sbin" in at.text else "files of all layers")
        await at.press("slash", *"tc/gr")
        await at.see("group")
        assert "passwd" not in at.text


async def test_layers_are_read_once(engine: FakeEngine) -> None:
    async with desk(engine) as at:
        await at.press("2")
        await at.see("all together")
        assert engine.read.count("explore") == 1
        await at.press("down")
        await at.see("layers 3")
        await at.press("home")
        await at.see("layers 4")
        await at.pilot.pause(0.3)
        assert engine.read.count("explore") == 2


async def test_an_image_that_can_t_be_read_says_so(engine: FakeEngine) -> None:
    engine.images.paths = None
    async with desk(engine) as at:
        await at.press("2")
        await at.see("there is no such image any more")


async def test_the_explorer_can_have_the_whole_screen(engine: FakeEngine) -> None:
    async with desk(engine) as at:
        await at.press("2")
        await at.see("all together")
        await at.press("plus")
        await at.see_no("postgres:16")
        await at.see("etc/")
        await at.press("escape")
        await at.see("postgres:16")


async def test_the_mouse_opens_folders_and_goes_to_layers(engine: FakeEngine) -> None:
    async with desk(engine) as at:
        await at.press("2")
        await at.see("etc/")
        layers, files = at.app.screen.query_one(LayerList), at.app.screen.query_one(FileTree)
        await at.pilot.click(layers, offset=(5, 3))
        await at.see("files with layer 3")
        await at.pilot.click(files, offset=(20, 1), times=2)
        await at.see("▾ etc/")


# --- a container's files ---


async def test_a_containers_files_begin_with_what_it_has_changed(engine: FakeEngine, tmp_path: Path) -> None:
    upper = engine.layers.upper
    (upper / "etc").mkdir(parents=True)
    (upper / "etc/hosts").write_text("127.0.0.1 localhost")
    async with desk(engine, size=(140, 40)) as at:
        await at.press("f")
        await at.see("files of web", "changes of its own layer", "own", "▾ etc/", "hosts")
        await at.press("end")
        await at.see("/etc/hosts · file · 19B", "from     the container's own layer")
        (upper / "etc/passwd").write_text("root")
        await at.see("passwd", "~")
        (upper / "etc/hosts").unlink()
        await at.see_no("hosts")
        await at.press("escape")
        await at.see("CPU %")


async def test_nothing_is_looked_at_once_the_files_are_left(
    engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tui.exploration._RENEWAL_SECONDS", 0.05)
    async with desk(engine) as at:
        await at.press("f")
        await at.see("nothing was changed here: m shows all files")
        await at.until(lambda: engine.layers.looks > 1)
        await at.press("f")
        await at.see("CPU %")
        seen: list[int] = []
        while len(seen) < 2 or (seen[-1] != seen[-2] and len(seen) < 15):
            seen.append(engine.layers.looks)
            await at.pilot.pause(1.5)
        assert seen[-1] == seen[-2], f"it goes on: {seen}"


async def test_help_tells_of_images(engine: FakeEngine) -> None:
    async with desk(engine, size=(120, 70)) as at:
        await at.press("2")
        await at.see("nginx:1.27")
        shown = [each.binding for each in at.app.screen.active_bindings.values() if each.binding.show]
        await at.press("question_mark")
        await at.see("Images", *(binding.tooltip for binding in shown))


async def test_a_container_that_never_ran_has_files_too() -> None:
    async with desk(FakeEngine(container(1, "one"))) as at:
        await at.press("f")
        await at.see("there is no such image any more")


async def test_what_is_typed_at_once_lands_in_the_field_that_it_opens(engine: FakeEngine) -> None:
    async with desk(engine) as at:
        await at.see("metrics")
        for start, text, seen in (
            ((), "/db", "1 of 8"),
            (("2",), "/pad", "0 of 5"),
            (("tab",), "/dpa", "0 found"),
        ):
            await at.press(*start)
            await at.pilot.pause(0.3)
            for letter in text:
                at.app.post_message(events.Key("slash" if letter == "/" else letter, letter))
            await at.see(seen)
            assert len(at.app.screen_stack) == (1 if seen == "1 of 8" else 2)
            await at.press("escape")


async def test_what_keys_do_to_images_can_be_found_by_name(engine: FakeEngine) -> None:
    async with desk(engine, size=(120, 50)) as at:
        await at.press("2")
        await at.see("nginx:1.27")
        await at.press("colon")
        await at.see("remove nginx:1.27", "inspect nginx:1.27", "pull")
        await at.press(*"inspect")
        await at.see_no("remove nginx:1.27")
        await at.press("enter")
        await at.see("how it came to be")
