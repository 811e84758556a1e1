"""What bytes do to the screen, and that no bytes can do harm."""

from __future__ import annotations

from threading import Thread
from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from tests.tui.emulators import EMULATORS
from tui.terminal.bittty_emulator import SEQUENCE_LIMIT
from tui.terminal.emulator import (
    CLIPBOARD_LIMIT_BYTES,
    CellStyle,
    CursorShape,
    Emulator,
    MouseAction,
    MouseReport,
    MouseTracking,
)


class Tested:
    kind: type[Emulator]


@pytest.fixture(params=EMULATORS, scope="module", autouse=True)
def kind(request: pytest.FixtureRequest) -> None:
    Tested.kind = request.param


def make(columns: int, rows: int) -> Emulator:
    return Tested.kind(columns, rows)


def lines(emulator: Emulator) -> list[str]:
    return ["".join(run.text for run in emulator.row(y)).rstrip() for y in range(emulator.rows)]


def shown(*data: bytes | str, columns: int = 20, rows: int = 4) -> Emulator:
    emulator = make(columns, rows)
    for part in data:
        emulator.feed(part.encode() if isinstance(part, str) else part)
    return emulator


def style_of(sequence: str) -> CellStyle:
    return shown(f"\x1b[{sequence}mx").row(0)[0].style


# --- text ---


@pytest.mark.parametrize(
    ("sequence", "expected"),
    [
        ("31", CellStyle(foreground=1)),
        ("92;44", CellStyle(foreground=10, background=4)),
        ("38;5;208", CellStyle(foreground=208)),
        ("48;2;1;2;3", CellStyle(background=(1, 2, 3))),
        ("38:2::9:8:7", CellStyle(foreground=(9, 8, 7))),
        ("1;3;4;7;9", CellStyle(bold=True, italic=True, underline=True, reverse=True, strike=True)),
        ("2;5", CellStyle(dim=True)),
        ("31;0", CellStyle()),
    ],
)
def test_colours_and_attributes(sequence: str, expected: CellStyle) -> None:
    assert style_of(sequence) == expected


def test_wide_characters_take_two_columns_and_combining_ones_none() -> None:
    for reset in ("", "\x1bc", "\x1b[!p", "\x1b[?2027l"):
        emulator = shown(f"{reset}日e\u0301|")
        assert lines(emulator)[0] == "日e\u0301|"
        assert emulator.cursor.column == 4


def test_a_wide_character_that_does_not_fit_goes_to_the_next_line() -> None:
    assert lines(shown("abc日", columns=4)) == ["abc", "日", "", ""]


def test_half_a_wide_character_is_never_shown() -> None:
    emulator = shown("日本\x1b[1;2Hx", columns=4)
    assert lines(emulator)[0] == " x本"


def test_boxes_are_drawn_with_lines() -> None:
    assert lines(shown("\x1b(0lqk\x1b(B \x0ea\x0f"))[0] == "┌─┐ a"


@pytest.mark.parametrize(
    ("sequence", "expected"),
    [
        ("\x1b[2;3r\x1b[3;1H\n", ["1", "3", "", "4"]),
        ("\x1b[2;3r\x1b[2;1H\x1bM", ["1", "", "2", "4"]),
        ("\x1b[2;1H\x1b[L", ["1", "", "2", "3"]),
        ("\x1b[2;1H\x1b[M", ["1", "3", "4", ""]),
        ("\x1b[2;1H\x1b[@x", ["1", "x2", "3", "4"]),
        ("\x1b[2;1H\x1b[P", ["1", "", "3", "4"]),
        ("\x1b[2;1H\x1b[J", ["1", "", "", ""]),
        ("\x1b[2S", ["3", "4", "", ""]),
        ("\x1b[2T", ["", "", "1", "2"]),
        ("\x1b[?1049hx\x1b[?1049l", ["1", "2", "3", "4"]),
    ],
)
def test_scroll_regions_insertions_deletions_and_the_other_screen(sequence: str, expected: list[str]) -> None:
    assert lines(shown("1\r\n2\r\n3\r\n4", sequence)) == expected


