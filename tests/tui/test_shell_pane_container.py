"""The same pane over a process in a real container."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual.pilot import Pilot

from engine import Engine
from engine.model import ContainerRequest, ExecRequest
from tests.tui.shell_desk import Desk, press, screen, until, until_shown

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="containers need root")


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[Engine]:
    async with Engine.open(str(tmp_path / "root"), str(tmp_path / "run")) as engine:
        await engine.containers.run(
            ContainerRequest(image="base", command=("sleep", "1000"), name="web", network="none")
        )
        yield engine
        await engine.reset()


@asynccontextmanager
async def shell(engine: Engine, *argv: str) -> AsyncIterator[tuple[Desk, Pilot[None]]]:
    request = ExecRequest(argv=argv, tty=True, interactive=True, env=("TERM=xterm-256color",))
    app = Desk(await engine.containers.exec("web", request))
    async with app.run_test(size=(100, 24)) as pilot:
        yield app, pilot


async def test_a_shell_edits_resizes_pages_and_ends(engine: Engine) -> None:
    async with shell(engine, "sh") as (app, pilot):
        await press(pilot, "stty size; tty", "enter")
        await until_shown(pilot, f"{app.pane.size.height} {app.pane.size.width}")
        await until_shown(pilot, "/dev/pts/")
        await pilot.resize_terminal(90, 30)
        await press(pilot, "clear; stty size", "enter")
        await until_shown(pilot, f"{app.pane.size.height} {app.pane.size.width}")
        await press(pilot, "vi /note", "enter")
        await until_shown(pilot, "~")
        await press(pilot, "ihello", "escape")
        await press(pilot, ":wq", "enter")
        await until_shown(pilot, "#")
        await press(pilot, "clear; cat /note; less /etc/passwd", "enter")
        await until_shown(pilot, "root:x:0:0")
        await press(pilot, "q")
        await until(pilot, lambda: "hello" in screen(app.pane))
        await press(pilot, "exit 7", "enter")
        await until(pilot, lambda: "ended 7" in app.notes)


async def test_top_shows_the_processes_of_the_container_alone(engine: Engine) -> None:
    async with shell(engine, "top") as (app, pilot):
        await until_shown(pilot, "PID USER")
        await until(pilot, lambda: [line.split()[-1] for line in screen(app.pane)[7:9]] == ["sleep", "top"])
        await pilot.press("q")
        await until(pilot, lambda: "ended 0" in app.notes)


async def test_a_terminal_that_is_attached_shows_at_once_what_it_showed_before(engine: Engine) -> None:
    script = "printf 'your name? '; read x; echo hello $x; sleep 1000"
    request = ContainerRequest(
        image="base", command=("sh", "-c", script), tty=True, interactive=True, network="none", name="asks"
    )
    container = await engine.containers.run(request)
    for greeting in ("your name?", "hello me"):
        app = Desk(await engine.containers.attach(container.id, past=True))
        async with app.run_test(size=(100, 24)) as pilot:
            await until_shown(pilot, greeting)
            if greeting == "your name?":
                await press(pilot, "me", "enter")
                await until_shown(pilot, "hello me")


async def test_a_closed_pane_takes_its_shell_along_but_not_the_container(engine: Engine) -> None:
    async with shell(engine, "sh") as (app, pilot):
        await press(pilot, "echo up", "enter")
        await until_shown(pilot, "up")
        await app.pane.remove()
        await pilot.pause(0.3)
    assert (await engine.containers.get("web")).is_running
    session = await engine.containers.exec("web", ExecRequest(argv=("ps", "-e", "-o", "comm=")))
    output = b""
    while (chunk := await session.read()) is not None:
        output += chunk.data
    assert output.decode().split() == ["sleep", "ps"]
    await session.close()
