"""The file of a container's past: what is written is read again, and nothing else is."""

from __future__ import annotations

import os
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.history import parse_history, read_history
from engine.model import Series
from engine.runtime.history_file import (
    FILE_BYTES,
    MAGIC,
    MINUTES,
    RECORD_BYTES,
    SECONDS,
    UNKNOWN,
    Figures,
    HistoryFile,
    columns,
    pack,
    unpack,
)

NOW = 1_795_543_933
MIB = 1 << 20

numbers = st.floats(0, 1e9) | st.just(UNKNOWN)
figures = st.builds(Figures, *[numbers] * len(Figures._fields))


def written(path: Path, *values: tuple[int, Figures]) -> bytes:
    file = HistoryFile(str(path))
    for second, value in values:
        file.put_second(second, value)
    file.close()
    return path.read_bytes()


def used(cpu: float) -> Figures:
    return Figures(cpu_percent=cpu, memory_bytes=4096.0, read_bytes_per_second=0.0, pids=1.0)


def hour(content: bytes, now: int = NOW) -> Series:
    return parse_history(content, "id", now).hour


@given(figures)
def test_figures_are_read_as_they_were_written_but_for_half_a_permille(given_figures: Figures) -> None:
    (record,) = unpack(pack(7, given_figures))
    assert record is not None and record[0] == 7
    for name, (read,), value in zip(Figures._fields, columns([record]), given_figures, strict=True):
        if value != value:
            assert read is None
        else:
            largest, tolerance = (1e12, 64) if "bytes" in name else (65_504.0, 0.001)
            assert read == pytest.approx(min(value, largest), rel=0.0006, abs=tolerance)


def test_what_is_too_large_becomes_the_largest_there_is() -> None:
    (record,) = unpack(pack(1, Figures(*[1e30] * len(Figures._fields))))
    found = Figures(*[values[0] or 0 for values in columns([record])])
    assert found.cpu_percent == found.io_stalled_percent == found.pids == 65_504
    assert found.memory_bytes == 65_504 << 30 and found.read_bytes_per_second == 65_504 * MIB


@pytest.mark.parametrize("size", range(1, RECORD_BYTES))
def test_a_half_written_record_is_none(size: int) -> None:
    before, after = pack(3, Figures(*range(1, 16))), pack(4, Figures(*[97.0, 3e9, 2, 5e7, 3, 7e9] * 2, 5, 4, 9))
    for mixed in (after[:size] + before[size:], before[:size] + after[size:]):
        assert mixed in (before, after) or unpack(mixed) == [None]


