"""Images come in, are found, and go, and leave nothing behind."""

from __future__ import annotations

import asyncio
import bz2
import gzip
import hashlib
import io
import json
import lzma
import os
import sqlite3
import subprocess
import sys
import tarfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from engine.errors import BoxdeckError, Conflict, ImageError, InvalidRequest, NotFound
from engine.images.collect import sweep_temporary
from engine.images.images import Images
from engine.images.layers import lower_directories, read_file
from engine.images.lock import adding_content
from engine.model import Image
from engine.paths import Paths
from engine.store.database import Database

if TYPE_CHECKING:
    from tests.engine.images.conftest import Layout, MakeMember, MakeTar


def folders(paths: Paths) -> list[list[str]]:
    """What is in the blobs', the layers' and the temporary folder."""
    return [
        sorted(os.listdir(path)) if path.is_dir() else []
        for path in (paths.blobs / "sha256", paths.layers / "sha256", paths.temporary)
    ]


NOTHING: list[list[str]] = [[], [], []]


def add_container(database: Database, image_id: str, name: str = "web", state: str = "exited") -> None:
    database.execute(
        "INSERT INTO containers (id, name, image_id, state, record) VALUES (?, ?, ?, ?, ?)",
        (name * 20, name, image_id, state, b"{}"),
    )