def test_only_changed_rows_are_painted() -> None:
    emulator = shown("one\r\ntwo")
    emulator.take_changed_rows()
    emulator.feed(b"!")
    assert list(emulator.take_changed_rows()) == [1]
    emulator.feed(b"\x1b[1;1H")
    assert list(emulator.take_changed_rows()) == [0, 1]
    assert list(emulator.take_changed_rows()) == []


# --- what the process asks and is told ---


def test_the_process_learns_what_it_talks_to_and_where_the_cursor_is() -> None:
    assert shown("ab\x1b[c\x1b[6n\x1b[5n").take_replies() == b"\x1b[?62;22c\x1b[1;3R\x1b[0n"


def test_the_process_cannot_type_its_own_title() -> None:
    assert shown("\x1b]0;rm -rf /\n\x07", "\x1b[21t\x1b[20t").take_replies() == b""


def test_the_title_is_kept_without_control_characters() -> None:
    assert shown("\x1b]2;a\x01b\x1b\\").title == "ab"
    assert shown("text").title == ""


@pytest.mark.parametrize("sequence", ["\x1b[8;50;100t", "\x1b[60t", "\x1b[?40h\x1b[?3h", "\x1b[132$|"])
def test_the_process_cannot_resize_the_pane(sequence: str) -> None:
    emulator = shown("text", sequence)
    assert (emulator.columns, emulator.rows) == (20, 4)


def test_modes_follow_what_the_process_switches() -> None:
    modes = shown("\x1b[?1h\x1b[?2004h\x1b[?1049h\x1b[?1002h\x1b[?1006h\x1b[?1004h\x1b[?2026h").modes
    assert modes.application_cursor and modes.bracketed_paste and modes.alternate_screen
    assert modes.focus_reports and modes.frame_held
    assert modes.mouse is MouseTracking.DRAG


def test_the_cursor_can_be_hidden_and_shaped() -> None:
    assert not shown("\x1b[?25l").cursor.visible
    assert shown("\x1b[5 q").cursor.shape is CursorShape.BAR
    assert shown("日\x1b[1;2H").cursor.width == 2


def test_keys_pastes_focus_and_mouse_are_encoded_as_the_process_asked() -> None:
    emulator = shown("\x1b[?1h\x1b[?2004h\x1b[?1000h\x1b[?1006h\x1b[?1004h")
    press = MouseReport(column=2, row=1, button=0, action=MouseAction.PRESS)
    assert emulator.encode_key("up", None) == b"\x1bOA"
    assert emulator.encode_paste("x") == b"\x1b[200~x\x1b[201~"
    assert emulator.encode_mouse(press) == b"\x1b[<0;3;2M"
    assert emulator.encode_focus(True) == b"\x1b[I"


def test_a_process_that_did_not_ask_gets_no_mouse_and_no_focus() -> None:
    emulator = shown("text")
    assert emulator.encode_mouse(MouseReport(column=0, row=0, button=0, action=MouseAction.PRESS)) == b""
    assert emulator.encode_focus(False) == b""


@pytest.mark.parametrize(
    ("encoding", "press", "drag", "release"),
    [
        ("", b'\x1b[M #"', b'\x1b[M@#"', b'\x1b[M##"'),
        ("\x1b[?1006h", b"\x1b[<0;3;2M", b"\x1b[<32;3;2M", b"\x1b[<0;3;2m"),
        ("\x1b[?1015h", b"\x1b[32;3;2M", b"\x1b[64;3;2M", b"\x1b[35;3;2M"),
    ],
)
def test_the_mouse_in_all_three_encodings(encoding: str, press: bytes, drag: bytes, release: bytes) -> None:
    emulator = shown(f"\x1b[?1002h{encoding}")
    reports = [MouseReport(column=2, row=1, button=0, action=action) for action in (*MouseAction,)]
    assert emulator.encode_mouse(reports[2]) == b""  # nothing is held
    assert emulator.encode_mouse(reports[0]) == press
    assert emulator.encode_mouse(reports[2]) == drag
    assert emulator.encode_mouse(reports[1]) == release


