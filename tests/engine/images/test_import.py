"""Root file systems become images."""

from __future__ import annotations

import asyncio
import bz2
import gzip
import io
import lzma
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from engine.errors import ImageError, InvalidRequest, NotFound
from engine.images.images import Images
from engine.images.layers import lower_directories, read_file
from engine.paths import Paths
from tests.engine.images.store_content import NOTHING, folders, run

if TYPE_CHECKING:
    from tests.engine.images.conftest import MakeMember, MakeTar


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
