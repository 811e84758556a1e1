"""What a container writes, and what the files of its log hold."""

from __future__ import annotations

import os
import resource
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import InvalidRequest
from engine.log_config import SMALLEST_FILE_BYTES, LogConfig
from engine.log_lines import LINE_LIMIT, Assembler, Entry, parse
from engine.runtime.logs import PART_SIZE, LogWriter, timestamp

STAMP = 30  # bytes of a time


def written(folder: Path, *writes: tuple[bytes, bytes]) -> list[bytes]:
    path = folder / "log"
    path.unlink(missing_ok=True)
    writer = LogWriter(str(path))
    for stream, data in writes:
        writer.write(stream, data)
    writer.close()
    return path.read_bytes().splitlines()


def lines_of(raw: list[bytes]) -> list[tuple[str, bytes]]:
    assembler = Assembler()
    found = [line for entry in map(parse, raw) if entry is not None and (line := assembler.add(entry)) is not None]
    return [(line.stream, line.data) for line in [*found, *assembler.unfinished()]]


def sizes(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_size for path in folder.iterdir()}


def test_lines_carry_time_and_stream(tmp_path: Path) -> None:
    raw = written(tmp_path, (b"stdout", b"one\ntwo\n"), (b"stderr", b"bad\n"))
    entry = parse(raw[0])
    assert entry is not None and entry.at_unix_ns > 1_700_000_000_000_000_000
    assert lines_of(raw) == [("stdout", b"one"), ("stdout", b"two"), ("stderr", b"bad")]


def test_streams_don_t_mix_inside_a_line(tmp_path: Path) -> None:
    raw = written(tmp_path, (b"stdout", b"hal"), (b"stderr", b"err\n"), (b"stdout", b"lo\n"))
    assert lines_of(raw) == [("stderr", b"err"), ("stdout", b"hallo")]


def test_what_looks_like_an_entry_is_the_text_of_one(tmp_path: Path) -> None:
    forged = timestamp(0) + b" stderr F forged"
    assert lines_of(written(tmp_path, (b"stdout", forged + b"\n"))) == [("stdout", forged)]


def test_an_unfinished_last_line_is_kept(tmp_path: Path) -> None:
    assert lines_of(written(tmp_path, (b"stdout", b"no newline"))) == [("stdout", b"no newline")]


def test_empty_lines_are_lines(tmp_path: Path) -> None:
    assert lines_of(written(tmp_path, (b"stdout", b"\n\nx\n\n"))) == [
        ("stdout", text) for text in (b"", b"", b"x", b"")
    ]


def test_a_long_line_is_written_in_parts_and_read_whole(tmp_path: Path) -> None:
    long = b"x" * (3 * PART_SIZE + 5)
    raw = written(tmp_path, (b"stdout", long + b"\n"))
    assert lines_of(raw) == [("stdout", long)]
    unfinished = written(tmp_path, (b"stdout", long))
    assert len(unfinished) == 4 and lines_of(unfinished) == [("stdout", long)]


def test_a_line_without_end_fills_no_reader_s_memory() -> None:
    assembler = Assembler()
    part = Entry(1, "stdout", False, b"x" * PART_SIZE)
    pieces = [line for _ in range(200) if (line := assembler.add(part)) is not None]
    assert {len(piece.data) for piece in pieces} == {LINE_LIMIT}
    assert sum(len(piece.data) for piece in [*pieces, *assembler.unfinished()]) == 200 * PART_SIZE


def test_a_damaged_line_is_skipped() -> None:
    for raw in (b"", b"nonsense", b"2026-99-99T00:00:00.000000000Z stdout F x", timestamp(0)[:29] + b" stdout F x"):
        assert parse(raw) is None


@given(st.integers(0, 4_000_000_000_000_000_000))
def test_times_survive_to_the_nanosecond(unix_ns: int) -> None:
    entry = parse(timestamp(unix_ns) + b" stdout F x")
    assert entry is not None and entry.at_unix_ns == unix_ns


# The bound


@pytest.mark.parametrize("max_files", [1, 2, 4])
@pytest.mark.parametrize("block", [b"a line\n" * 9000, b"x" * 60_000, b"\n" * 65_536, b"one\n"])
def test_files_are_never_more_nor_larger_than_allowed(tmp_path: Path, max_files: int, block: bytes) -> None:
    bound = SMALLEST_FILE_BYTES
    writer = LogWriter(str(tmp_path / "log"), bound, max_files)
    for _ in range(max(20, 2_000_000 // len(block) // 50)):
        writer.write(b"stdout", block)
        assert max(sizes(tmp_path).values()) <= bound and len(sizes(tmp_path)) <= max_files
    writer.close()
    names = {"log", *(f"log.{number}" for number in range(1, max_files))}
    assert set(sizes(tmp_path)) <= names and max(sizes(tmp_path).values()) <= bound


def test_a_log_goes_on_where_the_last_run_left_it(tmp_path: Path) -> None:
    for _ in range(3):
        writer = LogWriter(str(tmp_path / "log"), SMALLEST_FILE_BYTES, 2)
        writer.write(b"stdout", b"x" * 50_000 + b"\n")
        writer.close()
    assert set(sizes(tmp_path)) == {"log", "log.1"}
    assert sum(sizes(tmp_path).values()) == 3 * (50_000 + STAMP + len(" stdout F \n"))


def test_a_log_that_can_t_be_rotated_stays_within_its_bound(tmp_path: Path) -> None:
    writer = LogWriter(str(tmp_path / "log"), SMALLEST_FILE_BYTES, 2)
    (tmp_path / "log.new").mkdir()
    for _ in range(10):
        writer.write(b"stdout", b"x" * 50_000 + b"\n")
    assert sizes(tmp_path)["log"] <= SMALLEST_FILE_BYTES
    (tmp_path / "log.new").rmdir()
    writer.write(b"stdout", b"it goes on\n")
    writer.write(b"stdout", b"x" * 120_000 + b"\n")
    writer.close()
    assert lines_of((tmp_path / "log.1").read_bytes().splitlines())[-1] == ("stdout", b"it goes on")


def test_a_full_disk_costs_lines_and_spoils_no_later_one(tmp_path: Path) -> None:
    writer = LogWriter(str(tmp_path / "log"))
    writer.write(b"stdout", b"before\n")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (os.path.getsize(tmp_path / "log") + 70, limits[1]))  # EFBIG is as good
    try:
        writer.write(b"stdout", b"one\ntwo is cut\nthree\n")
        writer.write(b"stdout", b"lost\n")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    writer.write(b"stdout", b"after\n")
    writer.close()
    found = lines_of((tmp_path / "log").read_bytes().splitlines())
    assert (found[0], found[1], found[-1]) == (("stdout", b"before"), ("stdout", b"one"), ("stdout", b"after"))
    assert [line for line in found if b"lost" in line[1]] == []


@pytest.mark.parametrize(("max_bytes", "max_files"), [(1000, 3), (1 << 20, 0), (1 << 20, 100_000)])
def test_limits_that_no_log_can_keep_are_refused(max_bytes: int, max_files: int) -> None:
    with pytest.raises(InvalidRequest, match="let max-"):
        LogConfig(max_bytes=max_bytes, max_files=max_files).check()
