"""What is left out of a flood isn't missed."""

from __future__ import annotations

from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.benchmarks.terminal import coloured_lines
from tests.tui.tmux_cells import cells_of
from tui.terminal.bittty_emulator import BitttyEmulator
from tui.terminal.emulator import Emulator, Row
from tui.terminal.flood import Plainness, is_plain

PIECES = st.sampled_from(
    [
        b"a word ",
        b"\r\n",
        b"\r\n",
        b"\r\n",
        b"\x1b[31m",
        b"\x1b[1;44m",
        b"\x1b[0m",
        b"\x1b[m",
        b"\tx",
        "日本".encode(),
        b"\r",
    ]
)
UNPLAIN = [b"\x1b[2J", b"\x1b[5;5H", b"\x1bM", b"\x0e", b"\x08", b"\x1b]0;x\x07", b"\xc2\x9b5H", b"\x1b[?25l", b"\x7f"]


@settings(max_examples=60)
@given(
    st.lists(PIECES, max_size=30),
    st.lists(st.lists(PIECES, min_size=60, max_size=140), min_size=1, max_size=3),
    st.lists(PIECES, max_size=30),
    st.integers(0, 4),
)
def test_the_screen_and_history_are_the_same(
    before: list[bytes], floods: list[list[bytes]], after: list[bytes], cut: int
) -> None:
    whole, part = BitttyEmulator(20, 4), BitttyEmulator(20, 4)
    pieces = [
        b"".join(before) + b"x\x1b[35m"[:cut],
        b"\x1b[35m" + b"\r\n" * 20,
        *map(b"".join, floods),
        b"".join(after),
    ]
    with patch("tui.terminal.bittty_skim.HISTORY_LINES", 10):
        for piece in pieces:
            whole.feed(piece)
            if not part.skim(piece):
                part.feed(piece)
            assert cells_of(part) == cells_of(whole) and part.cursor == whole.cursor
        while part.catch_up():
            pass
    assert cells_of(part) == cells_of(whole) and part.cursor == whole.cursor
    kept = min(10, whole.history_rows)
    assert last_history(part, kept) == last_history(whole, kept)


def last_history(emulator: Emulator, rows: int) -> list[Row]:
    emulator.scroll_view(-rows)
    found = [emulator.row(y) for y in range(min(rows, emulator.rows))]
    emulator.show_end()
    return found


def test_what_moves_the_cursor_is_not_plain() -> None:
    assert is_plain(b"3m red\r\n\ttext \x1b[38;5;1m\xe6\x97\xa5\x1b[3")
    assert not any(is_plain(b"a" + each + b"b") for each in UNPLAIN)


def test_a_sequence_that_is_cut_between_two_pieces_is_seen() -> None:
    for each in UNPLAIN:
        for cut in range(len(each) + 1):
            plainness = Plainness()
            for piece in (b"a" + each[:cut], each[cut:] + b"b"):
                plainness.add(piece)
            assert not plainness.take(), (each, cut)
            plainness.add(b"line\r\n")
            assert plainness.take()


FLOOD = coloured_lines(4_000_000)


def test_of_a_flood_only_what_is_seen_is_interpreted_at_once_and_history_has_all_of_it_later() -> None:
    emulator = BitttyEmulator(160, 50)
    emulator.feed(b"old\r\n" * 100)
    assert emulator.skim(FLOOD) and emulator.skim(FLOOD[:100_000])
    assert (
        emulator.history_rows <= emulator.rows
    )  # the old lines are gone, and nothing of the new ones is missing between
    last = [emulator.line_text(line) for line in range(emulator.history_rows)]
    emulator.feed(b"\r\n$ \x1b[?2004h")
    emulator.scroll_view(-5)
    seen = emulator.row(0)
    while emulator.catch_up():
        pass
    assert emulator.row(0) == seen
    assert emulator.history_rows > 10_000
    lines = [emulator.line_text(line) for line in range(emulator.history_rows)]
    assert lines[-1 - len(last) : -1] == last


def test_a_flood_is_not_skimmed_for_who_looks_back_or_where_lines_are_not_simply_written() -> None:
    emulator = BitttyEmulator(160, 50)
    emulator.feed(b"old\r\n" * 100)
    emulator.scroll_view(-5)
    assert not emulator.skim(FLOOD)
    emulator.show_end()
    for state, usual in (
        (b"\x1b[?1049h", b"\x1b[?1049l"),
        (b"\x1b[2;5r", b"\x1b[r"),
        (b"\x1b[?7l", b"\x1b[?7h"),
        (b"\x1b[4h", b"\x1b[4l"),
        (b"\x0e\x1b)0", b"\x0f\x1b)B"),
        (b"\x1b]0;", b"\x07"),
    ):
        emulator.feed(state)
        assert not emulator.skim(FLOOD), state
        emulator.feed(usual)
    assert emulator.skim(FLOOD)


def test_history_that_was_cleared_after_a_flood_stays_so() -> None:
    emulator = BitttyEmulator(160, 50)
    assert emulator.skim(FLOOD)
    emulator.feed(b"\x1b[H\x1b[2J\x1b[3J")
    while emulator.catch_up():
        pass
    assert emulator.history_rows == 0
