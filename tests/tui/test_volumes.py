"""The volumes screen: every size and both themes with a made-up engine, and what keys do with the real one."""

from __future__ import annotations

import pytest

from engine import Engine
from engine.config.model import Config
from engine.model import ContainerRequest
from engine.options import VolumeMount
from tests.tui.driving import desk
from tests.tui.fake_engine import FakeEngine, crowd
from tui.screens.containers import ContainersScreen
from tui.screens.volumes import VolumesScreen

SIZES = ((80, 24), (120, 36), (200, 60))


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("theme", ["boxdeck-dark", "boxdeck-light"])
async def test_volumes_and_one_of_them_share_the_screen(size: tuple[int, int], theme: str) -> None:
    async with desk(FakeEngine(*crowd()), size=size, config=Config(theme=theme)) as at:
        await at.press("4")
        await at.see("volumes 4", "data", "old-backups", "USED BY", "no name", "folder", "holds", "12M")
        assert all(len(line) <= size[0] for line in at.text.split("\n"))


@pytest.mark.parametrize("size", [*SIZES, (40, 12), (20, 6), (300, 20)], ids=str)
async def test_it_survives_every_size(size: tuple[int, int]) -> None:
    async with desk(FakeEngine(*crowd()), size=size) as at:
        await at.press("4")
        await at.until(lambda: isinstance(at.app.screen, VolumesScreen))
        for key in ("down", "down", "d", "escape", "n", "escape", "end", "home", "question_mark", "escape"):
            await at.press(key)
            assert all(len(line) <= size[0] for line in at.text.split("\n")), key


async def test_one_is_made_used_left_alone_and_removed(engine: Engine) -> None:
    async with desk(engine) as at:
        await at.press("4")
        await at.see("no volumes yet: n makes one")
        await at.press("n", *"notes", "enter")
        await at.see("volumes 1", "no container")
        mount = VolumeMount(name="notes", destination="/notes")
        container = await engine.containers.run(
            ContainerRequest(image="base", command=("sleep", "1000"), network="none", name="writer", volumes=(mount,))
        )
        at.app.volumes.expire()
        await at.see("writer  at /notes")
        await at.press("d")
        await at.hear("in use by writer")
        await at.press("enter")
        await at.until(lambda: isinstance(at.app.screen, ContainersScreen))
        await engine.containers.remove(container.id, force=True)
        await at.press("4")
        at.app.volumes.expire()
        await at.see("no container")
        await at.see_no("writer  at")
        await at.press("d")
        await at.see("remove notes", "go from the disk")
        await at.press("n")
        assert [volume.name for volume in await engine.volumes.list()] == ["notes"]
        await at.press("d", "y")
        await at.see("no volumes yet")
        assert await engine.volumes.list() == ()


async def test_only_those_without_a_name_are_pruned(engine: Engine) -> None:
    await engine.volumes.create("kept")
    mount = VolumeMount(name="", destination="/data")
    made = await engine.containers.create(ContainerRequest(image="base", network="none", volumes=(mount,)))
    async with desk(engine) as at:
        await at.press("4")
        at.app.volumes.expire()
        await at.see("volumes 2", "no name")
        await at.press("P")
        await at.hear("nothing to prune")
        await engine.containers.remove(made.id)
        at.app.volumes.expire()
        await at.until(lambda: not any(volume.users for volume in at.app.volumes.all or ()))
        await at.press("P")
        await at.see("One volume without a name")
        await at.press("y")
        await at.see("volumes 1")
    assert [volume.name for volume in await engine.volumes.list()] == ["kept"]
