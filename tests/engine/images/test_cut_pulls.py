"""Pulls over lines that break: cut, silent, slow, busy; and those that are cancelled."""

from __future__ import annotations

import asyncio
import gzip
import shutil
import threading
import time
from contextlib import suppress

import pytest

from engine.errors import RegistryError
from engine.images.images import Images
from engine.paths import Paths
from tests.engine.images.conftest import Layout
from tests.engine.images.pulls import content, left, refused
from tests.engine.registry.served import Handler, Served

pytestmark = pytest.mark.usefixtures("nobody_is_known")


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