def run(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


# Loading layouts


async def test_a_layout_in_a_folder_is_loaded(
    images: Images, layout: Layout, tar: MakeTar, member: MakeMember, paths: Paths
) -> None:
    bottom, top = tar(member("etc/name", b"old"), member("etc/other", b"x")), tar(member("etc/name", b"new"))
    image = layout.image(bottom, top, Env=["A=1"], Cmd=["/bin/app"], Entrypoint=["/init"], User="7", WorkingDir="/w")
    image["annotations"] = {"org.opencontainers.image.ref.name": "quay.io/team/app:1.0"}
    (loaded,) = await images.load(layout.finish(image))
    assert loaded.references == ("quay.io/team/app:1.0",)
    assert loaded.config.command == ("/bin/app",)
    assert (loaded.config.entrypoint, loaded.config.env) == (("/init",), ("A=1",))
    assert (loaded.config.user, loaded.config.working_dir) == ("7", "/w")
    assert loaded.manifest_digest == image["digest"]
    assert loaded.created_unix_ns == 1_709_208_000_500_000_000
    assert loaded.size_bytes == 7
    lowers = lower_directories(paths, loaded)
    assert len(lowers) == 2
    assert read_file(lowers, "etc/name") == b"new"
    assert await images.get("quay.io/team/app:1.0") == loaded
    assert await images.get(loaded.id) == await images.get(loaded.id[7:19]) == loaded
    assert await images.get(f"quay.io/team/app@{loaded.manifest_digest}") == loaded


@pytest.mark.parametrize("name", ["My App_2.tar", "My App_2.tar.gz"])
async def test_a_layout_in_a_tar_is_loaded_and_named_after_its_file(
    images: Images, layout: Layout, tar: MakeTar, member: MakeMember, tmp_path: Path, name: str, paths: Paths
) -> None:
    layout.finish(layout.image(tar(member("a", b"x"))))
    (loaded,) = await images.load(layout.packed(tmp_path / name))
    assert loaded.references == ("my-app-2:latest",)
    assert read_file(lower_directories(paths, loaded), "a") == b"x"
    assert folders(paths)[2] == []


@pytest.mark.parametrize(
    ("annotations", "expected"),
    [
        ({"org.opencontainers.image.ref.name": "v2"}, "layout:v2"),
        ({"org.opencontainers.image.ref.name": "docker.io/library/x:3"}, "x:3"),
        ({"org.opencontainers.image.ref.name": "v2", "io.containerd.image.name": "docker.io/library/y:v2"}, "y:v2"),
        (None, "layout:latest"),
    ],
)
async def test_a_layouts_annotations_name_its_image(
    images: Images, layout: Layout, tar: MakeTar, member: MakeMember, annotations: dict[str, str] | None, expected: str
) -> None:
    image = layout.image(tar(member("a", b"x")))
    image["annotations"] = annotations
    (loaded,) = await images.load(layout.finish(image))
    assert loaded.references == (expected,)


async def test_of_a_nested_index_this_machines_image_is_loaded(
    images: Images, layout: Layout, tar: MakeTar, member: MakeMember, paths: Paths
) -> None:
    mine = layout.image(tar(member("mine", b"x")))
    foreign = layout.image(tar(member("foreign", b"x")), architecture="vax")
    foreign["platform"] = {"os": "linux", "architecture": "vax"}
    attestation = layout.image(tar(member("no", b"x")))
    attestation["platform"] = {"os": "unknown", "architecture": "unknown"}
    index = layout.index(foreign, attestation, mine)
    index["annotations"] = {"org.opencontainers.image.ref.name": "multi:1"}
    (loaded,) = await images.load(layout.finish(index))
    assert loaded.references == ("multi:1",)
    assert read_file(lower_directories(paths, loaded), "mine") == b"x"


async def test_gzip_layers_are_loaded(
    images: Images, layout: Layout, tar: MakeTar, member: MakeMember, paths: Paths
) -> None:
    plain = tar(member("a", b"x" * 5000))
    (loaded,) = await images.load(layout.finish(layout.image(gzip.compress(plain), uncompressed=(plain,))))
    assert read_file(lower_directories(paths, loaded), "a") == b"x" * 5000


async def test_two_images_share_a_layer(
    images: Images, layout: Layout, tar: MakeTar, member: MakeMember, paths: Paths
) -> None:
    shared, own = tar(member("a", b"12345")), tar(member("b", b"678"))
    first, second = layout.image(shared), layout.image(shared, own)
    first["annotations"] = {"org.opencontainers.image.ref.name": "one:1"}
    second["annotations"] = {"org.opencontainers.image.ref.name": "two:1"}
    loaded = await images.load(layout.finish(first, second))
    assert [image.size_bytes for image in loaded] == [5, 8]
    assert len(folders(paths)[1]) == 2
    await images.remove("one:1")
    assert len(folders(paths)[1]) == 2
    await images.remove("two:1")
    assert folders(paths) == NOTHING


async def test_loading_again_changes_nothing_and_a_name_moves(
    images: Images, layout: Layout, tar: MakeTar, member: MakeMember
) -> None:
    image = layout.image(tar(member("a", b"1")))
    image["annotations"] = {"org.opencontainers.image.ref.name": "app:1"}
    (first,) = await images.load(layout.finish(image))
    assert await images.load(layout.finish(image)) == (first,)
    other = layout.image(tar(member("a", b"2")))
    other["annotations"] = image["annotations"]
    (second,) = await images.load(layout.finish(other))
    assert (await images.get("app:1")).id == second.id
    assert (await images.get(first.id)).references == ()


async def test_what_docker_saved_is_loaded(
    images: Images, tar: MakeTar, member: MakeMember, tmp_path: Path, paths: Paths
) -> None:
    layer = tar(member("etc/name", b"docker"))
    config = {
        "architecture": "",
        "os": "linux",
        "config": {"Cmd": ["sh"], "Env": None},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"] * 2},
    }
    manifest = [{"Config": "c.json", "RepoTags": ["app:1", "quay.io/app:2"], "Layers": ["x/layer.tar", "y/layer.tar"]}]
    saved = tmp_path / "saved.tar"
    saved.write_bytes(
        tar(
            member("x/layer.tar", layer),
            member("y/layer.tar", type=tarfile.SYMTYPE, link="../x/layer.tar"),
            member("c.json", json.dumps(config).encode()),
            member("manifest.json", json.dumps(manifest).encode()),
        )
    )
    (loaded,) = await images.load(saved)
    assert loaded.references == ("app:1", "quay.io/app:2")
    assert loaded.config.command == ("sh",)
    assert read_file(lower_directories(paths, loaded), "etc/name") == b"docker"


# Bad layouts


async def check_refused(images: Images, path: Path, paths: Paths, match: str) -> None:
    with pytest.raises(BoxdeckError, match=match) as caught:
        await images.load(path)
    assert "\n" not in str(caught.value)
    assert folders(paths) == NOTHING
    assert await images.list() == ()


async def test_an_image_for_another_machine_is_refused(
    images: Images, layout: Layout, tar: MakeTar, member: MakeMember, paths: Paths
) -> None:
    await check_refused(images, layout.finish(layout.image(tar(member("a")), architecture="vax")), paths, "linux/vax")


async def test_an_index_without_this_machine_is_refused(
    images: Images, layout: Layout, tar: MakeTar, member: MakeMember, paths: Paths
) -> None:
    foreign = layout.image(tar(member("a")), architecture="vax")
    foreign["platform"] = {"os": "linux", "architecture": "vax"}
    await check_refused(images, layout.finish(layout.index(foreign)), paths, "no image for linux/")


async def test_a_blob_that_was_tampered_with_is_refused(
    images: Images, layout: Layout, tar: MakeTar, member: MakeMember, paths: Paths
) -> None:
    layer = tar(member("a", b"good"))
    layout.finish(layout.image(layer))
    (layout.folder / "blobs/sha256" / hashlib.sha256(layer).hexdigest()).write_bytes(tar(member("a", b"evil")))
    await check_refused(images, layout.folder, paths, "has the digest")


async def test_a_diff_id_that_lies_is_refused(
    images: Images, layout: Layout, tar: MakeTar, member: MakeMember, paths: Paths
) -> None:
    layer, other = tar(member("a", b"good")), tar(member("a", b"evil"))
    await check_refused(images, layout.finish(layout.image(layer, uncompressed=(other,))), paths, "diff id")


async def test_a_hostile_layer_is_refused_whole(
    images: Images, layout: Layout, tar: MakeTar, member: MakeMember, paths: Paths
) -> None:
    layer = tar(member("a", b"x"), member("../../escape", b"x"))
    await check_refused(images, layout.finish(layout.image(layer)), paths, "leads out")


async def test_zstd_that_is_damaged_is_named_in_one_sentence(images: Images, layout: Layout, paths: Paths) -> None:
    image = layout.image(b"\x28\xb5\x2f\xfd" + b"x" * 100)
    await check_refused(images, layout.finish(image), paths, "zstd")


async def test_a_missing_blob_is_named(
    images: Images, layout: Layout, tar: MakeTar, member: MakeMember, paths: Paths
) -> None:
    layout.finish(layout.image(tar(member("a"))))
    next(path for path in (layout.folder / "blobs/sha256").iterdir() if path.stat().st_size > 2000).unlink()
    await check_refused(images, layout.folder, paths, "lacks blobs/sha256/")


async def test_a_layout_whose_links_lead_out_is_refused(
    images: Images, layout: Layout, tar: MakeTar, member: MakeMember, paths: Paths, tmp_path: Path
) -> None:
    layout.finish(layout.image(tar(member("a"))))
    (layout.folder / "index.json").rename(tmp_path / "elsewhere.json")
    (layout.folder / "index.json").symlink_to("../elsewhere.json")
    await check_refused(images, layout.folder, paths, "neither index.json")


@pytest.mark.parametrize("text", ["", "[]", '{"manifests": [{"digest": "sha256:../../../etc/passwd", "size": 1}]}'])
async def test_an_index_that_is_none_is_refused(images: Images, layout: Layout, paths: Paths, text: str) -> None:
    (layout.folder / "index.json").write_text(text)
    await check_refused(images, layout.folder, paths, "can't be read|no sha256 digest")


async def test_an_index_in_circles_ends(images: Images, layout: Layout, paths: Paths) -> None:
    deepest = layout.index()
    for _ in range(10):
        deepest = layout.index(deepest)
    await check_refused(images, layout.finish(deepest), paths, "no image for")


async def test_what_is_no_image_is_refused(images: Images, paths: Paths, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("hello\n" * 1000)
    await check_refused(images, tmp_path / "text", paths, "no tar archive")
    await check_refused(images, tmp_path / "absent", paths, "there is no file")
    await check_refused(images, tmp_path, paths, "neither index.json nor manifest.json")


# Importing


@pytest.mark.parametrize("compress", [bytes, gzip.compress, bz2.compress, lzma.compress])
async def test_a_root_file_system_is_imported(
    images: Images, tar: MakeTar, member: MakeMember, tmp_path: Path, paths: Paths, compress: Callable[[bytes], bytes]
) -> None:
    (tmp_path / "rootfs").write_bytes(compress(tar(member("./etc/name", b"small"), member("bin/su", mode=0o4755))))
    image = await images.import_rootfs(tmp_path / "rootfs", "small")
    assert image.references == ("small:latest",)
    assert image.config.command == ("/bin/sh",)
    assert image.config.env == ("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",)
    lowers = lower_directories(paths, image)
    assert read_file(lowers, "etc/name") == b"small"
    assert (lowers[0] / "bin/su").stat().st_mode & 0o7777 == 0o4755


async def test_a_packed_base_is_imported_and_runs(images: Images, tmp_path: Path, paths: Paths) -> None:
    """A real root file system, packed by the real tar."""
    (lower,) = lower_directories(paths, await images.ensure("base"))
    run("tar", "-C", str(lower), "-cf", str(tmp_path / "root.tar"), ".")
    image = await images.import_rootfs(tmp_path / "root.tar", "again:1")
    (root,) = lower_directories(paths, image)
    assert run("chroot", str(root), "/bin/sh", "-c", "ls /etc | head -1") == "group\n"
    assert image.size_bytes == (await images.get("base")).size_bytes
    assert run("diff", "-r", "--no-dereference", str(lower), str(root)) == ""


async def test_an_import_that_fails_leaves_nothing(
    images: Images, tar: MakeTar, member: MakeMember, tmp_path: Path, paths: Paths
) -> None:
    (tmp_path / "bad").write_bytes(tar(member("a", b"x" * 2_000_000))[:1_000_000])
    with pytest.raises(ImageError, match="ends in the middle"):
        await images.import_rootfs(tmp_path / "bad", "bad")
    with pytest.raises(InvalidRequest, match="invalid image reference"):
        await images.import_rootfs(tmp_path / "bad", "Bad Name")
    with pytest.raises(InvalidRequest, match="digest"):
        await images.import_rootfs(tmp_path / "bad", f"x@sha256:{'a' * 64}")
    with pytest.raises(NotFound):
        await images.import_rootfs(tmp_path / "absent", "bad")
    with pytest.raises(ImageError, match="can't be read"):
        await images.import_rootfs(tmp_path, "bad")
    assert folders(paths) == NOTHING
    assert await images.list() == ()


async def test_a_cancelled_import_leaves_nothing(images: Images, tmp_path: Path, paths: Paths) -> None:
    with tarfile.open(tmp_path / "big.tar", "w") as archive:
        for number in range(3000):
            info = tarfile.TarInfo(f"d/{number}")
            info.size = 10_000
            archive.addfile(info, io.BytesIO(bytes(10_000)))
    job = images.import_rootfs(tmp_path / "big.tar", "big")
    async for progress in job:
        if progress.what.startswith("Unpacking"):
            job.cancel()
    with pytest.raises(asyncio.CancelledError):
        await job
    assert folders(paths) == NOTHING
    assert await images.list() == ()


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
