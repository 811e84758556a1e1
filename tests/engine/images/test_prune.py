"""Pruning: what nobody needs goes, with all of its content and nothing else's."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from engine.images.images import Images
from engine.images.lock import adding_content
from engine.paths import Paths
from engine.pruning import LabelFilter, PruneFilter
from engine.store.database import Database
from tests.engine.images.conftest import Layout, MakeMember, MakeTar


@pytest.fixture
async def made(images: Images, layout: Layout, tar: MakeTar, member: MakeMember) -> dict[str, str]:
    """Ids by name: ``one``, and ``two`` which shares its layer; both of 2024."""
    shared = tar(member("shared", os.urandom(100_000)))
    one = layout.image(shared, Labels={"keep": "yes", "of": "one"})
    two = layout.image(shared, tar(member("more", os.urandom(100_000))), Labels={"of": "two"})
    named = [
        {**image, "annotations": {"org.opencontainers.image.ref.name": f"{name}:1"}}
        for name, image in (("one", one), ("two", two))
    ]
    await images.load(layout.finish(*named))
    return {name: (await images.get(f"{name}:1")).id for name in ("one", "two")}


def content(paths: Paths) -> list[str]:
    folders = (paths.blobs / "sha256", paths.layers / "sha256", paths.temporary)
    return sorted(path.name for folder in folders if folder.is_dir() for path in folder.iterdir())


async def forget(images: Images, database: Database, name: str) -> None:
    """Take a name away without anything else, as a pull that moves it does."""
    with database.transaction():
        database.execute("DELETE FROM image_references WHERE reference = ?", (name,))


def use(database: Database, image_id: str) -> None:
    database.execute(
        "INSERT INTO containers (id, name, image_id, state, record) VALUES ('c', 'c', ?, 'exited', ?)",
        (image_id, b"{}"),
    )


async def test_only_what_has_no_name_goes(
    images: Images, paths: Paths, database: Database, made: dict[str, str]
) -> None:
    assert (await images.prune(PruneFilter())).lines == ()
    await forget(images, database, "two:1")
    pruned = await images.prune(PruneFilter())
    assert pruned.lines == (f"Deleted: {made['two']}",)
    assert 200_000 <= pruned.reclaimed_bytes < 300_000  # its own layer as a blob and unpacked, and documents
    assert [image.id for image in await images.list()] == [made["one"]]
    assert len(content(paths)) == 4  # of the other: manifest, config, layer as a blob and unpacked


async def test_all_that_isn_t_used_goes_by_request(
    images: Images, paths: Paths, database: Database, made: dict[str, str]
) -> None:
    use(database, made["one"])
    pruned = await images.prune(PruneFilter(), named=True)
    assert pruned.lines == ("Untagged: two:1", f"Deleted: {made['two']}")
    database.execute("DELETE FROM containers", ())
    assert (await images.prune(PruneFilter(), named=True)).lines == ("Untagged: one:1", f"Deleted: {made['one']}")
    assert content(paths) == []


@pytest.mark.parametrize(
    ("request_", "gone"),
    [
        (PruneFilter(until_unix_ns=1_700_000_000 * 10**9), set()),
        (PruneFilter(until_unix_ns=1_710_000_000 * 10**9), {"one", "two"}),
        (PruneFilter(labels=(LabelFilter(name="keep"),)), {"one"}),
        (PruneFilter(labels=(LabelFilter(name="keep", negated=True),)), {"two"}),
        (PruneFilter(labels=(LabelFilter(name="of", value="two"),)), {"two"}),
        (PruneFilter(labels=(LabelFilter(name="of", value="three"),)), set()),
        (PruneFilter(labels=(LabelFilter(name="of"), LabelFilter(name="keep"))), {"one"}),
    ],
)
async def test_filters_choose(images: Images, made: dict[str, str], request_: PruneFilter, gone: set[str]) -> None:
    await images.prune(request_, named=True)
    assert {image.references[0].removesuffix(":1") for image in await images.list()} == set(made) - gone


async def test_what_a_killed_collection_left_goes_with_the_next(
    images: Images, paths: Paths, database: Database, made: dict[str, str]
) -> None:
    with database.transaction():  # as if killed between the two steps
        database.execute("DELETE FROM images WHERE id = ?", (made["two"],))
    stray = paths.blobs / "sha256" / ("0" * 64)
    stray.write_bytes(b"x" * 5000)
    assert (await images.prune(PruneFilter())).reclaimed_bytes >= 200_000
    assert len(content(paths)) == 4 and not stray.exists()


async def test_content_that_just_comes_in_is_left_alone(images: Images, paths: Paths, made: dict[str, str]) -> None:
    before = content(paths)
    async with adding_content(paths):
        pruned = await images.prune(PruneFilter(), named=True)
        assert (len(pruned.lines), pruned.reclaimed_bytes, content(paths)) == (4, 0, before)
    assert (await images.prune(PruneFilter())).reclaimed_bytes > 0
    assert content(paths) == []


async def test_many_prunes_at_once_are_one(images: Images, paths: Paths, made: dict[str, str]) -> None:
    others = [Images(paths, Database(paths.database)) for _ in range(3)]
    pruned = await asyncio.gather(*(each.prune(PruneFilter(), named=True) for each in others))
    assert sorted(len(each.lines) for each in pruned) == [0, 0, 4]
    await images.prune(PruneFilter())
    assert content(paths) == []


def test_a_label_filter_reads_labels(tmp_path: Path) -> None:
    assert LabelFilter(name="a").passes({"a": ""}) and not LabelFilter(name="a").passes({})
    assert LabelFilter(name="a", value="").passes({"a": ""}) and not LabelFilter(name="a", value="b").passes({"a": ""})
