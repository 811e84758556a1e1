"""What a container writes, and what is read back."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from engine.log_reader import Assembler
from engine.runtime.logs import PART_SIZE, LogWriter, parse, timestamp


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


def test_lines_carry_time_and_stream(tmp_path: Path) -> None:
    raw = written(tmp_path, (b"stdout", b"one\ntwo\n"), (b"stderr", b"bad\n"))
    entry = parse(raw[0])
    assert entry is not None and entry.at_unix_ns > 1_700_000_000_000_000_000
    assert lines_of(raw) == [("stdout", b"one"), ("stdout", b"two"), ("stderr", b"bad")]


def test_streams_don_t_mix_inside_a_line(tmp_path: Path) -> None:
    raw = written(tmp_path, (b"stdout", b"hal"), (b"stderr", b"err\n"), (b"stdout", b"lo\n"))
    assert lines_of(raw) == [("stderr", b"err"), ("stdout", b"hallo")]


def test_an_unfinished_last_line_is_kept(tmp_path: Path) -> None:
    assert lines_of(written(tmp_path, (b"stdout", b"no newline"))) == [("stdout", b"no newline")]


def test_a_long_line_is_written_in_parts_and_read_whole(tmp_path: Path) -> None:
    long = b"x" * (3 * PART_SIZE + 5)
    raw = written(tmp_path, (b"stdout", long + b"\n"))
    assert lines_of(raw) == [("stdout", long)]
    unfinished = written(tmp_path, (b"stdout", long))
    assert len(unfinished) == 4 and lines_of(unfinished) == [("stdout", long)]


def test_a_damaged_line_is_skipped() -> None:
    for raw in (b"", b"nonsense", b"2026-99-99T00:00:00.000000000Z stdout F x", timestamp(0)[:29] + b" stdout F x"):
        assert parse(raw) is None


@given(st.integers(0, 4_000_000_000_000_000_000))
def test_times_survive_to_the_nanosecond(unix_ns: int) -> None:
    entry = parse(timestamp(unix_ns) + b" stdout F x")
    assert entry is not None and entry.at_unix_ns == unix_ns
