"""Keys in Textual's words to the bytes that xterm sends for them.

Sources: xterm's ctlseqs ("PC-Style Function Keys", "Bracketed Paste Mode"), terminfo's xterm-256color.
All functions are pure.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from textual.keys import REPLACED_KEYS, key_to_character

ESCAPE = b"\x1b"

LETTER_KEYS = {"up": "A", "down": "B", "right": "C", "left": "D", "home": "H", "end": "F"}
TILDE_KEYS = {
    "insert": 2,
    "delete": 3,
    "pageup": 5,
    "pagedown": 6,
    "f5": 15,
    "f6": 17,
    "f7": 18,
    "f8": 19,
    "f9": 20,
    "f10": 21,
    "f11": 23,
    "f12": 24,
}
PF_KEYS = {"f1": "P", "f2": "Q", "f3": "R", "f4": "S"}
_PLAIN_KEYS = {
    "enter": b"\r",
    "return": b"\r",
    "tab": b"\t",
    "backspace": b"\x7f",
    "escape": b"\x1b",
    "space": b" ",
    "newline": b"\n",
}
_MODIFIER_BITS = {"shift": 1, "alt": 2, "ctrl": 4, "meta": 8}
_MODIFIERS = frozenset(_MODIFIER_BITS) | {"super", "hyper"}

# X11's XLookupString gives these keys control characters beside "@" to "_".
_CONTROL_ALIASES = {" ": 0x00, "2": 0x00, "3": 0x1B, "4": 0x1C, "5": 0x1D, "6": 0x1E, "7": 0x1F, "8": 0x7F}
_CONTROL_ALIASES |= {"/": 0x1F, "-": 0x1F, "?": 0x7F}

_PASTE_START, _PASTE_END = b"\x1b[200~", b"\x1b[201~"
# xterm's disallowedPasteControls: a paste must not be able to end its own brackets or type control characters.
_PASTE_TABLE = dict.fromkeys((*range(0x09), 0x0B, 0x0C, *range(0x0E, 0x20), *range(0x7F, 0xA0)), " ") | {0x0A: "\r"}


def encode_key(key: str, character: str | None = None, *, application_cursor: bool = False) -> bytes:
    """What xterm sends for a key.

    Args:
        key: Textual's name for it with modifiers before it, such as ``ctrl+shift+left``.
        character: what it types, where that is known.
        application_cursor: whether DECCKM is set (arrows, Home and End come as SS3).

    Returns:
        The bytes, or none for a key that a terminal has no sequence for.
    """
    name, modifiers = split_key(key)
    if modifiers & {"super", "hyper"}:
        return b""
    sequence = _function_key(*_shifted_function_key(name, modifiers), application_cursor)
    if sequence is not None:
        return sequence
    return _character_key(name, character, modifiers)


def split_key(key: str) -> tuple[str, frozenset[str]]:
    """A key in Textual's words as its own name and its modifiers."""
    *prefixes, name = key.split("+") if not key.endswith("+") else [key]
    return name, frozenset(prefixes) & _MODIFIERS


def plain_character(name: str) -> str | None:
    """What a key types that Textual has a name for, such as ``full_stop``; None for one that types nothing."""
    return key_to_character(REPLACED_KEYS.get(name, name))


def encode_focus(focused: bool) -> bytes:
    """A change of focus (xterm's ctlseqs, mode 1004)."""
    return b"\x1b[I" if focused else b"\x1b[O"


def encode_paste(text: str, *, bracketed: bool) -> bytes:
    """Pasted text as xterm sends it: line ends as carriage returns, other controls as spaces.

    Args:
        text: what the clipboard holds.
        bracketed: whether mode 2004 is set.
    """
    body = text.replace("\r\n", "\n").translate(_PASTE_TABLE).encode("utf-8", "replace")
    return _PASTE_START + body + _PASTE_END if bracketed else body


def _shifted_function_key(name: str, modifiers: AbstractSet[str]) -> tuple[str, AbstractSet[str]]:
    # Textual reads CSI 1;2P as f13, but it is what xterm sends for shift+f1, and terminfo says kf13=\E[1;2P.
    if name.startswith("f") and name[1:].isdecimal() and 13 <= int(name[1:]) <= 24:
        return f"f{int(name[1:]) - 12}", modifiers | {"shift"}
    return name, modifiers


def _function_key(name: str, modifiers: AbstractSet[str], application_cursor: bool) -> bytes | None:
    parameter = 1 + sum(_MODIFIER_BITS[modifier] for modifier in modifiers)
    if name in TILDE_KEYS:
        suffix = f";{parameter}" if parameter > 1 else ""
        return f"\x1b[{TILDE_KEYS[name]}{suffix}~".encode()
    letter = LETTER_KEYS.get(name) or PF_KEYS.get(name)
    if letter is None:
        return None
    if parameter > 1:
        return f"\x1b[1;{parameter}{letter}".encode()
    return f"\x1b{'O' if application_cursor or name in PF_KEYS else '['}{letter}".encode()


def _character_key(name: str, character: str | None, modifiers: AbstractSet[str]) -> bytes:
    prefix = ESCAPE if modifiers & {"alt", "meta"} else b""
    if name == "tab" and "shift" in modifiers:
        return prefix + b"\x1b[Z"
    if name == "backspace" and "ctrl" in modifiers:
        return prefix + b"\x08"
    if name in _PLAIN_KEYS and not (name == "space" and "ctrl" in modifiers):
        return prefix + _PLAIN_KEYS[name]
    typed = _typed(name, character, modifiers)
    return prefix + typed if typed else b""


def _typed(name: str, character: str | None, modifiers: AbstractSet[str]) -> bytes:
    if not modifiers and character is not None and character.isprintable():
        return character.encode("utf-8", "replace")
    plain = plain_character(name)
    if plain is None:
        return b""
    if "ctrl" in modifiers:
        return bytes((_control(plain),)) if plain.isascii() else b""
    return (plain.upper() if "shift" in modifiers else plain).encode("utf-8", "replace")


def _control(character: str) -> int:
    code = ord(character)
    return _CONTROL_ALIASES.get(character, code & 0x1F if 0x40 <= code <= 0x7E else code)
