"""Pulling from a real registry, and from one of our own that keeps its word."""

from __future__ import annotations

import gzip
import shutil
from pathlib import Path

import pytest
import zstandard

from engine.errors import ImageError
from engine.images import platforms
from engine.images.images import Images
from engine.paths import Paths
from engine.pruning import PruneFilter
from engine.xray.actions import made
from engine.xray.xrays import opened
from tests.engine.images.conftest import Layout, MakeMember, MakeTar
from tests.engine.images.pulls import content
from tests.engine.registry.served import Served

pytestmark = pytest.mark.usefixtures("nobody_is_known")


@pytest.mark.parametrize("compress", [bytes, gzip.compress, zstandard.compress])
async def test_an_image_comes_with_what_is_in_it(
    images: Images, paths: Paths, layout: Layout, served: Served, layer: bytes, compress: type[bytes]
) -> None:
    image = await images.pull(served.tag(layout.image(compress(layer), uncompressed=(layer,), Cmd=["sh"])))
    assert image.config.command == ("sh",) and image.references == (f"{served.host}/image:latest",)
    assert content(paths, image.layers[0], "hello") == b"hello\n"
    assert (await images.get(f"{served.host}/image")).id == image.id


async def test_what_a_pull_asked_of_the_kernel_is_counted_by_who_unpacks(
    images: Images, layout: Layout, served: Served, tar: MakeTar, member: MakeMember
) -> None:
    layer = tar(
        *(member(f"files/{number}", b"some") for number in range(50)),
        *(member(f"etc/.wh.{number}", b"") for number in range(3)),
        member("var/.wh..wh..opq", b""),
    )
    pulled = await images.pull(served.tag(layout.image(layer)))
    xray = await opened(made[-1])
    assert (xray.action, xray.subject, xray.name) == ("pull", pulled.id, f"{served.host}/image:latest")
    told = {call.text: call for call in xray.calls if call.process == "unpacker"}
    counted = {call.name: call.result for call in told.values() if "times" in call.result}
    assert counted == {"openat2": "0, 3 times", "openat": "0, 50 times", "mknodat": "0, 3 times"}
    assert told["mknodat(folder, name, S_IFCHR, makedev(0, 0)) = 0, 3 times"].explanation.startswith(
        "3 calls in this time. White"
    )
    assert {"fork() = 0 (in the child)", 'fsetxattr(folder, "trusted.overlay.opaque", "y") = 0'} < set(told)
    assert any(
        call.name == "rename" and "layers/sha256" in call.text for call in xray.calls if call.process == "engine"
    )


async def test_what_is_here_isn_t_fetched_again(images: Images, layout: Layout, served: Served, layer: bytes) -> None:
    name = served.tag(layout.image(layer))
    first = await images.pull(name)
    served.seen.clear()
    assert await images.pull(name) == first
    assert served.paths("v2/image") == ["/v2/image/manifests/latest"]


async def test_images_share_layers(
    images: Images, layout: Layout, served: Served, layer: bytes, tar: MakeTar, member: MakeMember
) -> None:
    await images.pull(served.tag(layout.image(layer)))
    served.seen.clear()
    second = await images.pull(served.tag(layout.image(layer, tar(member("more", b"more"))), "second"))
    assert len(second.layers) == 2
    assert len(served.paths("blobs")) == 2  # its config and the layer that is new


async def test_the_same_image_compressed_otherwise_is_kept_as_it_came_last(
    images: Images, layout: Layout, served: Served, layer: bytes, paths: Paths
) -> None:
    """Otherwise its blobs are garbage, and fetched again with every pull."""
    first = await images.pull(served.tag(layout.image(gzip.compress(layer), uncompressed=(layer,))))
    name = served.tag(layout.image(zstandard.compress(layer), uncompressed=(layer,)))
    second = await images.pull(name)
    assert second.id == first.id and second.manifest_digest == served.tags["latest"] != first.manifest_digest
    await images.prune(PruneFilter())
    served.seen.clear()
    assert await images.pull(name) == second
    assert served.paths("v2/image") == ["/v2/image/manifests/latest"]
    assert len(list(paths.blobs.glob("sha256/*"))) == 3


