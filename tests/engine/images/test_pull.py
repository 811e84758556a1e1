"""Pulling: from a real registry, and from one that breaks its word."""

from __future__ import annotations

import asyncio
import gzip
import os
import random
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import zstandard

from engine.errors import BoxdeckError, ImageError, NotFound, RegistryError
from engine.images import platforms
from engine.images.images import Images
from engine.paths import Paths
from engine.pruning import PruneFilter
from engine.xray.actions import made
from engine.xray.xrays import opened
from tests.engine.images.conftest import Layout, MakeMember, MakeTar
from tests.engine.registry.served import Handler, Served


@pytest.fixture(autouse=True)
def _nobody_is_known(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(tmp_path / "auth.json"))
    monkeypatch.setenv("BOXDECK_CONFIG", str(tmp_path / "config.toml"))
    monkeypatch.setattr("engine.registry.transport._FIRST_PAUSE_SECONDS", 0.01)


@pytest.fixture
def served(layout: Layout) -> Iterator[Served]:
    registry = Served(layout.folder)
    yield registry
    registry.close()


@pytest.fixture
def layer(tar: MakeTar, member: MakeMember) -> bytes:
    """A layer that compresses badly and isn't small."""
    return tar(member("noise", random.Random(1).randbytes(3_000_000)), member("hello", b"hello\n"))


def content(paths: Paths, diff_id: str, name: str) -> bytes:
    return (paths.layer(diff_id) / name).read_bytes()


def left(paths: Paths) -> list[str]:
    """What is in the store but downloads to go on with."""
    found = [path for folder in (paths.blobs, paths.layers, paths.temporary) for path in folder.rglob("*")]
    return sorted(path.name for path in found if path.is_file())


async def refused(images: Images, name: str, paths: Paths, kind: type[BoxdeckError], words: str) -> None:
    """One sentence, and nothing in the store."""
    with pytest.raises(kind, match=words) as raised:
        await images.pull(name)
    assert "\n" not in str(raised.value)
    assert await images.list() == ()
    assert left(paths) == []


# What a pull is


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


# Broken lines


async def test_a_download_goes_on_where_it_was_cut(
    images: Images, layout: Layout, served: Served, layer: bytes
) -> None:
    starts: list[int] = []

    def cut(request: Handler) -> bool:
        digest = request.path.rpartition("/")[2]
        data = (layout.folder / "blobs/sha256" / digest.removeprefix("sha256:")).read_bytes() if ":" in digest else b""
        if "/blobs/" not in request.path or len(data) < 1_000_000:
            return False
        starts.append(request.start())
        piece = data[starts[-1] : starts[-1] + 900_000]
        ranges = {"Content-Range": f"bytes {starts[-1]}-{len(data) - 1}/{len(data)}"} if starts[-1] else {}
        request.begin(206 if starts[-1] else 200, len(data) - starts[-1], **ranges)
        request.wfile.write(piece)
        request.hang_up()
        return True

    served.twist = cut
    await images.pull(served.tag(layout.image(layer)))
    assert len(starts) == 4 and starts == sorted(starts) and starts[1] > 0


async def test_one_that_knows_no_ranges_begins_anew(
    images: Images, layout: Layout, served: Served, layer: bytes, paths: Paths
) -> None:
    descriptor = layout.image(layer)
    name = served.tag(descriptor)
    blob = max(layout.folder.glob("blobs/sha256/*"), key=lambda path: path.stat().st_size)
    paths.downloads.mkdir(parents=True)
    paths.download(blob.name).write_bytes(blob.read_bytes()[:1_000_000])

    def whole(request: Handler) -> bool:
        if blob.name not in request.path:
            return False
        request.answer(200, blob.read_bytes())
        return True

    served.twist = whole
    image = await images.pull(name)
    assert content(paths, image.layers[0], "hello") == b"hello\n"