@given(st.integers(0, RECORD_BYTES * 8 - 1), figures)
def test_one_wrong_bit_is_noticed(bit: int, value: Figures) -> None:
    record = bytearray(pack(3, value))
    record[bit // 8] ^= 1 << bit % 8
    assert unpack(bytes(record)) == [None]


@given(st.sampled_from([MAGIC, b"boxdeck history 1 \r\n", b""]), st.binary(max_size=FILE_BYTES))
def test_garbage_is_no_history_and_no_error(magic: bytes, content: bytes) -> None:
    found = parse_history(magic + content, "id", NOW)
    assert found.container_id == "id"


def test_an_empty_slot_is_none() -> None:
    assert unpack(bytes(RECORD_BYTES * 3)) == [None] * 3


def test_seconds_stand_in_their_order_with_gaps_between(tmp_path: Path) -> None:
    found = hour(written(tmp_path / "file", (NOW - 5, used(1)), (NOW - 4, used(2)), (NOW - 1, used(3))))
    assert list(found.cpu_percent) == [1, 2, None, None, 3]
    assert found.until_unix_seconds == NOW - 1


def test_of_an_earlier_lap_nothing_is_shown(tmp_path: Path) -> None:
    early = [(NOW - 3600 - seconds, used(50)) for seconds in range(100)]
    found = hour(written(tmp_path / "file", *early, (NOW - 10, used(1)), (NOW, used(2))))
    assert list(found.cpu_percent) == [1, *[None] * 9, 2]


def test_of_a_container_that_ended_long_ago_the_last_hour_is_shown(tmp_path: Path) -> None:
    found = hour(written(tmp_path / "file", (NOW - 90_001, used(1)), (NOW - 90_000, used(2))))
    assert list(found.cpu_percent) == [1, 2] and found.until_unix_seconds == NOW - 90_000


def test_what_was_recorded_before_the_clock_was_set_back_is_not_shown(tmp_path: Path) -> None:
    found = hour(written(tmp_path / "file", (NOW + 900, used(9)), (NOW - 1, used(1))))
    assert list(found.cpu_percent) == [1]


@given(st.lists(st.tuples(st.integers(0, 20_000), st.integers(1, 100)), max_size=60))
def test_a_history_is_what_was_written_last_in_each_second_of_its_last_hour(values: list[tuple[int, int]]) -> None:
    content = bytearray(MAGIC) + bytes(FILE_BYTES - len(MAGIC))
    model: dict[int, int] = {}
    for offset, cpu in values:
        second = NOW - offset
        at = SECONDS.offset(second)
        content[at : at + RECORD_BYTES] = pack(SECONDS.lap(second), used(cpu))
        model = {known: value for known, value in model.items() if known % 3600 != second % 3600} | {second: cpu}
    found = hour(bytes(content))
    newest = max(model, default=0)
    expected = {second: value for second, value in model.items() if second > newest - 3600}
    first = found.until_unix_seconds - len(found.cpu_percent) + 1
    shown = {first + place: value for place, value in enumerate(found.cpu_percent) if value is not None}
    assert shown == expected


def test_the_sum_of_a_minute_is_the_average_of_its_seconds(tmp_path: Path) -> None:
    path, minute = tmp_path / "file", NOW // 60 - 5
    file = HistoryFile(str(path))
    for second in range(60):
        file.put_second(minute * 60 + second, used(second))
    file.put_minute(minute)
    file.close()
    content = path.read_bytes()
    without_seconds = content[: SECONDS.at] + bytes(MINUTES.at - SECONDS.at) + content[MINUTES.at :]
    day = parse_history(without_seconds, "id", NOW).day
    assert list(day.cpu_percent) == [pytest.approx(29.5, rel=0.001)] and day.until_unix_seconds == minute * 60


def test_minutes_that_nobody_wrote_are_found_among_the_seconds(tmp_path: Path) -> None:
    minute = NOW // 60 - 3
    seconds = [(minute * 60 + second, used(10)) for second in range(30)] + [(NOW - 1, used(4))]
    day = parse_history(written(tmp_path / "file", *seconds), "id", NOW).day
    assert day.cpu_percent[0] == 10 and day.cpu_percent[-1] == 4 and None in day.cpu_percent


def test_a_full_file_takes_no_more_than_168_kibibytes(tmp_path: Path) -> None:
    path = tmp_path / "file"
    file = HistoryFile(str(path))
    for second in range(NOW - 90_000, NOW):
        if second > NOW - 4000:
            file.put_second(second, used(1))
        if second % 60 == 59:
            file._put(MINUTES, second // 60, used(1))
    file.close()
    assert os.stat(path).st_size == FILE_BYTES <= 168 * 1024
    found = read_history(path, "id")
    assert len(found.hour.pids) == 3600 and len(found.day.pids) == 1440


def test_a_file_grows_only_as_it_fills() -> None:
    path = Path(f"/dev/shm/boxdeck-history-{os.getpid()}")
    try:
        written(path, (NOW, used(1)))
        assert os.stat(path).st_blocks * 512 <= 8192
    finally:
        path.unlink()


def test_a_second_writer_goes_on_where_the_first_ended(tmp_path: Path) -> None:
    written(tmp_path / "file", (NOW - 2, used(1)))
    assert list(hour(written(tmp_path / "file", (NOW - 1, used(2)))).cpu_percent) == [1, 2]


def test_an_earlier_version_s_file_is_read_and_goes_on(tmp_path: Path) -> None:
    record = struct.Struct("<HeIeeeeH")
    content = bytearray(b"boxdeck history 1 \r\n") + bytes(20 * (3600 + 1440))
    for second, cpu in ((NOW - 3, 25.0), (NOW - 2, 50.0)):
        body = record.pack(second // 3600 % 65_535 + 1, cpu, 3, 1.0, 2.0, 3.0, UNKNOWN, 7)
        at = 20 + second % 3600 * 20
        content[at : at + 20] = body + (int.from_bytes(body, "little") % 65_521).to_bytes(2, "little")
    (tmp_path / "file").write_bytes(content)
    before = hour(bytes(content))
    assert before.cpu_percent == (25, 50) and before.memory_working_set_bytes == (3 * 4096, 3 * 4096)
    assert before.written_bytes_per_second[-1] == 2 * MIB and before.sent_bytes_per_second[-1] is None
    assert before.pids[-1] == 7 and before.anonymous_bytes == before.io_stalled_percent == (None, None)
    after = hour(written(tmp_path / "file", (NOW - 1, used(75))))
    assert after.cpu_percent == (25, 50, 75) and after.memory_working_set_bytes[0] == 3 * 4096


@pytest.mark.parametrize("content", [b"", b"boxdeck history 9 \r\n" + b"x" * 99, b"x" * 200_000])
def test_what_is_no_history_is_begun_anew(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "file").write_bytes(content)
    assert hour(content).pids == ()
    assert hour(written(tmp_path / "file", (NOW, used(1)))).cpu_percent == (1,)


def test_where_there_is_no_file_there_is_no_history(tmp_path: Path) -> None:
    assert read_history(tmp_path / "none", "id").hour == Series(step_seconds=1, until_unix_seconds=0)
