"""Pulls from a registry that breaks its word: one sentence each, and nothing in the store."""

from __future__ import annotations

import gzip
import os

import pytest

from engine.errors import ImageError, NotFound, RegistryError
from engine.images.images import Images
from engine.paths import Paths
from engine.xray.xrays import Xrays
from tests.engine.images.conftest import Layout, MakeMember, MakeTar
from tests.engine.images.pulls import refused
from tests.engine.registry.served import Handler, Served

pytestmark = pytest.mark.usefixtures("nobody_is_known")


async def test_another_content_than_its_digest_is_refused(
    images: Images, layout: Layout, served: Served, layer: bytes, paths: Paths
) -> None:
    name = served.tag(layout.image(layer))
    blob = max(layout.folder.glob("blobs/sha256/*"), key=lambda path: path.stat().st_size)
    blob.write_bytes(blob.read_bytes()[:-1] + b"!")
    await refused(images, name, paths, ImageError, "has the digest")
    assert list(paths.downloads.iterdir()) == []


async def test_what_was_done_until_it_failed_is_recorded(
    images: Images, layout: Layout, served: Served, layer: bytes, paths: Paths, tar: MakeTar, member: MakeMember
) -> None:
    async def image(reference: str) -> str:
        return (await images.get(reference)).id

    xrays, hostile = Xrays(paths, {"image": image}), tar(member("in", b"1"), member("../out", b"2"))
    name = served.tag(layout.image(hostile), "hostile")
    await refused(images, name, paths, ImageError, "leads out of it")
    failed = await xrays.read(name, "pull", "image")
    assert failed.name == name and "leads out of it" in failed.error
    assert [call.result for call in failed.calls if (call.process, call.name) == ("unpacker", "openat")] == ["0"]
    kept = await images.pull(served.tag(layout.image(layer), "whole"))
    served.tags["whole"] = "sha256:" + "0" * 64
    with pytest.raises(NotFound):
        await images.pull(f"{served.host}/image:whole")
    assert [each.action for each in await xrays.list(kept.id)] == ["pull", "pull"]  # an image that is here has both
    assert [bool((await xrays.open(each.path)).error) for each in await xrays.list(kept.id)] == [True, False]


async def test_more_than_it_says_is_refused(
    images: Images, layout: Layout, served: Served, layer: bytes, paths: Paths
) -> None:
    name = served.tag(layout.image(layer))
    blob = max(layout.folder.glob("blobs/sha256/*"), key=lambda path: path.stat().st_size)
    blob.write_bytes(blob.read_bytes() + b"more")
    await refused(images, name, paths, ImageError, "larger than the")


async def test_what_calls_itself_two_things_is_refused(
    images: Images, layout: Layout, served: Served, layer: bytes, paths: Paths
) -> None:
    """CVE-2021-41190: a manifest for some is an index for others."""
    inner = layout.image(layer)
    value = {"schemaVersion": 2, "manifests": [inner], "config": inner, "layers": []}
    name = served.tag(layout.document(value, "x"))
    for media_type in ("application/vnd.oci.image.index.v1+json", "application/vnd.oci.image.manifest.v1+json"):
        served.types[served.tags["latest"]] = media_type
        await refused(images, name, paths, ImageError, "says that it is an index")


async def test_a_type_that_is_another_s_is_refused(
    images: Images, layout: Layout, served: Served, layer: bytes, paths: Paths
) -> None:
    name = served.tag(layout.image(layer))
    served.types[served.tags["latest"]] = "application/vnd.oci.image.index.v1+json"
    await refused(images, name, paths, ImageError, "calls itself")


async def test_a_manifest_without_end_is_refused(images: Images, served: Served, paths: Paths) -> None:
    def endless(request: Handler) -> bool:
        request.begin(200, 1 << 30)
        try:
            while True:
                request.wfile.write(b" " * 65536)
        except OSError:
            return True

    served.twist = endless
    await refused(images, f"{served.host}/image", paths, ImageError, "larger than")


async def test_what_isn_t_there_is_said(images: Images, served: Served, paths: Paths) -> None:
    await refused(images, f"{served.host}/image:nothing", paths, NotFound, "has no image image:nothing")


async def test_words_of_a_registry_reach_no_terminal_alive(images: Images, served: Served, paths: Paths) -> None:
    def shout(request: Handler) -> bool:
        request.answer(400, b'{"errors": [{"code": "BAD", "message": "\\u001b[2Jgone\\n"}]}')
        return True

    served.twist = shout
    with pytest.raises(RegistryError, match=r"BAD \?\[2Jgone") as raised:
        await images.pull(f"{served.host}/image")
    assert str(raised.value).isprintable()


async def test_a_layer_that_can_t_be_unpacked_stops_the_others(
    images: Images, layout: Layout, served: Served, layer: bytes, paths: Paths
) -> None:
    image = layout.image(gzip.compress(layer)[:-100], layer, uncompressed=(layer + b"x", layer))
    await refused(images, served.tag(image), paths, ImageError, "damaged")


async def test_old_downloads_are_forgotten(images: Images, paths: Paths) -> None:
    paths.downloads.mkdir(parents=True)
    old, new = paths.download("a" * 64), paths.download("b" * 64)
    for path in (old, new):
        path.write_bytes(b"x")
    os.utime(old, (0, 0))
    await images.sweep()
    assert list(paths.downloads.iterdir()) == [new]