async def test_what_was_unpacked_of_a_wrong_beginning_is_unpacked_again(
    images: Images, layout: Layout, served: Served, layer: bytes, paths: Paths
) -> None:
    """The registry begins anew, and what an earlier attempt has left turns out to be something else."""
    compressed = gzip.compress(layer, 1)
    name = served.tag(layout.image(compressed, uncompressed=(layer,)))
    blob = max(layout.folder.glob("blobs/sha256/*"), key=lambda path: path.stat().st_size)
    paths.downloads.mkdir(parents=True)
    paths.download(blob.name).write_bytes(compressed[:100] + bytes(1_000_000))

    def whole(request: Handler) -> bool:
        if blob.name not in request.path:
            return False
        time.sleep(0.2)
        request.answer(200, blob.read_bytes())
        return True

    served.twist = whole
    image = await images.pull(name)
    assert content(paths, image.layers[0], "hello") == b"hello\n"
    assert len(list(paths.temporary.iterdir())) == 0


async def test_a_layer_whose_blob_has_gone_is_fetched_and_not_unpacked(
    images: Images, layout: Layout, served: Served, layer: bytes, paths: Paths
) -> None:
    name = served.tag(layout.image(layer))
    image = await images.pull(name)
    before = paths.layer(image.layers[0]).stat().st_ino
    blob = max(paths.blobs.glob("sha256/*"), key=lambda path: path.stat().st_size)
    blob.unlink()
    await images.pull(name)
    assert blob.is_file() and paths.layer(image.layers[0]).stat().st_ino == before


async def test_a_layer_that_has_gone_is_unpacked_and_not_fetched(
    images: Images, layout: Layout, served: Served, layer: bytes, paths: Paths
) -> None:
    name = served.tag(layout.image(layer))
    image = await images.pull(name)
    shutil.rmtree(paths.layer(image.layers[0]))
    served.seen.clear()
    seen = [progress async for progress in images.pull(name)]
    assert content(paths, image.layers[0], "hello") == b"hello\n"
    assert served.paths("blobs") == []
    unpacking = [(progress.done, progress.total) for progress in seen if progress.what == "Unpacking"]
    assert unpacking and all(0 < done <= total == len(layer) for done, total in unpacking)


async def test_a_busy_registry_is_asked_again(images: Images, layout: Layout, served: Served, layer: bytes) -> None:
    answers = iter([503, 429, 500])

    def busy(request: Handler) -> bool:
        status = next(answers, 0) if "/v2/image" in request.path else 0
        if status:
            request.answer(status, b"", Retry_After="0")
        return bool(status)

    served.twist = busy
    assert await images.pull(served.tag(layout.image(layer)))


async def test_a_registry_that_isn_t_there_is_named(images: Images, paths: Paths, served: Served) -> None:
    served.close()
    await refused(images, f"{served.host}/image", paths, RegistryError, r"127.0.0.1.*can't be reached")