def test_modifiers_and_the_wheel_are_reported() -> None:
    emulator = shown("\x1b[?1000h\x1b[?1006h")
    wheel = MouseReport(column=0, row=0, button=65, action=MouseAction.PRESS, ctrl=True, shift=True, meta=True)
    assert emulator.encode_mouse(wheel) == b"\x1b[<93;1;1M"


def test_a_text_for_the_clipboard_waits_to_be_asked_about_and_none_is_told() -> None:
    emulator = shown("\x1b]52;c;aGVs", "bG8=\x07", "\x1b]52;c;?\x07")
    assert emulator.take_clipboard() == "hello"
    assert emulator.take_clipboard() is None
    assert emulator.take_replies() == b""


@pytest.mark.parametrize("payload", ["", "?", "%%%", "QUJD" * (CLIPBOARD_LIMIT_BYTES // 3 + 1)])
def test_nonsense_and_too_much_is_no_text_for_the_clipboard(payload: str) -> None:
    assert shown(f"\x1b]52;c;{payload}\x07").take_clipboard() is None


def test_a_picture_in_a_file_of_the_host_is_not_looked_at() -> None:
    emulator = shown("\x1b_Ga=T,t=f,f=100,i=7;L2V0Yy9wYXNzd2Q=\x1b\\after")
    assert emulator.take_replies() == b""
    assert lines(emulator)[0] == "after"


def test_what_is_erased_has_the_background_of_then() -> None:
    row = shown("a\x1b[44m\x1b[K", "\r\n\x1b[48;2;1;2;3m\x1b[K").row(0)
    assert [(run.text, run.style.background) for run in row] == [("a", None), (" " * 19, 4)]
    assert shown("\x1b[48;2;1;2;3m\x1b[K").row(0)[0].style.background == (1, 2, 3)


def test_control_characters_never_stand_in_a_cell() -> None:
    text = shown("a\x7f\x80b\u009bc\x1b[200b").row(0)[0].text
    assert all(character.isprintable() for character in text)


# --- looking back and resizing ---


def test_lines_that_scrolled_off_can_be_looked_at_while_more_arrive() -> None:
    emulator = shown("".join(f"{n}\r\n" for n in range(10)))
    emulator.scroll_view(-3)
    before = lines(emulator)
    assert before == ["4", "5", "6", "7"]
    assert not emulator.cursor.visible
    emulator.feed(b"10\r\n11\r\n")
    assert lines(emulator) == before
    emulator.show_end()
    assert lines(emulator) == ["9", "10", "11", ""]


def test_the_view_stops_at_both_ends() -> None:
    emulator = shown("".join(f"{n}\r\n" for n in range(10)))
    emulator.scroll_view(-1000)
    assert emulator.view_offset == emulator.history_rows == 7
    emulator.scroll_view(1000)
    assert emulator.view_offset == 0


def test_the_other_screen_leaves_no_history() -> None:
    emulator = shown("\x1b[?1049h", "".join(f"{n}\r\n" for n in range(10)))
    emulator.scroll_view(-3)
    assert emulator.view_offset == emulator.history_rows == 0


def test_a_narrower_pane_wraps_lines_anew_and_a_wider_one_joins_them() -> None:
    emulator = shown("abcdefgh\r\n> ", columns=10)
    emulator.resize(5, 4)
    assert lines(emulator) == ["abcde", "fgh", ">", ""]
    emulator.resize(10, 4)
    assert lines(emulator)[0] == "abcdefgh"


# --- hostile output ---


def test_a_sequence_without_an_end_is_dropped_and_what_follows_it_is_shown() -> None:
    emulator = shown("\x1b]0;" + "x" * SEQUENCE_LIMIT, *["y" * 10_000] * 20, "\x1b\\after")
    assert lines(emulator)[0] == "after"


def test_an_endless_sequence_does_not_slow_the_app_down() -> None:
    emulator = shown("\x1b]0;")
    began = process_time()
    for _ in range(500):
        emulator.feed(b"z" * 4096)
    assert process_time() - began < 3


@pytest.mark.parametrize("final", list("ABCDEFGHIJKLMPSTXZ@`abdefrstu"))
def test_absurd_numbers_take_no_time(final: str) -> None:
    began = process_time()
    shown(f"x\x1b[2147483647;2147483647{final}y")
    assert process_time() - began < 0.5


def test_bytes_that_are_no_utf8_are_shown_as_replacements() -> None:
    assert lines(shown(b"a\xff\xfeb"))[0] == "a\ufffd\ufffdb"


def test_a_checksum_over_combining_characters_does_not_stop_the_output() -> None:
    assert lines(shown("e\u0301\x1b[1;1;1;1;1;1*yafter"))[0] == "e\u0301after"


SEQUENCES = st.one_of(
    st.text(max_size=8).map(lambda text: text.encode("utf-8", "replace")),
    st.binary(max_size=6),
    st.builds(
        lambda marker, numbers, middle, final: f"\x1b[{marker}{';'.join(map(str, numbers))}{middle}{final}".encode(),
        st.sampled_from(["", "?", ">", "=", "!"]),
        st.lists(st.integers(0, 3000), max_size=4),
        st.sampled_from(["", "", "", " ", "$", "*", '"', "'"]),
        st.characters(min_codepoint=0x40, max_codepoint=0x7E),
    ),
    st.builds(lambda final: b"\x1b" + final, st.sampled_from([bytes((code,)) for code in range(0x20, 0x7F)])),
    st.sampled_from([b"\r\n", b"\x08", b"\t", "日本".encode(), "e\u0301".encode(), "👩‍👧".encode(), b"\x1b[?1049h"]),
)


@given(st.lists(SEQUENCES, max_size=30), st.integers(1, 30), st.integers(1, 8))
@settings(max_examples=300, deadline=None)
def test_whatever_is_written_every_row_fills_the_pane_exactly(parts: list[bytes], columns: int, rows: int) -> None:
    emulator = make(columns, rows)
    emulator.feed(b"".join(parts))
    emulator.resize(rows + 3, columns)
    assert (emulator.columns, emulator.rows) == (rows + 3, columns)
    for y in range(emulator.rows):
        row = emulator.row(y)
        assert sum(run.width for run in row) == emulator.columns
        assert [cell_len(run.text) for run in row] == [run.width for run in row]


@given(st.lists(SEQUENCES, max_size=12), st.data())
@settings(max_examples=150, deadline=None)
def test_output_cut_anywhere_shows_the_same(parts: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(parts)
    whole, halves = make(12, 4), make(12, 4)
    whole.feed(stream)
    cut = data.draw(st.integers(0, len(stream)))
    halves.feed(stream[:cut])
    halves.feed(stream[cut:])
    assert lines(whole) == lines(halves)


def test_what_is_fed_aside_is_safe_from_what_the_app_does_meanwhile() -> None:
    emulator = make(40, 8)
    if not emulator.feeds_aside:
        pytest.skip("this one is fed where the app runs")
    output = b"\x1b[31mred\x1b[0m \xe6\x97\xa5\r\n\x1b[?1049h\x1b[3;5r\x1bM\x1b[?1049l" * 4000
    feeding = Thread(target=emulator.feed, args=(output,))
    feeding.start()
    for step in range(300):
        emulator.resize(20 + step % 40, 2 + step % 9)
        emulator.scroll_view(-step)
        emulator.take_changed_rows()
        assert all(sum(run.width for run in emulator.row(y)) == emulator.columns for y in range(emulator.rows))
    feeding.join()
    emulator.show_end()
    emulator.feed(b"\x1b[2J\x1b[Hend")
    assert lines(emulator)[0] == "end"
