"""An engine on a root of its own. The image is assembled once; every test starts and ends without containers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from engine import Engine
from engine.launch import Launcher
from engine.paths import Paths


@pytest.fixture(scope="session")
def engine_folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    top: Path = tmp_path_factory.mktemp("engine")
    folders = (str(top / "root"), str(top / "run"))
    yield folders
    asyncio.run(_reset(*folders))
    assert not any((top / name).exists() for name in ("root", "run"))


async def _reset(root: str, runroot: str) -> None:
    async with Engine.open(root, runroot) as engine:
        await engine.reset()


@pytest.fixture(scope="session")
def kept_launcher(request: pytest.FixtureRequest, engine_folders: tuple[str, str]) -> Iterator[Launcher | None]:
    """With ``--keep-launcher``, what starts the containers of all engines, as it does for an app that is open all day.

    To start one and its first shim takes an emulated processor 8 seconds. Without the option each test's engine has a
    launcher of its own.
    """
    if not request.config.getoption("--keep-launcher"):
        yield None
        return
    launcher = Launcher(Paths.resolve(*engine_folders).cgroup_name)
    yield launcher
    launcher.close()


@pytest.fixture
async def engine(engine_folders: tuple[str, str], kept_launcher: Launcher | None) -> AsyncIterator[Engine]:
    async with Engine.open(*engine_folders) as engine:
        await engine.images.ensure("base")
        if kept_launcher is not None:
            engine.launcher = kept_launcher
        yield engine
        for container in await engine.containers.list(all_states=True):
            await engine.containers.remove(container.id, force=True)
        if kept_launcher is not None:
            del engine.launcher  # so that closing the engine doesn't end it
