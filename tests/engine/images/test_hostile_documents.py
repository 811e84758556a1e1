"""Documents and registries that lie: one sentence each, and nothing of it in the store."""

from __future__ import annotations

import gzip
import json
import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from engine.errors import BoxdeckError, ImageError, NotFound, RegistryError
from engine.images.images import Images
from engine.paths import Paths
from tests.engine.images.conftest import Layout, MakeMember, MakeTar
from tests.engine.registry.served import Handler, Served

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OUTSIDE = "sha256:../../../../../../../../etc/passwd"


pytestmark = pytest.mark.usefixtures("nobody_is_known")


@pytest.fixture
def image(layout: Layout, tar: MakeTar, member: MakeMember) -> dict[str, Any]:
    return layout.image(tar(member("hello", b"hello")))


def document(layout: Layout, descriptor: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((layout.folder / "blobs/sha256" / descriptor["digest"][7:]).read_bytes())
    return found


async def refused(images: Images, paths: Paths, layout: Layout, served: Served, image: dict[str, Any]) -> list[str]:
    """What is said when it is pulled, and when it is loaded."""
    said = []
    served.types[image["digest"]] = image["mediaType"]
    served.tags["latest"] = image["digest"]
    named = {**image, "annotations": {"org.opencontainers.image.ref.name": "hostile:1"}}
    for bring in (lambda: images.pull(f"{served.host}/image"), lambda: images.load(layout.finish(named))):
        with pytest.raises((ImageError, NotFound, RegistryError)) as raised:
            await bring()
        check_nothing_is_left(paths)
        assert await images.list() == ()
        said.append(str(raised.value))
    assert all(each.isprintable() for each in said)
    return said


def check_nothing_is_left(paths: Paths) -> None:
    folders = (paths.blobs, paths.layers, paths.temporary)
    assert [path for folder in folders for path in folder.rglob("*") if not path.is_dir()] == []


CHANGES: dict[str, tuple[str, dict[str, Any]]] = {
    "CVE-2024-3727, containers/image: a digest that is a path": ("layers", {"digest": OUTSIDE}),
    "the config's digest is a path": ("config", {"digest": OUTSIDE}),
    "a digest that is none": ("layers", {"digest": "latest"}),
    "a digest of an unknown kind": ("layers", {"digest": "md5:" + "0" * 32}),
    "a digest in capitals": ("layers", {"digest": "sha256:" + "A" * 64}),
    "a digest with a line after it": ("layers", {"digest": "sha256:" + "0" * 64 + "\n"}),
    "a layer that isn't there": ("layers", {"digest": "sha256:" + "0" * 64}),
    "a negative size": ("layers", {"size": -1}),
    "a size that is too small": ("layers", {"size": 100}),
    "a size of nothing": ("layers", {"size": 0}),
    "a size that is a word": ("layers", {"size": "100"}),
    "a size beyond all numbers": ("layers", {"size": 1 << 70}),
    "a config's size that is too small": ("config", {"size": 10}),
    "a config's size that is far too large": ("config", {"size": 1 << 40}),
    "a layer that is the config": ("layers", {}),
}  # fmt: skip


@pytest.mark.parametrize("case", CHANGES)
async def test_descriptors_that_lie(
    images: Images, paths: Paths, layout: Layout, served: Served, image: dict[str, Any], case: str
) -> None:
    where, change = CHANGES[case]
    manifest = document(layout, image)
    if where == "config":
        manifest["config"] |= change
    else:
        manifest["layers"][0] |= change or {key: manifest["config"][key] for key in ("digest", "size")}
    await refused(images, paths, layout, served, layout.document(manifest, MANIFEST))


@pytest.mark.parametrize(
    "change",
    [
        {"rootfs": {"type": "layers", "diff_ids": [OUTSIDE]}},
        {"rootfs": {"type": "layers", "diff_ids": ["sha256:" + "0" * 64]}},
        {"rootfs": {"type": "layers", "diff_ids": []}},
        {"rootfs": {"type": "layers", "diff_ids": ["sha256:" + "0" * 64] * 9}},
        {"rootfs": {}},
        {"rootfs": None},
        {"os": "plan9"},
        {"architecture": "\x1b[31mevil"},
        {"config": {"Env": "A=b"}},
        {"history": {"not": "a list"}},
    ],
)
async def test_configs_that_lie(
    images: Images, paths: Paths, layout: Layout, served: Served, image: dict[str, Any], change: dict[str, Any]
) -> None:
    manifest = document(layout, image)
    config = document(layout, manifest["config"]) | change
    manifest["config"] = layout.document(config, manifest["config"]["mediaType"])
    await refused(images, paths, layout, served, layout.document(manifest, MANIFEST))


@pytest.mark.parametrize(
    "text",
    [
        b"", b"{}", b"[]", b"null", b'"words"', b"[" * 100_000, b'{"a":' * 100_000, b"\xff\xfe", b"{\"layers\": 3}",
        b'{"config": {"digest": "x", "size": 1}, "layers": []}', b"<html>a page for people</html>",
    ],
)  # fmt: skip
async def test_manifests_that_are_none(
    images: Images, paths: Paths, layout: Layout, served: Served, text: bytes
) -> None:
    image = {"mediaType": MANIFEST, "digest": layout.blob(text), "size": len(text)}
    await refused(images, paths, layout, served, image)


async def test_too_many_layers(
    images: Images, paths: Paths, layout: Layout, served: Served, image: dict[str, Any]
) -> None:
    manifest = document(layout, image)
    config = document(layout, manifest["config"])
    manifest["layers"] *= 501
    config["rootfs"]["diff_ids"] *= 501
    manifest["config"] = layout.document(config, manifest["config"]["mediaType"])
    pulled, loaded = await refused(images, paths, layout, served, layout.document(manifest, MANIFEST))
    assert "501 layers" in pulled and "501 layers" in loaded


async def test_an_index_says_another_size(
    images: Images, paths: Paths, layout: Layout, served: Served, image: dict[str, Any]
) -> None:
    served.tag(image)
    index = layout.index({**image, "size": image["size"] + 1})
    assert all("should have" in each for each in await refused(images, paths, layout, served, index))


async def test_no_other_place_is_asked_for_a_layer(
    images: Images, paths: Paths, layout: Layout, served: Served, image: dict[str, Any], tmp_path: Path
) -> None:
    """CVE-2020-15157: containerd fetched layers from where manifests said, with credentials."""
    other = Served(Layout(tmp_path / "other").folder)
    try:
        manifest = document(layout, image)
        manifest["layers"][0] |= {
            "mediaType": "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
            "digest": "sha256:" + "0" * 64,
            "urls": [f"http://{other.host}/layer"],
        }
        await refused(images, paths, layout, served, layout.document(manifest, MANIFEST))
        assert other.seen == []
    finally:
        other.close()


async def test_a_docker_archive_s_names_don_t_lead_out(
    images: Images, paths: Paths, layout: Layout, image: dict[str, Any], tmp_path: Path
) -> None:
    """CVE-2014-9358: docker took an image's id from an archive for a path."""
    secret = tmp_path / "secret"
    secret.write_bytes(b"{}")
    for config, layer in ((f"../{secret.name}", "layer"), (str(secret), "layer"), ("config", f"../{secret.name}")):
        folder = tmp_path / "archive"
        folder.mkdir()
        (folder / "config").write_text("{}")
        (folder / "layer").write_bytes(bytes(1024))
        (folder / "manifest.json").write_text(json.dumps([{"Config": config, "Layers": [layer], "RepoTags": ["a:1"]}]))
        with pytest.raises(ImageError, match="lacks"):
            await images.load(folder)
        packed = Path(shutil.make_archive(str(folder), "tar", folder))
        with pytest.raises(ImageError, match="lacks"):
            await images.load(packed)
        check_nothing_is_left(paths)
        shutil.rmtree(folder)


# Registries


@pytest.mark.parametrize("what", ["manifests", "blobs"])
async def test_a_stream_that_is_cut_every_time(
    images: Images, paths: Paths, layout: Layout, served: Served, image: dict[str, Any], what: str
) -> None:
    def cut(request: Handler) -> bool:
        if f"/{what}/" not in request.path:
            return False
        request.begin(200, 100_000, MANIFEST)
        request.hang_up()
        return True

    name = served.tag(image)
    served.twist = cut
    with pytest.raises(RegistryError) as raised:
        await images.pull(name)
    assert str(raised.value).isprintable()
    check_nothing_is_left(paths)


async def test_an_answer_that_drips_is_left(
    images: Images, paths: Paths, served: Served, image: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.registry.transport._BODY_SECONDS", 0.3)

    def drip(request: Handler) -> bool:
        if "/manifests/" not in request.path:
            return False
        request.begin(200, 1_000_000, MANIFEST)
        try:
            for _ in range(1000):
                request.wfile.write(b" ")
                request.wfile.flush()
                time.sleep(0.02)
        except OSError:
            pass
        return True

    name = served.tag(image)
    served.twist = drip
    with pytest.raises(RegistryError, match="too slowly"):
        await images.pull(name)
    check_nothing_is_left(paths)


@pytest.mark.parametrize("status", [400, 401, 403, 500])
async def test_a_complaint_without_end_is_cut(
    images: Images, paths: Paths, served: Served, image: dict[str, Any], status: int
) -> None:
    sent = 0

    def complain(request: Handler) -> bool:
        nonlocal sent
        request.begin(status, 1 << 40)
        try:
            for _ in range(1000):
                request.wfile.write(b"x" * 65536)
                sent += 65536
        except OSError:
            return True
        return True

    name = served.tag(image)
    served.twist = complain
    with pytest.raises(BoxdeckError) as raised:
        await images.pull(name)
    assert len(str(raised.value)) < 500 and sent < 1000 * 65536
    check_nothing_is_left(paths)


async def test_a_manifest_that_grows_when_it_is_decompressed(
    images: Images, paths: Paths, served: Served, image: dict[str, Any]
) -> None:
    def bomb(request: Handler) -> bool:
        if "/manifests/" not in request.path:
            return False
        request.answer(200, gzip.compress(b" " * (64 << 20)), MANIFEST, Content_Encoding="gzip")
        return True

    name = served.tag(image)
    served.twist = bomb
    with pytest.raises(ImageError, match="larger than"):
        await images.pull(name)
    check_nothing_is_left(paths)


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd"])
async def test_an_answer_in_a_language_that_it_isn_t(
    images: Images, paths: Paths, served: Served, image: dict[str, Any], encoding: str
) -> None:
    def nonsense(request: Handler) -> bool:
        if "/manifests/" not in request.path:
            return False
        request.answer(200, b"not at all", MANIFEST, Content_Encoding=encoding)
        return True

    name = served.tag(image)
    served.twist = nonsense
    with pytest.raises(BoxdeckError) as raised:
        await images.pull(name)
    assert str(raised.value).isprintable()
    check_nothing_is_left(paths)
