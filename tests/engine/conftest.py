"""An engine on a root of its own. The image is assembled once; every test starts and ends without containers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from engine import Engine


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


@pytest.fixture
async def engine(engine_folders: tuple[str, str]) -> AsyncIterator[Engine]:
    async with Engine.open(*engine_folders) as engine:
        await engine.images.ensure("base")
        yield engine
        for container in await engine.containers.list(all_states=True):
            await engine.containers.remove(container.id, force=True)
