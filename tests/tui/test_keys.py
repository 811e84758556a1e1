"""Keys: presets, a person's own, what is odd about them, and where those in force are shown."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator

import pytest
from textual.binding import Binding
from textual.dom import DOMNode

import tui
from engine.config import places
from engine.config.app_side import Doubt
from engine.config.model import Config
from tests.tui.driving import desk
from tests.tui.fake_engine import FakeEngine, crowd
from tui import key_views, keymaps
from tui.widgets.shell_pane import ShellPane


@pytest.mark.parametrize("name", ["ctop", "k9s", "lazydocker"])
def test_a_preset_names_what_exists_and_no_key_does_two_things(name: str) -> None:
    assert name in keymaps.presets()
    ids = key_views.everything()
    assert set(keymaps.preset(name)) <= set(ids)
    assert list(keymaps.doubts(keymaps.preset(name), ids)) == []
    assert list(key_views.conflicts(keymaps.keymap_of({"preset": name}))) == []


def every_node() -> Iterator[type[DOMNode]]:
    """All classes of the app that may have keys."""
    for module in pkgutil.walk_packages(tui.__path__, "tui."):
        importlib.import_module(module.name)
    todo = [DOMNode]
    while todo:
        node = todo.pop()
        todo += node.__subclasses__()
        if node.__module__.startswith("tui."):
            yield node


def test_everything_with_a_key_has_an_id_says_what_it_does_and_can_have_another_key() -> None:
    known = key_views.everything()
    for node in every_node():
        for binding in node.__dict__.get("BINDINGS", []):
            assert isinstance(binding, Binding) and binding.id and binding.tooltip, (node, binding)
            assert binding.id in known, f"{binding.id} of {node.__name__} is in no view of tui.key_views"


def test_own_keys_go_over_the_presets_and_are_written_as_people_write_them() -> None:
    keymap = keymaps.keymap_of({"preset": "lazydocker", "container.stop": "shift+x, ?", "containers.filter": ","})
    assert keymap["container.logs"] == "m"
    assert keymap["container.stop"] == "X,question_mark" and keymap["containers.filter"] == "comma"


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ({"preset": "k9"}, "there is no preset k9; did you mean k9s?"),
        ({"container.stpo": "x"}, "nothing with a key is called container.stpo; did you mean container.stop?"),
        ({"zzz": "x"}, "nothing with a key is called zzz; boxdeck config keys lists all ids"),
        ({"container.stop": "ctlr+x"}, "there is no key ctlr+x; did you mean ctrl+x?"),
        ({"container.stop": "escpe"}, "there is no key escpe; did you mean escape?"),
        ({"container.stop": ""}, "container.stop has no key; give it one"),
        ({"container.stop": "r"}, "in containers, r is both container.stop and container.restart"),
        ({"pane.zoom": "x"}, "in a shell, after its leader, x is both pane.zoom and pane.end"),
        ({"container.stop": "slash"}, "in containers, / is both containers.filter and container.stop"),
    ],
)
def test_what_can_t_be_meant_is_said(keys: dict[str, str], says: str) -> None:
    first = key_views.doubts(Config(keys=keys))[0]
    assert isinstance(first, Doubt) and says in f"{first.cause}; {first.remedy}"
    assert first.path == ("keys", *keys)


def test_keys_that_change_places_are_no_conflict_nor_is_one_for_what_a_view_doesn_t_do() -> None:
    assert key_views.doubts(Config(keys={"container.stop": "r", "container.restart": "s"})) == []
    (doubt,) = key_views.doubts(Config(keys={"container.rename": "m"}))
    assert doubt.cause.startswith("in files, m is both")  # of a container, and not those of an image


async def test_keys_in_force_are_in_the_bar_the_help_and_the_palette() -> None:
    async with desk(FakeEngine(*crowd()), size=(160, 60), config=Config(keys={"container.stop": "ctrl+x"})) as at:
        assert "ctrl+x stop" in at.text.splitlines()[-1]
        await at.press("question_mark")
        await at.see("ctrl+x ")
        await at.press("escape", "colon", *"stop web")
        await at.see("stop web  ctrl+x")


async def test_settings_are_obeyed_when_they_are_saved_and_a_broken_file_changes_nothing() -> None:
    own = places.own_file()
    own.parent.mkdir(parents=True)
    own.write_text('[keys]\ncontainer.stop = "r"\n')
    async with desk(FakeEngine(*crowd()), size=(160, 40), config=Config(keys={"container.stop": "r"})) as at:
        await at.hear("in containers, r is both container.stop and container.restart")
        own.write_text('theme = "nord"\n[keys]\ncontainer.stop = "ctrl+x"\n')
        await at.see("ctrl+x stop")
        assert at.app.theme == "nord"
        own.write_text('theme = "nord"\n[keys]\ncontainer.stop = 3\n')
        await at.hear(f"{own}:3: keys.container.stop can't be 3")
        assert "ctrl+x stop" in at.text and at.app.theme == "nord"


@pytest.mark.parametrize("view", ["1", "2", "3", "4", "5", "6", "t"])
async def test_letters_move_like_arrows_in_every_view(view: str) -> None:
    """None of hjkl, g, G and brackets leads out of a view, and those that move up take back what moved down."""
    async with desk(FakeEngine(*crowd())) as at:
        if view != "1":
            await at.press(view)
        here = at.app.view
        begun = at.app.selected_name
        await at.press("j")
        below = at.app.selected_name
        await at.press("k", "G", "g", "k", "j", "k")
        assert at.app.view == here
        if view in ("1", "2", "4"):  # elsewhere the cursor is on something else than what has a name
            assert at.app.selected_name == begun != below
        await at.press("right_square_bracket", "h", "left_square_bracket")
        assert at.app.view == here


async def test_the_leader_and_the_keys_after_it_can_be_others_and_are_named_so() -> None:
    keys = {"app.leader": "ctrl+b", "pane.zoom": "Z", "pane.record": "ctrl+r"}
    async with desk(FakeEngine(*crowd()), size=(160, 60), config=Config(keys=keys)) as at:
        await at.press("e")
        await at.see("ctrl+b leave, more", "ctrl+b then")
        await at.press("ctrl+b")
        await at.see("Z zoom", "ctrl+r record", "ctrl+b itself")
        await at.press("z")  # nobody's now
        assert at.app.screen.maximized is None
        await at.press("ctrl+b", "Z")
        assert at.app.screen.maximized is not None
        await at.press("ctrl+b", "Z", "ctrl+g", "q")  # the process's
        assert isinstance(at.app.screen.focused, ShellPane)
        await at.press("ctrl+b", "q", "question_mark")
        await at.see("ctrl+b Z", "Type a ctrl+b")
        assert not isinstance(at.app.screen.focused, ShellPane)


async def test_a_preset_can_be_tried_from_the_palette() -> None:
    async with desk(FakeEngine(*crowd()), size=(160, 40)) as at:
        await at.press("colon", *"keys k9s")
        await at.see("Keys for hands that know k9s")
        await at.press("enter")
        await at.hear('preset = "k9s" under [keys]')
        await at.see("s shell", "S stop")


async def test_settings_are_obeyed_whose_folder_is_made_while_the_app_runs() -> None:
    own = places.own_file()
    own.parent.parent.mkdir(parents=True, exist_ok=True)
    async with desk(FakeEngine(*crowd()), size=(160, 40)) as at:
        await at.pilot.pause(0.3)
        own.parent.mkdir()
        own.write_text('[keys]\ncontainer.stop = "ctrl+x"\n')
        await at.see("ctrl+x stop")


async def test_a_wide_screen_has_all_keys_in_sight_at_once() -> None:
    async with desk(FakeEngine(*crowd()), size=(160, 60)) as at:
        shown = [each.binding.tooltip for each in at.app.screen.active_bindings.values() if each.binding.show]
        await at.press("question_mark")
        await at.see("Containers", "In a shell", "ctrl+g q", "boxdeck config keys", *shown)
