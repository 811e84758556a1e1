"""Keys as xterm sends them."""

from __future__ import annotations

import pytest

from tui.terminal.keys import encode_key, encode_paste
from tui.terminal.kitty_keys import encode_kitty_key

PLAIN = [
    ("a", "a", b"a"),
    ("A", "A", b"A"),
    ("ä", "ä", "ä".encode()),
    ("日", "日", "日".encode()),
    ("space", " ", b" "),
    ("full_stop", ".", b"."),
    ("plus", "+", b"+"),
    ("enter", "\r", b"\r"),
    ("tab", "\t", b"\t"),
    ("escape", "\x1b", b"\x1b"),
    ("backspace", "\x7f", b"\x7f"),
    ("backspace", "\x08", b"\x7f"),
    ("ctrl+j", "\n", b"\n"),
    ("shift+tab", None, b"\x1b[Z"),
    ("up", None, b"\x1b[A"),
    ("down", None, b"\x1b[B"),
    ("right", None, b"\x1b[C"),
    ("left", None, b"\x1b[D"),
    ("home", None, b"\x1b[H"),
    ("end", None, b"\x1b[F"),
    ("insert", None, b"\x1b[2~"),
    ("delete", None, b"\x1b[3~"),
    ("pageup", None, b"\x1b[5~"),
    ("pagedown", None, b"\x1b[6~"),
    ("f1", None, b"\x1bOP"),
    ("f2", None, b"\x1bOQ"),
    ("f3", None, b"\x1bOR"),
    ("f4", None, b"\x1bOS"),
    ("f5", None, b"\x1b[15~"),
    ("f6", None, b"\x1b[17~"),
    ("f7", None, b"\x1b[18~"),
    ("f8", None, b"\x1b[19~"),
    ("f9", None, b"\x1b[20~"),
    ("f10", None, b"\x1b[21~"),
    ("f11", None, b"\x1b[23~"),
    ("f12", None, b"\x1b[24~"),
    ("f13", None, b"\x1b[1;2P"),
]

MODIFIED = [
    ("ctrl+a", "\x01", b"\x01"),
    ("ctrl+c", None, b"\x03"),
    ("ctrl+z", "\x1a", b"\x1a"),
    ("ctrl+shift+c", None, b"\x03"),
    ("ctrl+at", "\x00", b"\x00"),
    ("ctrl+@", "\x00", b"\x00"),
    ("ctrl+space", None, b"\x00"),
    ("ctrl+backslash", "\x1c", b"\x1c"),
    ("ctrl+right_square_bracket", "\x1d", b"\x1d"),
    ("ctrl+circumflex_accent", "\x1e", b"\x1e"),
    ("ctrl+underscore", "\x1f", b"\x1f"),
    ("ctrl+slash", None, b"\x1f"),
    ("ctrl+2", None, b"\x00"),
    ("ctrl+8", None, b"\x7f"),
    ("ctrl+9", None, b"9"),
    ("ctrl+backspace", None, b"\x08"),
    ("alt+a", "a", b"\x1ba"),
    ("alt+shift+a", "A", b"\x1bA"),
    ("alt+full_stop", None, b"\x1b."),
    ("alt+ctrl+e", None, b"\x1b\x05"),
    ("alt+enter", None, b"\x1b\r"),
    ("alt+backspace", None, b"\x1b\x7f"),
    ("shift+up", None, b"\x1b[1;2A"),
    ("alt+up", None, b"\x1b[1;3A"),
    ("ctrl+right", None, b"\x1b[1;5C"),
    ("ctrl+shift+left", None, b"\x1b[1;6D"),
    ("ctrl+home", None, b"\x1b[1;5H"),
    ("ctrl+delete", None, b"\x1b[3;5~"),
    ("shift+pageup", None, b"\x1b[5;2~"),
    ("ctrl+f1", None, b"\x1b[1;5P"),
    ("ctrl+f5", None, b"\x1b[15;5~"),
    ("ctrl+f17", None, b"\x1b[15;6~"),
]

SILENT = ["super+a", "caps_lock", "left_shift", "<ignore>", "ctrl+ä"]


@pytest.mark.parametrize(("key", "character", "expected"), PLAIN + MODIFIED)
def test_a_key_sends_what_xterm_sends(key: str, character: str | None, expected: bytes) -> None:
    assert encode_key(key, character) == expected


@pytest.mark.parametrize(
    ("key", "expected"),
    [("up", b"\x1bOA"), ("left", b"\x1bOD"), ("home", b"\x1bOH"), ("end", b"\x1bOF"), ("f1", b"\x1bOP")],
)
def test_an_app_with_cursor_keys_of_its_own_gets_ss3(key: str, expected: bytes) -> None:
    assert encode_key(key, application_cursor=True) == expected


def test_modified_arrows_are_the_same_in_an_app_with_cursor_keys_of_its_own() -> None:
    assert encode_key("ctrl+up", application_cursor=True) == b"\x1b[1;5A"


@pytest.mark.parametrize("key", SILENT)
def test_a_key_that_a_terminal_has_no_sequence_for_sends_nothing(key: str) -> None:
    assert encode_key(key) == b""


def test_a_paste_is_typed_with_carriage_returns() -> None:
    assert encode_paste("a\nb\r\nc\td", bracketed=False) == b"a\rb\rc\td"


def test_a_paste_comes_in_brackets_when_the_app_wants_them() -> None:
    assert encode_paste("ls", bracketed=True) == b"\x1b[200~ls\x1b[201~"


def test_a_paste_cannot_close_its_own_brackets_or_press_ctrl_c() -> None:
    assert encode_paste("x\x1b[201~rm\x03\x9b", bracketed=True) == b"\x1b[200~x [201~rm  \x1b[201~"


KITTY = [
    ("a", "a", 1, b"a"),
    ("escape", None, 1, b"\x1b[27u"),
    ("enter", None, 1, b"\r"),
    ("shift+enter", None, 1, b"\x1b[13;2u"),
    ("ctrl+i", None, 1, b"\x1b[105;5u"),
    ("ctrl+shift+a", None, 1, b"\x1b[97;6u"),
    ("alt+a", "a", 1, b"\x1b[97;3u"),
    ("up", None, 1, b"\x1b[A"),
    ("ctrl+up", None, 1, b"\x1b[1;5A"),
    ("f1", None, 1, b"\x1b[P"),
    ("f3", None, 1, b"\x1b[13~"),
    ("delete", None, 1, b"\x1b[3~"),
    ("A", "A", 1, b"A"),
    ("a", "a", 8, b"\x1b[97u"),
    ("A", "A", 8, b"\x1b[97;2u"),
    ("A", "A", 24, b"\x1b[97;2;65u"),
    ("tab", None, 8, b"\x1b[9u"),
    ("caps_lock", None, 8, b""),
]


@pytest.mark.parametrize(("key", "character", "flags", "expected"), KITTY)
def test_a_key_under_the_kitty_protocol(key: str, character: str | None, flags: int, expected: bytes) -> None:
    assert encode_kitty_key(key, character, flags) == expected
