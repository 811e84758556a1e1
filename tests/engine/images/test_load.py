"""Layouts and archives come in whole, or not at all."""

from __future__ import annotations

import gzip
import hashlib
import json
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from engine.errors import BoxdeckError
from engine.images.images import Images
from engine.images.layers import lower_directories, read_file
from engine.paths import Paths
from tests.engine.images.store_content import NOTHING, folders

if TYPE_CHECKING:
    from tests.engine.images.conftest import Layout, MakeMember, MakeTar


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


async def test_an_image_that_was_here_is_loaded_with_what_it_is_called_now(
    images: Images, layout: Layout, tar: MakeTar, member: MakeMember
) -> None:
    image = layout.image(tar(member("a", b"1")))
    for name in ("one:1", "two:2"):
        image["annotations"] = {"org.opencontainers.image.ref.name": name}
        (loaded,) = await images.load(layout.finish(image))
        assert loaded.references == (name,)
    assert (await images.get("one:1")).references == ("one:1", "two:2")


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
