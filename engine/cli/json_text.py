"""JSON as text for terminals: what they may obey, or what turns words round, is there only as an escape."""

from __future__ import annotations

import msgspec


def json_text(document: object) -> str:
    """A document as indented JSON."""
    return _harmless(msgspec.json.format(msgspec.json.encode(document), indent=2).decode())


def compact_json(document: object) -> str:
    """A document as JSON on one line, for those who read one after the other."""
    return _harmless(msgspec.json.encode(document).decode())


def _harmless(text: str) -> str:
    """JSON escapes what is below 32 (RFC 8259, 7); terminals obey U+0080 to U+009F, too (ECMA-48, 5.3)."""
    if text.replace("\n", "").isprintable():
        return text
    return "".join(letter if letter.isprintable() or letter == "\n" else _escape(letter) for letter in text)


def _escape(letter: str) -> str:
    units = letter.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))
