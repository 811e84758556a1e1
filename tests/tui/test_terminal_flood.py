"""What is left out of a flood isn't missed."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.benchmarks.terminal import coloured_lines
from tests.tui.tmux_cells import cells_of
from tui.terminal.bittty_emulator import HISTORY_LINES, BitttyEmulator
from tui.terminal.flood import Plainness, is_plain, without_lost

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
@given(st.lists(PIECES, max_size=30), st.lists(PIECES, min_size=60, max_size=140))
def test_the_screen_and_the_end_of_history_are_the_same(before: list[bytes], flood: list[bytes]) -> None:
    data = b"".join(flood)
    whole, part = BitttyEmulator(20, 4), BitttyEmulator(20, 4)
    for emulator in (whole, part):
        emulator.feed(b"".join(before))
    whole.feed(data)
    part.feed(b"".join(without_lost(data, 10 + 4, 8)))
    assert cells_of(part) == cells_of(whole) and part.cursor == whole.cursor
    kept = min(10, part.history_rows, whole.history_rows)
    ends = [[each.line_text(each.history_rows - back) for back in range(1, kept + 1)] for each in (part, whole)]
    assert ends[0] == ends[1]


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


def test_a_flood_is_mostly_left_out_but_not_for_who_looks_back_or_on_another_screen() -> None:
    flood = coloured_lines(4_000_000)
    emulator = BitttyEmulator(160, 50)
    emulator.feed(b"old\r\n" * 100)
    rest = emulator.without_lost(flood)
    assert len(rest) < 1_300_000
    assert emulator.history_rows == 0  # the old lines are gone, and nothing of the new ones is missing between
    emulator.feed(rest[-20_000:])
    emulator.scroll_view(-5)
    assert emulator.without_lost(flood) is flood
    emulator.show_end()
    for state in (b"\x1b[?1049h", b"\x1b[?1049l\x1b[2;5r", b"\x1b[r\x1b["):
        emulator.feed(state)
        assert emulator.without_lost(flood) is flood
    assert HISTORY_LINES >= 10_000
