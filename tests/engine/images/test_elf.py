"""Libraries that programs need, found in their headers."""

from __future__ import annotations

import os
import re
import struct
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.images.base_nodes import find_program
from engine.images.elf import Elf, parse_elf
from engine.images.libraries import LibraryFinder, MissingLibrary, Placed, merged, parse_cache

SH = Path(os.path.realpath("/bin/sh"))


def synthetic(bits: int, order: str, needed: str, runpath: str = "", interpreter: str = "") -> bytes:
    """A minimal ELF file: one PT_LOAD over all of it, PT_DYNAMIC and, if named, PT_INTERP."""
    wide = bits == 64
    strings = b"\0" + needed.encode() + b"\0" + runpath.encode() + b"\0"
    count = 3 if interpreter else 2
    start, step = (64, 56) if wide else (52, 32)
    table = start + count * step
    dynamic = table + len(strings)
    entries = [(1, 1), (5, table), *([(29, 2 + len(needed))] if runpath else []), (0, 0)]
    packed = b"".join(struct.pack(order + ("qQ" if wide else "iI"), *entry) for entry in entries)
    place = dynamic + len(packed)
    segments = [(1, 0, place), (2, dynamic, len(packed)), *([(3, place, len(interpreter) + 1)] if interpreter else [])]
    body = b""
    for kind, offset, size in segments:
        fields = (kind, 4, offset, offset, 0, size, size, 8) if wide else (kind, offset, offset, 0, size, size, 4, 8)
        body += struct.pack(order + ("IIQQQQQQ" if wide else "8I"), *fields)
    ident = b"\x7fELF" + bytes([2 if wide else 1, 1 if order == "<" else 2, 1]) + bytes(9)
    form = "HHIQQQIHHHHHH" if wide else "HHIIIIIHHHHHH"
    header = ident + struct.pack(order + form, 3, 62, 1, 0, start, 0, 0, start, step, count, 0, 0, 0)
    return header + body + strings + packed + interpreter.encode() + b"\0"


@pytest.mark.parametrize("bits", [32, 64])
@pytest.mark.parametrize("order", ["<", ">"])
def test_both_sizes_and_both_byte_orders_are_read(bits: int, order: str) -> None:
    elf = parse_elf(synthetic(bits, order, "libfoo.so.1", "$ORIGIN/../lib:/opt/lib", "/lib/ld.so"))
    assert elf == Elf(
        bits=bits,
        machine=62,
        interpreter="/lib/ld.so",
        needed=("libfoo.so.1",),
        runpath=("$ORIGIN/../lib", "/opt/lib"),
    )


@given(st.binary(max_size=300), st.integers(0, 200))
def test_damaged_files_are_no_elf(noise: bytes, cut: int) -> None:
    parse_elf(noise)
    parse_elf(b"\x7fELF\x02\x01" + noise)
    parse_elf(synthetic(64, "<", "libfoo.so")[:cut] + noise)


def test_a_script_is_no_elf() -> None:
    assert parse_elf(b"#!/bin/sh\n") is None


@pytest.mark.parametrize("name", ["sh", "ls", "ps", "ip", "bash", "less"])
def test_the_same_libraries_as_the_dynamic_linker_finds(name: str) -> None:
    program = find_program(name)
    if program is None:
        pytest.skip(f"this machine has no {name}")
    listed = subprocess.run(["ldd", str(program.source)], capture_output=True, text=True, check=False).stdout
    expected = {os.path.realpath(path) for path in re.findall(r"(/\S+) \(0x", listed)}
    assert {str(placed.source) for placed in LibraryFinder().closure(program)} == expected


def test_libraries_beside_a_program_go_beside_it(tmp_path: Path) -> None:
    sh = parse_elf(SH.read_bytes())
    assert sh is not None
    if (sh.machine, sh.bits) != (62, 64):
        pytest.skip("the made-up program is for x86-64")
    (tmp_path / "bin").mkdir()
    (tmp_path / "lib").mkdir()
    (tmp_path / "bin/tool").write_bytes(synthetic(64, "<", "libown.so", "$ORIGIN/../lib"))
    (tmp_path / "lib/libown.so").write_bytes(synthetic(64, "<", "libc.so.6"))
    found = LibraryFinder().closure(Placed(tmp_path / "bin/tool", "/usr/bin/tool"))
    assert found[0] == Placed(tmp_path / "lib/libown.so", "/usr/lib/libown.so")
    assert os.path.basename(found[1].target) == "libc.so.6"
    (tmp_path / "lib/libown.so").write_bytes(synthetic(64, "<", "libnowhere.so.9"))
    with pytest.raises(MissingLibrary, match="libnowhere"):
        LibraryFinder().closure(Placed(tmp_path / "bin/tool", "/usr/bin/tool"))


def test_a_library_for_another_machine_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "libown.so").write_bytes(synthetic(32, "<", "libc.so.6"))
    (tmp_path / "tool").write_bytes(synthetic(64, "<", "libown.so", str(tmp_path)))
    with pytest.raises(MissingLibrary, match="libown"):
        LibraryFinder().closure(Placed(tmp_path / "tool", "/usr/bin/tool"))


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/bin/sh", "/usr/bin/sh"),
        ("/lib64/ld.so", "/usr/lib64/ld.so"),
        ("/usr/lib/x", "/usr/lib/x"),
        ("/lib/../lib/x", "/usr/lib/x"),
        ("/opt/lib/x", "/opt/lib/x"),
    ],
)
def test_usr_is_merged(path: str, expected: str) -> None:
    assert merged(path) == expected


def test_the_linkers_cache_is_read() -> None:
    cache = Path("/etc/ld.so.cache")
    if not cache.exists():
        pytest.skip("this machine has no ld.so.cache")
    found = parse_cache(cache.read_bytes())
    assert any(os.path.exists(path) for path in found["libc.so.6"])


@given(st.binary(max_size=200))
def test_a_damaged_cache_is_an_empty_one(noise: bytes) -> None:
    assert isinstance(parse_cache(b"glibc-ld.so.cache1.1" + noise), dict)
