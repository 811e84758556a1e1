"""The app on a real engine: one root for all tests, `base` assembled once, no container before or after a test."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from engine import Engine


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A person's own settings and themes don't reach the tests."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture(scope="session")
def app_folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    if os.geteuid() != 0:
        pytest.skip("namespaces, cgroups and mounts need root")
    top = tmp_path_factory.mktemp("app")
    folders = (str(top / "root"), str(top / "run"))
    asyncio.run(_with_base(*folders))
    yield folders
    asyncio.run(_reset(*folders))


async def _with_base(root: str, runroot: str) -> None:
    async with Engine.open(root, runroot) as engine:
        await engine.images.ensure("base")


async def _reset(root: str, runroot: str) -> None:
    async with Engine.open(root, runroot) as engine:
        await engine.reset()


@pytest.fixture
async def engine(app_folders: tuple[str, str]) -> AsyncIterator[Engine]:
    async with Engine.open(*app_folders) as engine:
        yield engine
        for container in await engine.containers.list(all_states=True):
            await engine.containers.remove(container.id, force=True)
