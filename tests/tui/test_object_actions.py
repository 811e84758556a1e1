"""Keys that act on whatever is selected: all its actions, its name, all about it, its end."""

from __future__ import annotations

import json

import pytest

from engine import Engine
from engine.model import ContainerRequest, State
from engine.options import VolumeMount
from tests.tui.driving import Desk, desk
from tests.tui.fake_engine import FakeEngine, crowd
from tests.tui.test_app import PATIENT
from tui.screens.containers import ContainersScreen
from tui.widgets.shell_pane import ShellPane


async def in_view(at: Desk, key: str, *texts: str) -> None:
    await at.press(key)
    await at.see(*texts)


async def test_all_actions_of_what_is_selected_are_listed_with_their_keys_and_do_it() -> None:
    async with desk(FakeEngine(*crowd())) as at:
        await at.press("x")
        await at.see("─ web ─", "s  ", "Stop it; after ten seconds", "K  ", "i  ", "a key or enter does it")
        await at.press("R")
        await at.see("another name for web")
        await at.press("escape", "x", "escape")
        assert isinstance(at.app.screen, ContainersScreen)
        await at.press("2", "x")
        await at.see("nginx:1.27", "Run a container of it", "Give it a further name")
        await at.press("a")
        await at.see("a further name for nginx:1.27")
        await at.press("escape", "4", "x")
        await at.see("─ data ─", "Remove it with its files; asks first")
        await at.press("escape", "6", "x")
        await at.see("─ web ─", "Change its limits")


@pytest.mark.parametrize(("view", "name"), [("1", "web"), ("2", "nginx:1.27"), ("4", "data"), ("5", "web")])
async def test_the_name_of_what_is_selected_is_copied(view: str, name: str) -> None:
    async with desk(FakeEngine(*crowd())) as at:
        if view != "1":
            await at.press(view)
        await at.until(lambda: at.app.selected_name == name)
        await at.press("y")
        await at.hear(f"copied {name}")
        assert at.app.clipboard == name


async def test_the_palette_goes_to_every_object_from_every_view() -> None:
    async with desk(FakeEngine(*crowd())) as at:
        await at.press("6", "ctrl+p", *"container metrics")
        await at.see("container metrics")
        await at.press("enter")
        await at.until(lambda: isinstance(at.app.screen, ContainersScreen) and at.app.selected_name == "metrics")
        await at.press("colon", *"volume site")
        await at.see("volume site")
        await at.press("enter")
        await at.until(lambda: at.app.view == "volumes" and at.app.selected_name == "site")
        await at.press("colon", *"image postgres")
        await at.see("image postgres:16")
        await at.press("enter")
        await at.until(lambda: at.app.view == "images" and at.app.selected_name == "postgres:16")


async def test_a_container_is_inspected_killed_after_a_question_and_has_a_shell_on_the_whole_screen(
    engine: Engine,
) -> None:
    await engine.containers.run(ContainerRequest(image="base", command=PATIENT, name="job"))
    async with desk(engine, size=(100, 40)) as at:
        await at.see("1 of 1 running")
        await at.press("i")
        await at.see('"Name": "/job"', '"RestartCount": 0')
        await at.press("y")
        assert json.loads(at.app.clipboard)["Name"] == "/job"
        await at.press("G")
        await at.see_no('"RestartCount"')
        await at.press("escape", "minus")
        await at.until(lambda: at.app.screen.maximized is not None)
        await at.press("e")
        await at.until(lambda: isinstance(at.app.focused, ShellPane) and at.app.screen.maximized is None)
        await at.press("ctrl+g", "q", "E")
        await at.until(lambda: isinstance(at.app.screen.maximized, ShellPane))
        await at.until(lambda: at.app.screen.maximized is at.app.focused)
        await at.press("ctrl+g", "q")
        await at.until(lambda: at.app.screen.maximized is None)
        await at.press("K")
        await at.see("kill job", "SIGKILL", "is lost")
        await at.press("enter")
        await at.see_no("kill job")
        assert (await engine.containers.get("job")).state is State.RUNNING
        await at.press("K", "y")
        await at.see("exited 137")


async def test_what_is_lost_with_a_container_is_said_before(engine: Engine) -> None:
    mount = VolumeMount(name="notes", destination="/notes")
    writes = ("sh", "-c", "head -c 3145728 /dev/zero > /file; sleep 1000")
    await engine.containers.run(ContainerRequest(image="base", command=writes, name="writer", volumes=(mount,)))
    try:
        async with desk(engine) as at:
            await at.until(lambda: at.app.selected_name == "writer")
            await at.press("d")
            await at.see("remove writer", "its processes will be killed", "The 3.0M that was", "What is in notes")
            await at.press("escape")
    finally:
        await engine.containers.remove("writer", force=True)
        await engine.volumes.remove("notes")
