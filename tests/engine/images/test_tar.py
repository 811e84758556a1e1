"""The tar reader against damaged archives: it refuses, it never hangs and never raises anything else."""

from __future__ import annotations

import io
import tarfile
import time
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import ImageError
from engine.images.tar import Kind, TarReader


def entries(data: bytes) -> list[tuple[str, Kind, bytes]]:
    reader = TarReader(io.BytesIO(data))
    return [(entry.name, entry.kind, b"".join(iter(lambda: reader.read(7), b""))) for entry in reader]


def header(**fields: object) -> bytearray:
    info = tarfile.TarInfo("name")
    for key, value in fields.items():
        setattr(info, key, value)
    return bytearray(info.tobuf(tarfile.GNU_FORMAT))


def sealed(block: bytearray) -> bytes:
    """With a checksum that fits again."""
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block[:512])
    return bytes(block)


def test_an_empty_archive_has_no_entries() -> None:
    assert entries(b"") == entries(b"\0" * 1024) == []


def test_a_negative_size_is_refused() -> None:
    """CVE-2025-8194: tarfile went backwards and round in circles."""
    block = header()
    block[124:136] = b"\xff" + b"\xff" * 10 + b"\x00"
    with pytest.raises(ImageError, match="as size"):
        entries(sealed(block))


@pytest.mark.parametrize("size", [b"+0000000007\0", b"0x000000007\0", b"1_000000007\0", b"-0000000007\0"])
def test_a_size_that_is_no_octal_number_is_refused(size: bytes) -> None:
    block = header()
    block[124:136] = size
    with pytest.raises(ImageError, match="no number"):
        entries(sealed(block))


def test_a_wrong_checksum_is_refused() -> None:
    block = header()
    block[0] ^= 1
    with pytest.raises(ImageError, match="checksum"):
        entries(bytes(block))


def test_something_else_is_no_tar() -> None:
    with pytest.raises(ImageError, match="no tar archive"):
        entries(b"#!/bin/sh\n" * 200)


@pytest.mark.parametrize("cut", [100, 512, 700, 1023])
def test_an_archive_cut_short_is_refused(cut: int) -> None:
    with pytest.raises(ImageError, match="ends in the middle"):
        entries((sealed(header(size=600)) + b"x" * 1024)[:cut])


@pytest.mark.parametrize(
    "record", [b"8 path=a\n", b"x path=a\n", b"0 a=b\n", b"7 path=\n", b"99999999 a=b\n", b"6 a=bb", b"1 \n", b"5 ab\n"]
)
def test_malformed_pax_records_are_refused(record: bytes) -> None:
    data = sealed(header(type=b"x", size=len(record))) + record.ljust(512, b"\0") + sealed(header())
    with pytest.raises(ImageError):
        entries(data)


@pytest.mark.parametrize(
    "record", [b"size=-1", b"size=1e3", b"size=99999999999999999999", b"uid=4294967295", b"mtime=x"]
)
def test_numbers_out_of_range_are_refused(record: bytes) -> None:
    line = record + b"\n"
    line = b"%d " % (len(line) + 3) + line
    data = sealed(header(type=b"x", size=len(line))) + line.ljust(512, b"\0") + sealed(header())
    with pytest.raises(ImageError):
        entries(data)


def test_an_endless_extended_header_is_refused() -> None:
    with pytest.raises(ImageError, match="headers of an entry are larger"):
        entries(sealed(header(type=b"x", size=1 << 32)))


def test_extended_headers_without_end_are_refused() -> None:
    """CVE-2022-2879: each of them small, and all of them kept."""
    records = b"".join(b"%d a%05d=b\n" % (12, number) for number in range(20_000))
    data = sealed(header(type=b"x", size=len(records))) + records + bytes(-len(records) % 512)
    with pytest.raises(ImageError, match="headers of an entry are larger"):
        entries(data * 6)


def test_a_header_of_very_many_records_takes_no_time() -> None:
    records = b"5 a=\n" * 200_000
    data = sealed(header(type=b"x", size=len(records))) + records + bytes(-len(records) % 512) + sealed(header())
    began = time.thread_time()
    assert [name for name, _, _ in entries(data)] == ["name"]
    assert time.thread_time() - began < 5  # by copying what is left after each record it was 20


def test_global_records_name_what_they_may(tar_with_global: bytes) -> None:
    (entry,) = TarReader(io.BytesIO(tar_with_global))
    assert (entry.uid, entry.xattrs) == (77, ())


@pytest.fixture
def tar_with_global() -> bytes:
    buffer = io.BytesIO()
    records = {"uid": "77", "SCHILY.xattr.user.a": "b", "comment": "c"}
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT, pax_headers=records) as archive:
        archive.addfile(tarfile.TarInfo("file"))
    return buffer.getvalue()


def test_a_name_of_star_s_ends_where_its_times_begin() -> None:
    block = header()
    block[257:265] = b"ustar\x0000"
    block[345:512] = b"p" * 131 + b"14000000000\x0014000000000\x00" + bytes(8) + b"tar\0"
    assert [name for name, _, _ in entries(sealed(block))] == ["p" * 131 + "/name"]


def test_a_header_of_solaris_is_one_of_pax() -> None:
    record = b"14 path=other\n"
    data = sealed(header(type=b"X", size=len(record))) + record.ljust(512, b"\0") + sealed(header())
    assert [name for name, _, _ in entries(data)] == ["other"]


def test_a_hard_link_with_a_size_has_no_content() -> None:
    assert entries(sealed(header(type=b"1", linkname="x", size=600)) + sealed(header(size=1)) + b"y" * 512) == [
        ("name", Kind.HARD_LINK, b""),
        ("name", Kind.FILE, b"y"),
    ]


names = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), min_size=1, max_size=300).filter(
    lambda name: not name.endswith("/")
)


@given(st.lists(st.tuples(names, st.binary(max_size=2000)), max_size=5), st.sampled_from([1, 2]))
def test_whatever_tarfile_writes_is_read_back(files: list[tuple[str, bytes]], form: int) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=form) as archive:
        for name, content in files:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    assert entries(buffer.getvalue()) == [(name, Kind.FILE, content) for name, content in files]


@settings(max_examples=300)
@given(st.data())
def test_damage_is_either_harmless_or_refused(data: st.DataObject) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name in ("a" * 120, "b"):
            info = tarfile.TarInfo(name)
            info.size = 100
            archive.addfile(info, io.BytesIO(b"x" * 100))
    damaged = bytearray(buffer.getvalue()[:3584])
    for _ in range(data.draw(st.integers(1, 5))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    for block in range(0, len(damaged), 512):
        if data.draw(st.booleans()):
            damaged[block : block + 512] = sealed(damaged[block : block + 512])
    with suppress(ImageError):
        entries(bytes(damaged))
