"""Several shells in the app: tabs, splits, and the same keys to all."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from engine import Engine
from engine.model import ContainerRequest, ExecRequest
from tests.tui.driving import Desk, desk
from tui.messages import ShellPlace
from tui.widgets.shell_pane import ShellPane
from tui.widgets.shells import Shells, ShellTab

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="containers need root")


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[Engine]:
    async with Engine.open(str(tmp_path / "root"), str(tmp_path / "run")) as engine:
        for name in ("db", "web"):
            request = ContainerRequest(
                image="base", command=("sleep", "1000"), name=name, hostname=name, network="none", env=("PS1=\\h$ ",)
            )
            await engine.containers.run(request)
        yield engine
        await engine.reset()


def tabs(at: Desk) -> list[list[str]]:
    """Labels of panes, tab by tab."""
    return [[pane.label for pane in tab.panes] for tab in at.app.screen.query(ShellTab)]


async def choose(at: Desk, name: str) -> None:
    at.app.containers_screen.query_one("#table").focus()
    for container in at.app.deck.listed:
        if container.name == name:
            at.app.deck.select(container.id)
    at.app.paint()
    await at.pilot.pause()


async def open_shell(at: Desk, *keys: str) -> None:
    before = len(at.app.screen.query(ShellPane))
    await at.press(*keys)
    await at.until(lambda: len(at.app.screen.query(ShellPane)) > before and isinstance(at.app.focused, ShellPane))


async def test_one_container_beside_another_and_the_same_keys_to_both(engine: Engine) -> None:
    async with desk(engine, size=(160, 40)) as at:
        await choose(at, "web")
        await open_shell(at, "e")
        await at.press("ctrl+g", "q")
        await choose(at, "db")
        await open_shell(at, "ctrl+e")
        assert tabs(at) == [["web", "db"]]
        await at.press("ctrl+g", "b")
        await at.see("same keys to 1 more")
        await at.press(*"echo here-$((1+1))-$HOSTNAME", "enter")
        await at.see("here-2-web", "here-2-db")
        await at.press("ctrl+g", "b", *"clear", "enter")
        await at.see_no("here-2-db")
        await at.see("here-2-web")


async def test_tabs_of_one_container_are_named_in_a_strip_and_survive_other_views(engine: Engine) -> None:
    async with desk(engine) as at:
        await choose(at, "web")
        await open_shell(at, "e")
        await at.press(*"echo first-$((1+1))", "enter")
        await at.see("first-2")
        await open_shell(at, "ctrl+g", "t")
        await at.see(" 1 web ", " 2 web ")
        await at.see_no("first-2")
        await at.press("ctrl+g", "n")
        await at.see("first-2")
        await at.press("ctrl+g", "q", "t")
        await at.see_no("first-2")
        await at.press("t", "e")
        await at.see("first-2")


async def test_a_split_goes_below_or_beside_and_ends_by_itself(engine: Engine) -> None:
    async with desk(engine) as at:
        await choose(at, "web")
        await open_shell(at, "e")
        await open_shell(at, "ctrl+g", "minus")
        upper, lower = at.app.screen.query(ShellPane)
        assert upper.region.y < lower.region.y and upper.region.x == lower.region.x
        assert at.app.focused is lower
        await at.press("ctrl+g", "up")
        await at.until(lambda: at.app.focused is upper)
        await at.press("ctrl+g", "x")
        await at.until(lambda: list(at.app.screen.query(ShellPane)) == [lower])
        await at.until(lambda: at.app.focused is lower)


async def test_a_split_of_a_split_shares_its_place_alone(engine: Engine) -> None:
    async with desk(engine, size=(80, 24)) as at:
        await choose(at, "web")
        await open_shell(at, "e")
        await open_shell(at, "ctrl+g", "vertical_line")
        await open_shell(at, "ctrl+g", "minus")
        left, upper, lower = at.app.screen.query_one(ShellTab).panes
        await at.until(lambda: lower.region.y > upper.region.y)
        assert left.region.y == upper.region.y and left.region.bottom == lower.region.bottom
        assert left.region.right == upper.region.x == lower.region.x
        await at.press("ctrl+g", "x")
        await at.until(lambda: at.app.screen.query_one(ShellTab).panes == [left, upper])
        await at.until(lambda: upper.region.height == left.region.height)


async def test_the_frame_says_how_to_leave(engine: Engine) -> None:
    async with desk(engine) as at:
        await choose(at, "web")
        await open_shell(at, "e")
        await at.see("ctrl+g leave, more")
        await at.press("ctrl+g")
        await at.see("n other tab", "b same keys")


async def test_a_shell_outlives_the_app_and_is_returned_to(engine: Engine) -> None:
    async with desk(engine) as at:
        await choose(at, "web")
        await open_shell(at, "e")
        await at.press(*"x=kept", "enter")
        await at.press(*"echo said-$((1+1))", "enter")
        await at.see("said-2")
    async with desk(engine) as at:
        await choose(at, "web")
        await open_shell(at, "e")
        await at.see("said-2")
        await at.press(*"echo again-$x", "enter")
        await at.see("again-kept")
        await at.press("ctrl+g", "x")
        await at.until(lambda: not at.app.screen.query(ShellPane))
    for _ in range(100):
        if not await engine.containers.sessions("web"):
            break
        await asyncio.sleep(0.05)
    assert await engine.containers.sessions("web") == ()


async def test_a_attaches_to_the_containers_own_terminal_and_leaves_it_running(engine: Engine) -> None:
    request = ContainerRequest(image="base", command=("sh",), name="own", tty=True, interactive=True, network="none")
    await engine.containers.run(request)
    async with desk(engine) as at:
        await at.see("own")
        await choose(at, "own")
        await open_shell(at, "a")
        await at.press(*"echo mine-$((1+1))", "enter")
        await at.see("mine-2", "attached · ctrl+g leave")
        await at.press("ctrl+g", "x")
        await at.until(lambda: not at.app.screen.query(ShellPane))
        assert (await engine.containers.get("own")).is_running
        await choose(at, "web")
        await at.press("a")
        await at.hear("web has no terminal of its own")


async def test_where_there_is_no_shell_one_is_offered(engine: Engine) -> None:
    bare = "rm -f /bin/sh /bin/bash /bin/dash /usr/bin/sh /usr/bin/bash /usr/bin/dash; exec sleep 1000"
    await engine.containers.run(ContainerRequest(image="base", command=("sh", "-c", bare), name="bare", network="none"))
    async with desk(engine) as at:
        await at.see("bare")
        await choose(at, "bare")
        await at.press("e")
        await at.see("bare has no shell", "bring one in")
        await open_shell(at, "enter")
        await at.press(*"tr '\\0' ' ' < /proc/1/cmdline; pwd", "enter")
        await at.see("sleep 1000", "/proc/1/root")


async def test_a_shell_that_comes_when_the_app_is_being_left_is_not_shown(engine: Engine) -> None:
    async with desk(engine, size=(120, 36)) as at:
        web = next(container for container in at.app.deck.listed if container.name == "web")
        session = await engine.containers.exec("web", ExecRequest(argv=("sleep", "1000"), tty=True))
        shells = Shells()
        await at.app.screen.mount(shells)
        await shells.remove()
        await shells.open(session, web.id, "web", ShellPlace.TAB)
        assert not shells.query(ShellPane)
        await session.close()
