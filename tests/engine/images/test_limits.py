"""Bombs: what is too much is refused in one sentence that names the limit, and nothing of it stays."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import zstandard

from engine.config.reading import registry_settings
from engine.errors import BoxdeckError, ImageError, InvalidRequest
from engine.images.images import Images
from engine.images.limits import BoundedReader, Limits
from engine.paths import Paths
from tests.engine.images.conftest import Layout, MakeMember, MakeTar
from tests.engine.registry.served import Served

Configure = Callable[[str], None]


@pytest.fixture(autouse=True)
def configure(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Configure:
    """Writes the ``[registries.limits]`` of config.toml."""
    path = tmp_path / "config.toml"
    monkeypatch.setenv("BOXDECK_CONFIG", str(path))
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(tmp_path / "auth.json"))
    return lambda text: path.write_text(f"[registries.limits]\n{text}\n") and None


@pytest.fixture
def served(layout: Layout) -> Iterator[Served]:
    registry = Served(layout.folder)
    yield registry
    registry.close()


def left(paths: Paths) -> list[str]:
    folders = (paths.blobs, paths.layers, paths.temporary, paths.downloads)
    return [path.name for folder in folders for path in folder.rglob("*") if not path.is_dir()]


async def refused_everywhere(
    images: Images, paths: Paths, layout: Layout, served: Served, image: dict[str, object], words: str
) -> None:
    """Pulled and loaded, it is too much."""
    named = {**image, "annotations": {"org.opencontainers.image.ref.name": "too:much"}}
    for bring in (lambda: images.pull(served.tag(image)), lambda: images.load(layout.finish(named))):
        with pytest.raises(ImageError, match=words) as raised:
            await bring()
        assert "config.toml" in str(raised.value) and "\n" not in str(raised.value)
        assert await images.list() == () and left(paths) == []


LIMITS = {
    "layer_bytes = 100_000": "more than 100000 bytes",
    "layer_entries = 5": "more than 5 entries",
    "layer_depth = 3": "is 5 folders deep",
    "document_bytes = 100": "larger than 100 bytes",
}


@pytest.mark.parametrize("text", LIMITS)
async def test_every_limit_is_kept(
    images: Images, paths: Paths, layout: Layout, served: Served, configure: Configure, tar: MakeTar,
    member: MakeMember, text: str,
) -> None:  # fmt: skip
    files = [member(f"{number}", bytes(20_000)) for number in range(6)]
    image = layout.image(tar(*files, member("a/b/c/d/e", b"deep")))
    configure(text)
    await refused_everywhere(images, paths, layout, served, image, LIMITS[text])
    configure("")
    assert await images.pull(served.tag(image))


@pytest.mark.parametrize("compress", [gzip.compress, zstandard.compress])
async def test_a_bomb_is_refused(
    images: Images, paths: Paths, layout: Layout, served: Served, configure: Configure, tar: MakeTar,
    member: MakeMember, compress: Callable[[bytes], bytes],
) -> None:  # fmt: skip
    """What grows too much, once it isn't small any more."""
    plain = tar(member("zeros", bytes(30_000_000)))
    image = layout.image(compress(plain), uncompressed=(plain,))
    configure(f"layer_ratio = 3\nratio_free_bytes = {1 << 20}")
    await refused_everywhere(images, paths, layout, served, image, "more than 3 times as much")
    configure(f"layer_ratio = 1_000_000\nratio_free_bytes = {1 << 20}")
    assert await images.pull(served.tag(image))


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress, lzma.compress, zstandard.compress])
async def test_a_bomb_in_an_archive_that_is_loaded_or_imported(
    images: Images, paths: Paths, configure: Configure, tar: MakeTar, member: MakeMember, tmp_path: Path,
    compress: Callable[[bytes], bytes],
) -> None:  # fmt: skip
    configure(f"layer_ratio = 3\nratio_free_bytes = {1 << 20}")
    path = tmp_path / "bomb"
    path.write_bytes(compress(tar(member("index.json", bytes(30_000_000)))))
    for bring in (lambda: images.load(path), lambda: images.import_rootfs(path, "bomb")):
        with pytest.raises(ImageError, match="more than 3 times as much"):
            await bring()
        assert await images.list() == () and left(paths) == []


async def test_a_hole_counts_as_much_as_what_is_in_it(
    images: Images, paths: Paths, configure: Configure, tmp_path: Path, member: MakeMember
) -> None:
    records = {"GNU.sparse.map": "0,1", "GNU.sparse.size": str(1 << 40)}
    info, content = member("hole", b"x", pax_headers=records)
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        archive.addfile(info, io.BytesIO(content))
    (tmp_path / "hole.tar").write_bytes(buffer.getvalue())
    with pytest.raises(ImageError, match="more than 107374182400 bytes"):
        await images.import_rootfs(tmp_path / "hole.tar", "hole")
    assert left(paths) == []
    configure(f"layer_bytes = {1 << 41}")
    image = await images.import_rootfs(tmp_path / "hole.tar", "hole")
    assert image.size_bytes == 1 << 40


async def test_zstd_may_take_as_much_memory_as_is_allowed(
    images: Images, paths: Paths, layout: Layout, served: Served, configure: Configure, tar: MakeTar, member: MakeMember
) -> None:
    plain = tar(member("noise", os.urandom(3_000_000)))
    parameters = zstandard.ZstdCompressionParameters.from_level(3, window_log=21)
    packer = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    image = layout.image(packer.compress(plain) + packer.flush(), uncompressed=(plain,))
    configure(f"zstd_window_bytes = {1 << 20}")
    name = served.tag(image)
    with pytest.raises(ImageError, match=r"wants too much memory.*zstd_window_bytes"):
        await images.pull(name)
    assert left(paths) == []
    configure(f"zstd_window_bytes = {1 << 21}")
    assert await images.pull(name)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("layer_bytes = 0", "can't be 0: it must be a whole number of at least 1"),
        ('layer_bytes = "much"', 'can\'t be "much"'),
        ("document_bytes = 1_000_000_000", "from 1 to 67108864"),
        ("layers = 3", "there is no setting registries.limits.layers"),
        ("layer_bytes", "isn't TOML"),
    ],
)
async def test_limits_that_can_t_be_are_said(images: Images, configure: Configure, text: str, words: str) -> None:
    configure(text)
    with pytest.raises(InvalidRequest, match=words) as raised:
        await images.pull("127.0.0.1:1/image")
    assert isinstance(raised.value, BoxdeckError) and "config.toml" in raised.value.cause


def test_limits_are_beyond_what_honest_images_need() -> None:
    known = registry_settings().limits
    assert known == Limits() and known.layer_bytes > 10**11 and known.layer_entries >= 10**6


def test_zeros_may_compress_well_up_to_a_gibibyte() -> None:
    stream = BoundedReader(Zeros(), lambda: 1000, Limits())
    for _ in range(1 << 10):
        stream.read(1 << 20)
    with pytest.raises(ImageError, match="200 times"):
        stream.read(1 << 20)


class Zeros:
    def read(self, size: int) -> bytes:
        return bytes(size)


def test_readme_names_them_all() -> None:
    text = (Path(__file__).parents[3] / "README.md").read_text()
    assert [name for name in Limits.__struct_fields__ if f"`{name}`" not in text] == []
