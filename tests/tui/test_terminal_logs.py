"""Log lines as text, and the rows that they take."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.model import LogLine
from tui.terminal.emulator import CellStyle
from tui.terminal.log_buffer import LogBuffer
from tui.terminal.log_text import extent_of, row_starts, runs_of


def text(data: bytes) -> str:
    return "".join(run.text for run in runs_of(data))


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"plain", "plain"),
        (b"crlf\r", "crlf"),
        (b"10 %\r20 %\r100 %", "100 %"),
        (b"a\tb", "a       b"),
        ("日\t|".encode(), "日      |"),
        (b"\x1b[1mbold\x1b[0m\tx", "bold    x"),
        (b"\x1b[2Kcleared\x1b[3A", "cleared"),
        (b"\x1b]8;;http://x\x1b\\link\x1b]8;;\x07", "link"),
        (b"\x1b(Bx\x1b=", "x"),
        (b"\x1b[", ""),
        (b"bell\x07\x08", "bell"),
        (b"bad\xff", "bad\ufffd"),
        ("\x9b31mold".encode(), "old"),
    ],
)
def test_a_line_is_its_text_alone(data: bytes, expected: str) -> None:
    assert text(data) == expected


def test_colours_add_up_and_are_reset() -> None:
    styles = [run.style for run in runs_of(b"\x1b[31ma\x1b[1mb\x1b[mc")]
    assert styles == [CellStyle(foreground=1), CellStyle(foreground=1, bold=True), CellStyle()]


@given(st.binary(max_size=60))
def test_any_line_is_as_wide_as_its_runs_and_has_no_controls(data: bytes) -> None:
    assert extent_of(data).columns == sum(run.width for run in runs_of(data))
    assert not [character for character in text(data) if ord(character) < 0x20 or 0x7F <= ord(character) < 0xA0]


@pytest.mark.parametrize(
    ("line", "columns", "expected"),
    [
        ("abcdef", 4, (0, 4)),
        ("日本語", 3, (0, 2, 4)),
        ("a日本", 3, (0, 3)),
        ("e\u0301e\u0301e\u0301", 2, (0, 2)),
        ("", 5, (0,)),
    ],
)
def test_a_line_is_cut_between_characters(line: str, columns: int, expected: tuple[int, ...]) -> None:
    assert row_starts(runs_of(line.encode()), columns) == expected


@given(st.text(max_size=40), st.integers(2, 12))
def test_a_line_takes_the_rows_that_it_is_cut_into(line: str, columns: int) -> None:
    data = line.encode("utf-8", "replace")
    buffer = LogBuffer(5)
    buffer.wrap(columns)
    buffer.extend([LogLine(at_unix_ns=0, stream="stdout", data=data)])
    assert buffer.rows == len(row_starts(runs_of(data), columns))


def lines(*texts: str) -> list[LogLine]:
    return [LogLine(at_unix_ns=0, stream="stdout", data=each.encode()) for each in texts]


def test_wrapped_lines_take_as_many_rows_as_they_need() -> None:
    buffer = LogBuffer(10)
    buffer.wrap(4)
    buffer.extend(lines("abcdefghi", "", "abcd"))
    assert buffer.rows == 5
    assert [(buffer.at(row)[0].data[:1], buffer.at(row)[1]) for row in range(5)] == [
        (b"a", 0),
        (b"a", 1),
        (b"a", 2),
        (b"", 0),
        (b"a", 0),
    ]
    buffer.wrap(None)
    assert buffer.rows == 3


def test_old_lines_are_dropped_and_rows_keep_their_numbers() -> None:
    buffer = LogBuffer(3)
    assert buffer.extend(lines("a", "b", "c")) == 0
    assert buffer.extend(lines("d", "e")) == 2
    assert (buffer.first_row, buffer.rows, len(buffer)) == (2, 3, 3)
    assert buffer.at(2)[0].data == b"c"
    with pytest.raises(IndexError):
        buffer.at(1)


def test_more_lines_at_once_than_are_kept_leave_the_last() -> None:
    buffer = LogBuffer(3)
    buffer.extend(lines(*"abcdefgh"))
    assert [buffer.at(row)[0].data for row in range(buffer.first_row, buffer.end_row)] == [b"f", b"g", b"h"]
