"""Keys as the kitty keyboard protocol has them, for a process that switched it on.

Source: kitty's "Comprehensive keyboard handling in terminals". A terminal app gets no releases and no physical keys
from the terminal that it runs in, so events are presses and alternate keys aren't reported.
"""

from __future__ import annotations

from tui.terminal.keys import LETTER_KEYS, PF_KEYS, TILDE_KEYS, encode_key, plain_character, split_key

DISAMBIGUATE, REPORT_ALL, REPORT_TEXT = 1, 8, 16
"""Flags that a process may ask for ("Progressive enhancement")."""

_CODES = {"escape": 27, "enter": 13, "return": 13, "tab": 9, "backspace": 127, "space": 32}
_AS_EVER = frozenset({"enter", "return", "tab", "backspace"})
_MODIFIER_BITS = {"shift": 1, "alt": 2, "ctrl": 4, "super": 8, "hyper": 16, "meta": 32}


def encode_kitty_key(key: str, character: str | None, flags: int) -> bytes:
    """What a key sends under the flags that are set; see `encode_key` for the arguments."""
    name, modifiers = split_key(key)
    bits = sum(_MODIFIER_BITS[modifier] for modifier in modifiers)
    if (function := _function_key(name, bits)) is not None:
        return function
    if not flags & REPORT_ALL and not bits and (name in _AS_EVER or name not in _CODES):
        return encode_key(key, character)
    typed = character if character is not None and character.isprintable() and not bits else plain_character(name)
    code = _CODES.get(name) or (ord(typed.lower()[0]) if typed else 0)
    if not code:
        return b""
    if typed and typed.lower() != typed:
        bits |= 1
    if not flags & REPORT_ALL and bits == 1 and name not in _CODES:
        return encode_key(key, character)
    text = f";{ord(typed[0])}" if flags & REPORT_TEXT and flags & REPORT_ALL and typed and not bits & ~1 else ""
    parameter = f";{1 + bits}" if bits else ";" if text else ""
    return f"\x1b[{code}{parameter}{text}u".encode()


def _function_key(name: str, bits: int) -> bytes | None:
    if name == "f3":  # its letter is the one of a cursor position report
        return _tilde(13, bits)
    if name in TILDE_KEYS:
        return _tilde(TILDE_KEYS[name], bits)
    letter = LETTER_KEYS.get(name) or PF_KEYS.get(name)
    if letter is None:
        return None
    return f"\x1b[1;{1 + bits}{letter}".encode() if bits else f"\x1b[{letter}".encode()


def _tilde(number: int, bits: int) -> bytes:
    return f"\x1b[{number};{1 + bits}~".encode() if bits else f"\x1b[{number}~".encode()
