"""Images are found, and go, and leave nothing behind."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from engine.errors import Conflict, InvalidRequest, NotFound
from engine.images.collect import sweep_temporary
from engine.images.images import Images
from engine.images.layers import lower_directories
from engine.images.lock import adding_content
from engine.model import Image
from engine.paths import Paths
from engine.store.database import Database
from tests.engine.images.store_content import NOTHING, folders

if TYPE_CHECKING:
    from tests.engine.images.conftest import Layout, MakeMember, MakeTar


def add_container(database: Database, image_id: str, name: str = "web", state: str = "exited") -> None:
    database.execute(
        "INSERT INTO containers (id, name, image_id, state, record) VALUES (?, ?, ?, ?, ?)",
        (name * 20, name, image_id, state, b"{}"),
    )


# Finding


@pytest.mark.parametrize("reference", ["nothing", "base:other", "a" * 64, "sha256:" + "a" * 64, "sha256:abc", "0"])
async def test_what_is_not_there_is_not_found(images: Images, reference: str) -> None:
    with pytest.raises(NotFound, match="there is no image"):
        await images.get(reference)
    with pytest.raises(NotFound, match="there is no image"):
        await images.ensure(reference)


async def test_a_malformed_reference_is_refused(images: Images) -> None:
    with pytest.raises(InvalidRequest, match="invalid image reference"):
        await images.get("Not A Name")


async def test_an_ambiguous_id_is_refused(images: Images, database: Database) -> None:
    for digit in "ab":
        database.execute("INSERT INTO images VALUES (?, '', 0, 0)", (f"sha256:12{digit * 62}",))
    with pytest.raises(InvalidRequest, match="several image ids begin with '12'"):
        await images.get("12")


# Removing


async def test_removing_the_last_name_removes_the_image_and_its_content(
    images: Images, database: Database, paths: Paths
) -> None:
    image = await images.ensure("base")
    assert await images.remove("base") == ("Untagged: base:latest", f"Deleted: {image.id}")
    assert folders(paths) == NOTHING
    assert [event.action for event in database.events_after(0)] == ["import", "untag", "delete"]
    with pytest.raises(NotFound):
        await images.remove("base")


@pytest.fixture
async def two_names(images: Images, layout: Layout, tar: MakeTar, member: MakeMember) -> Image:
    """An image with the names one:1 and two:1."""
    image = layout.image(tar(member("a", b"x")))
    for name in ("one:1", "two:1"):
        image["annotations"] = {"org.opencontainers.image.ref.name": name}
        (loaded,) = await images.load(layout.finish(image))
    return loaded


async def test_removing_one_of_several_names_keeps_the_image(images: Images, two_names: Image) -> None:
    assert await images.remove("one:1") == ("Untagged: one:1",)
    assert (await images.get("two:1")).references == ("two:1",)


async def test_removing_by_id_wants_force_when_there_are_several_names(
    images: Images, two_names: Image, paths: Paths
) -> None:
    with pytest.raises(Conflict, match="one:1, two:1"):
        await images.remove(two_names.id)
    assert await images.remove(two_names.id[7:20], force=True) == (
        "Untagged: one:1",
        "Untagged: two:1",
        f"Deleted: {two_names.id}",
    )
    assert folders(paths) == NOTHING


async def test_an_image_in_use_stays(images: Images, two_names: Image, database: Database, paths: Paths) -> None:
    add_container(database, two_names.id)
    assert await images.remove("one:1") == ("Untagged: one:1",)
    with pytest.raises(Conflict, match="in use by web: remove it first"):
        await images.remove("two:1")
    assert await images.remove("two:1", force=True) == ("Untagged: two:1",)
    assert (await images.get(two_names.id)).references == ()
    assert len(folders(paths)[1]) == 1
    with pytest.raises(Conflict):
        await images.remove(two_names.id)
    database.execute("DELETE FROM containers")
    assert await images.remove(two_names.id) == (f"Deleted: {two_names.id}",)
    assert folders(paths) == NOTHING


# Several engines, killed engines


async def test_nothing_is_collected_while_content_comes_in(images: Images, two_names: Image, paths: Paths) -> None:
    async with adding_content(paths):
        await images.remove(two_names.id, force=True)
        (paths.temporary / "half-made").write_bytes(b"x")
        sweep_temporary(paths)
        assert len(folders(paths)[1]) == 1
        assert folders(paths)[2] == ["half-made"]
    sweep_temporary(paths)
    with pytest.raises(NotFound):
        await images.remove("one:1")
    await images.ensure("base")
    await images.remove("base")
    assert folders(paths) == NOTHING


async def test_what_could_not_be_collected_then_is_when_the_content_has_come_in(
    images: Images, two_names: Image, paths: Paths
) -> None:
    async with adding_content(paths):
        await images.remove(two_names.id, force=True)
    await images.ensure("base")
    assert len(folders(paths)[1]) == 1  # the layer of base


ASSEMBLE = """
import asyncio, sys
from pathlib import Path
from engine.images.images import Images
from engine.paths import Paths
from engine.store.database import Database

async def main():
    paths = Paths(Path(sys.argv[1]), Path(sys.argv[2]))
    job = Images(paths, Database(paths.database)).ensure("base")
    print("begun", flush=True)
    await job

asyncio.run(main())
"""


@pytest.mark.parametrize("after_seconds", [0.0, 0.05, 0.15, 0.25, 0.35])
async def test_an_engine_killed_at_work_leaves_a_store_that_is_whole(
    images: Images, paths: Paths, after_seconds: float
) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", ASSEMBLE, str(paths.root), str(paths.runroot), stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"begun\n"
    await asyncio.sleep(after_seconds)
    with suppress(ProcessLookupError):
        process.kill()
    await process.wait()
    for image in await images.list():
        assert all(lower.is_dir() for lower in lower_directories(paths, image))
    sweep_temporary(paths)
    assert folders(paths)[2] == []
    (lower,) = lower_directories(paths, await images.ensure("base"))
    assert (lower / "usr/bin/sh").is_file()
    await images.remove("base")
    assert folders(paths) == NOTHING


async def test_a_store_that_lost_a_manifest_can_still_shrink(images: Images, two_names: Image, paths: Paths) -> None:
    (paths.blobs / "sha256" / two_names.manifest_digest[7:]).unlink()
    await images.remove(two_names.id, force=True)
    assert folders(paths) == NOTHING


async def test_an_image_whose_rows_cannot_be_written_leaves_no_content(
    images: Images, database: Database, paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr(database, "record_event", fail)
    with pytest.raises(sqlite3.OperationalError):
        await images.ensure("base")
    assert folders(paths) == NOTHING
    assert await images.list() == ()
