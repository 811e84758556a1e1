"""What a container has written becomes an image or an archive as a whole, or not at all."""

from __future__ import annotations

import asyncio
import os

import pytest

from engine import Engine
from engine.errors import NotFound
from engine.layers import Commit
from engine.locks import ContainerLock
from engine.model import Container, ContainerRequest


async def created(engine: Engine) -> Container:
    return await engine.containers.create(ContainerRequest(image="base", command=("true",), network="none"))


def is_held(engine: Engine, container: Container) -> bool:
    with ContainerLock(engine.paths, container.id).attempt() as locked:
        return not locked


async def test_a_container_that_is_removed_before_its_turn_becomes_no_image(engine: Engine) -> None:
    container = await created(engine)
    async with ContainerLock(engine.paths, container.id).held():
        committing = asyncio.ensure_future(engine.layers.commit(container.id, Commit(name="made:1")))
        await asyncio.sleep(0.1)
        await engine.containers._crew.removal.delete_locked(container.id)
    with pytest.raises(NotFound, match="no container"):
        await committing
    assert not any("made:1" in image.references for image in await engine.images.list())


async def test_a_container_is_removed_once_it_has_become_an_image(engine: Engine) -> None:
    container = await created(engine)
    (engine.paths.upper(container.id) / "large").write_bytes(os.urandom(30_000_000))
    committing = asyncio.ensure_future(engine.layers.commit(container.id, Commit(name="made:2")))
    while not is_held(engine, container):
        await asyncio.sleep(0.001)
    await engine.containers.remove(container.id)
    image = await committing
    assert (await engine.images.explore(image.id)).stack.find("/large") is not None


async def test_half_of_a_container_that_is_removed_meanwhile_is_no_archive(engine: Engine) -> None:
    container = await created(engine)
    reader, writer = os.pipe()
    with open(reader, "rb") as archive, open(writer, "wb") as file:
        exporting = asyncio.ensure_future(engine.layers.export(container.id, file))
        await asyncio.to_thread(archive.read, 1)  # it waits now until somebody reads on
        await engine.containers.remove(container.id)
        reading = asyncio.create_task(asyncio.to_thread(archive.read))
        with pytest.raises(NotFound, match="no container"):
            await exporting
        file.close()
        await reading