async def test_one_that_never_answers_is_left(
    images: Images, layout: Layout, served: Served, layer: bytes, paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.registry.transport._TIMEOUT", 0.05)

    def sleep(request: Handler) -> bool:
        time.sleep(0.3)
        return False

    served.twist = sleep
    await refused(images, served.tag(layout.image(layer)), paths, RegistryError, "answer in time|can't be reached")


async def test_a_cancelled_pull_leaves_what_the_next_one_goes_on_with(
    images: Images, layout: Layout, served: Served, layer: bytes, paths: Paths
) -> None:
    name = served.tag(layout.image(layer))
    held = asyncio.Event()
    loop = asyncio.get_running_loop()

    def slow(request: Handler) -> bool:
        digest = request.path.rpartition(":")[2]
        path = layout.folder / "blobs/sha256" / digest
        if "/blobs/" not in request.path or path.stat().st_size < 1_000_000 or held.is_set():
            return False
        request.begin(200, path.stat().st_size)
        request.wfile.write(path.read_bytes()[:2_000_000])
        request.wfile.flush()
        loop.call_soon_threadsafe(held.set)
        time.sleep(1)
        request.hang_up()
        return True

    served.twist = slow
    job = images.pull(name)
    await held.wait()
    await asyncio.sleep(0.2)
    job.cancel()
    with pytest.raises(asyncio.CancelledError):
        await job
    assert left(paths) == []
    (begun,) = [path for path in paths.downloads.iterdir() if path.stat().st_size > 1_000_000]
    size = begun.stat().st_size
    served.seen.clear()
    assert await images.pull(name)
    assert f"bytes={size}-" in [headers.get("Range") for _, headers in served.seen]
    assert list(paths.downloads.iterdir()) == []


@pytest.mark.parametrize("silent", ["/v2/", "/manifests/", "/blobs/"])
async def test_a_pull_that_waits_for_a_silent_registry_is_cancelled_at_once(
    images: Images, layout: Layout, served: Served, layer: bytes, paths: Paths, silent: str
) -> None:
    held, over = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def keep_silent(request: Handler) -> bool:
        if silent not in request.path:
            return False
        loop.call_soon_threadsafe(held.set)
        over.wait(20)
        return False

    served.twist = keep_silent
    job = images.pull(served.tag(layout.image(layer)))
    await held.wait()
    job.cancel()
    began = time.monotonic()
    with pytest.raises(asyncio.CancelledError):
        await job
    over.set()
    assert time.monotonic() - began < 2
    assert left(paths) == []


async def test_a_registry_that_drips_is_tried_again_and_left(
    images: Images, layout: Layout, served: Served, layer: bytes, paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.registry.pace._WINDOW_SECONDS", 0.1)
    starts: list[int] = []

    def drip(request: Handler) -> bool:
        if "/blobs/" not in request.path:
            return False
        starts.append(request.start())
        data = (layout.folder / "blobs/sha256" / request.path.rpartition(":")[2]).read_bytes()
        ranges = {"Content-Range": f"bytes {starts[-1]}-{len(data) - 1}/{len(data)}"} if starts[-1] else {}
        request.begin(206 if starts[-1] else 200, len(data) - starts[-1], **ranges)
        with suppress(OSError):  # we have hung up
            for at in range(starts[-1], len(data)):
                request.wfile.write(data[at : at + 1])
                time.sleep(0.02)
        return True

    served.twist = drip
    name = served.tag(layout.image(layer))
    await refused(images, name, paths, RegistryError, r"too slow, with fewer than 1024 bytes a second for 0\.1 seconds")
    assert len(starts) == 6 and starts == sorted(set(starts))  # each try went on where the one before it had ended
    served.twist = None
    assert await images.pull(name)


async def test_a_registry_that_is_slow_only_for_a_while_is_gone_on_with(
    images: Images, layout: Layout, served: Served, layer: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.registry.pace._WINDOW_SECONDS", 0.1)
    starts: list[int] = []

    def stumble(request: Handler) -> bool:
        digest = request.path.rpartition(":")[2]
        if "/blobs/" not in request.path or (layout.folder / "blobs/sha256" / digest).stat().st_size < 1_000_000:
            return False
        starts.append(request.start())
        if len(starts) > 9:
            return False
        data = (layout.folder / "blobs/sha256" / digest).read_bytes()
        ranges = {"Content-Range": f"bytes {starts[-1]}-{len(data) - 1}/{len(data)}"} if starts[-1] else {}
        request.begin(206 if starts[-1] else 200, len(data) - starts[-1], **ranges)
        request.wfile.write(data[starts[-1] : starts[-1] + 100_000])
        if len(starts) % 2:  # then a line that is cut, so that every other try brings a lot
            request.hang_up()
            return True
        time.sleep(0.15)
        request.hang_up()
        return True

    served.twist = stumble
    assert await images.pull(served.tag(layout.image(layer)))
    assert starts == sorted(starts)


# Broken words


async def test_another_content_than_its_digest_is_refused(
    images: Images, layout: Layout, served: Served, layer: bytes, paths: Paths
) -> None:
    name = served.tag(layout.image(layer))
    blob = max(layout.folder.glob("blobs/sha256/*"), key=lambda path: path.stat().st_size)
    blob.write_bytes(blob.read_bytes()[:-1] + b"!")
    await refused(images, name, paths, ImageError, "has the digest")
    assert list(paths.downloads.iterdir()) == []


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
