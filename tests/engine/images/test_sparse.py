"""Sparse files arrive with their holes, however GNU tar writes them; maps that lie are refused."""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import ImageError
from engine.images.sparse import Sparse, require_sound
from engine.images.tar import TarReader
from tests.engine.images.test_tar import header, sealed

if TYPE_CHECKING:
    from tests.engine.images.conftest import MakeMember, MakeTar, UnpackTo

WAYS = {
    "gnu": ("--format=gnu",),
    "pax 0.0": ("--format=posix", "--sparse-version=0.0"),
    "pax 0.1": ("--format=posix", "--sparse-version=0.1"),
    "pax 1.0": ("--format=posix", "--sparse-version=1.0"),
}
FILES = {
    "middle": (1 << 20, ((300_000, b"in the middle"),)),
    "both-ends": (900_000, ((0, b"begin"), (899_997, b"end"))),
    "nothing-but-hole": (5_000_000, ()),
    "many": (
        40 << 16,
        tuple((number << 16, b"%d" % number) for number in range(40)),
    ),  # more than the header has room for
    "plain": (5, ((0, b"plain"),)),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "sparse"
    folder.mkdir()
    for name, (size, pieces) in FILES.items():
        with (folder / name).open("wb") as file:
            for offset, content in pieces:
                file.seek(offset)
                file.write(content)
            file.truncate(size)
    (folder / ("long" * 30)).write_text("after them")
    return folder


def whole(size: int, pieces: Sequence[tuple[int, bytes]]) -> bytes:
    content = bytearray(size)
    for offset, piece in pieces:
        content[offset : offset + len(piece)] = piece
    return bytes(content)


@pytest.mark.parametrize("way", WAYS)
def test_sparse_files_keep_content_and_holes(unpack_to: UnpackTo, target: Path, folder: Path, way: str) -> None:
    command = ["tar", "--sparse", *WAYS[way], "-C", str(folder), "-cf", "-", "."]
    unpacked = unpack_to(subprocess.run(command, check=True, capture_output=True).stdout)
    for name, (size, pieces) in FILES.items():
        assert (target / name).read_bytes() == whole(size, pieces)
    assert sorted(os.listdir(target)) == sorted([*FILES, "long" * 30])
    assert (target / "middle").stat().st_blocks * 512 < 200_000
    assert (target / "nothing-but-hole").stat().st_blocks == 0
    assert unpacked.size_bytes == sum(size for size, _ in FILES.values()) + len("after them")


def old(extents: Sequence[tuple[int, int]], size: int, stored: int) -> bytes:
    block = header(type=b"S", size=stored)
    block[257:265] = b"ustar  \0"
    block[345:512] = bytes(167)
    for number, (offset, length) in enumerate(extents):
        block[386 + 24 * number : 410 + 24 * number] = b"%011o\0%011o\0" % (offset, length)
    block[483:495] = b"%011o\0" % size
    return sealed(block)


def pax(records: dict[str, str], content: bytes = b"") -> bytes:
    info = tarfile.TarInfo("name")
    info.size, info.pax_headers = len(content), records
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def first(data: bytes) -> tuple[int, object]:
    entry = next(iter(TarReader(io.BytesIO(data))))
    return entry.size, entry.extents


def test_a_map_is_read() -> None:
    assert first(old([(0, 5), (100, 2), (200, 0)], 200, 7) + b"x" * 512) == (200, ((0, 5), (100, 2), (200, 0)))
    records = {"GNU.sparse.map": "0,5,100,2", "GNU.sparse.size": "200", "GNU.sparse.name": "real"}
    assert first(pax(records, b"x" * 7)) == (200, ((0, 5), (100, 2)))


V1 = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": "200"}
LIES = {
    "stored less": old([(0, 5)], 200, 4),
    "stored more": old([(0, 5)], 200, 6),
    "beyond the end": old([(199, 5)], 200, 5),
    "far beyond the end": old([(0o77777777777, 5)], 200, 5),
    "overlapping": old([(0, 5), (4, 5)], 200, 10),
    "backwards": old([(100, 5), (0, 5)], 200, 10),
    "a number that is none": sealed(bytearray(old([(0, 5)], 200, 5)[:386] + b"nonsense" + old([(0, 5)], 200, 5)[394:])),
    "no size": pax({"GNU.sparse.map": "0,5"}, b"x" * 5),
    "an odd map": pax({"GNU.sparse.map": "0,5,7", "GNU.sparse.size": "9"}, b"x" * 5),
    "a negative map": pax({"GNU.sparse.map": "0,-5", "GNU.sparse.size": "9"}, b"x" * 5),
    "words": pax({"GNU.sparse.map": "zero,5", "GNU.sparse.size": "9"}, b"x" * 5),
    "a large number": pax({"GNU.sparse.map": "0,5", "GNU.sparse.size": "9" * 30}, b"x" * 5),
    "the second number first": pax({"GNU.sparse.numbytes": "5", "GNU.sparse.size": "9"}, b"x" * 5),
    "another version": pax({"GNU.sparse.major": "2", "GNU.sparse.minor": "0"}, b"x" * 5),
    "a map that isn't there": pax(V1),
    "a map without lines": pax(V1, b"1" * 2048),
    "a map that is cut": pax(V1, b"3\n0\n5\n".ljust(512, b"\n")),
    "a map without end": pax(V1, b"99999999\n".ljust(1024, b"0")),
    "a map that says less": pax(V1, b"1\n0\n5\n".ljust(512, b"\0") + b"x" * 6),
}  # fmt: skip


@pytest.mark.parametrize("lie", LIES)
def test_maps_that_lie_are_refused(lie: str) -> None:
    with pytest.raises(ImageError, match=r"the tar archive is damaged \("):
        first(LIES[lie] + bytes(2048))


def test_a_map_of_blocks_without_end_is_refused() -> None:
    """CVE-2025-58183 is the same with the map before the content."""
    block = bytearray(old([(0, 0)] * 4, 200, 0))
    block[482] = 1
    more = (b"%011o\0%011o\0" % (0, 0)) * 21 + b"\1" + bytes(7)
    with pytest.raises(ImageError, match="too long"):
        first(sealed(block) + more * 10_000)


def test_a_file_larger_than_any_disk_is_refused(unpack_to: UnpackTo) -> None:
    with pytest.raises(ImageError):
        unpack_to(pax({"GNU.sparse.map": "0,5", "GNU.sparse.size": str((1 << 63) - 1)}, b"x" * 5))


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), max_size=5), st.integers(0, 200), st.integers(0, 99))
def test_sound_maps_are_those_that_can_be_written(extents: list[tuple[int, int]], size: int, stored: int) -> None:
    at, fits = 0, sum(length for _, length in extents) == stored
    for offset, length in extents:
        fits &= offset >= at
        at = offset + length
    fits &= at <= size
    if fits:
        require_sound(Sparse(size, tuple(extents)), stored)
    else:
        with pytest.raises(ImageError):
            require_sound(Sparse(size, tuple(extents)), stored)


def test_a_sparse_archive_of_an_image_is_refused_in_one_sentence(tar: MakeTar, member: MakeMember) -> None:
    from engine.images.archive_files import _TarFiles

    with pytest.raises(ImageError, match="sparse"):
        _TarFiles(io.BytesIO(old([(0, 5)], 200, 5) + b"x" * 512))