async def test_a_tag_that_has_moved_is_followed(
    images: Images, layout: Layout, served: Served, layer: bytes, tar: MakeTar, member: MakeMember
) -> None:
    old = await images.pull(served.tag(layout.image(layer)))
    new = await images.pull(served.tag(layout.image(tar(member("new", b"new")))))
    assert new.id != old.id
    assert (await images.get(old.id)).references == ()
    assert (await images.get(f"{served.host}/image")).id == new.id


async def test_a_digest_is_a_name(images: Images, layout: Layout, served: Served, layer: bytes) -> None:
    descriptor = layout.image(layer)
    served.tag(descriptor)
    image = await images.pull(f"{served.host}/image@{descriptor['digest']}")
    assert (await images.ensure(f"{served.host}/image@{descriptor['digest']}")).id == image.id


async def test_an_index_gives_this_machine_s_image_or_the_one_asked_for(
    images: Images, layout: Layout, served: Served, tar: MakeTar, member: MakeMember
) -> None:
    here, other = platforms.here().architecture, "s390x"
    choices = []
    for architecture in (other, here):
        image = layout.image(tar(member("for", architecture.encode())), architecture=architecture)
        choices.append({**image, "platform": {"os": "linux", "architecture": architecture}})
    attestation = {**choices[1], "annotations": {"vnd.docker.reference.type": "attestation-manifest"}}
    name = served.tag(layout.index(attestation, *choices))
    assert (await images.pull(name)).architecture == here
    assert (await images.pull(name, f"linux/{other}")).architecture == other
    with pytest.raises(ImageError, match=r"isn't made for linux/riscv128.*it is for linux/"):
        await images.pull(name, "riscv128")


async def test_progress_is_told_of_each_layer(
    images: Images, layout: Layout, served: Served, layer: bytes, tar: MakeTar, member: MakeMember
) -> None:
    descriptor = layout.image(layer, tar(member("more", b"more")))
    job = images.pull(served.tag(descriptor))
    seen = [progress async for progress in job]
    image = await job
    parts = {progress.part for progress in seen if progress.part}
    assert parts == {diff_id.removeprefix("sha256:")[:12] for diff_id in image.layers}  # plain layers: one digest
    for part in parts:
        assert [p.what for p in seen if p.part == part][-1] == "Ready"


async def test_a_mirror_is_asked_first_and_the_image_keeps_its_name(
    images: Images, layout: Layout, served: Served, layer: bytes, tmp_path: Path
) -> None:
    served.tag(layout.image(layer))
    (tmp_path / "config.toml").write_text(f'[registries.mirrors]\n"registry.invalid" = ["{served.host}"]\n')
    image = await images.pull("registry.invalid/image")
    assert image.references == ("registry.invalid/image:latest",)


async def test_what_a_mirror_has_lost_comes_from_the_registry_itself(
    images: Images, paths: Paths, layout: Layout, served: Served, layer: bytes, tmp_path: Path
) -> None:
    mirror_folder = tmp_path / "mirror"
    name = served.tag(layout.image(layer))
    shutil.copytree(layout.folder, mirror_folder)
    max(mirror_folder.glob("blobs/sha256/*"), key=lambda path: path.stat().st_size).unlink()
    mirror = Served(mirror_folder)
    try:
        mirror.tags, mirror.types = served.tags, served.types
        (tmp_path / "config.toml").write_text(f'[registries.mirrors]\n"{served.host}" = ["{mirror.host}"]\n')
        image = await images.pull(name)
    finally:
        mirror.close()
    assert content(paths, image.layers[0], "hello") == b"hello\n"
    assert served.paths("blobs") and mirror.paths("blobs")
