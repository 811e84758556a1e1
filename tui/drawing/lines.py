"""Text in tones: what every drawing function returns and every widget shows."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from typing import NamedTuple

from rich.cells import cell_len, set_cell_size


class Tone(str, Enum):
    """What a colour means; the values are Textual styles that the theme resolves."""

    PLAIN = ""
    STRONG = "bold"
    MUTED = "$muted"
    FAINT = "$faint"
    ACCENT = "$accent"
    LIT = "bold $accent"
    GOOD = "$success"
    WARN = "$warning"
    BAD = "$error"


class Span(NamedTuple):
    """A piece of a line in one tone."""

    text: str
    tone: Tone = Tone.PLAIN


Line = tuple[Span, ...]


def line(*pieces: str | Span) -> Line:
    """A line of spans; bare text is plain, empty pieces vanish."""
    spans = [piece if isinstance(piece, Span) else Span(piece) for piece in pieces]
    return tuple([span for span in spans if span.text])  # lists are quicker here than generators


def plain(of: Line) -> str:
    """The text of a line without its tones."""
    return "".join(span.text for span in of)


def width(of: Line) -> int:
    """How many cells a line takes."""
    return sum([cell_len(text) for text, _ in of])


def clip(of: Line, cells: int) -> Line:
    """At most that many cells of a line; what is cut ends in an ellipsis."""
    if width(of) <= cells:
        return of
    kept: list[Span] = []
    room = max(0, cells - 1)
    for span in of:
        if room <= 0:
            break
        kept.append(Span(set_cell_size(span.text, min(room, cell_len(span.text))), span.tone))
        room -= cell_len(span.text)
    return line(*kept, Span("…" if cells > 0 else "", Tone.MUTED))


def justify(left: Line, right: Line, cells: int) -> Line:
    """Two lines at both ends of one; the right one gives way when there's no room for both."""
    gap = cells - width(left) - width(right)
    return line(*left, " " * gap, *right) if gap > 0 else clip(left, cells)


def fit(text: str, cells: int, *, right: bool = False) -> str:
    """Text in exactly that many cells: padded, or cut with an ellipsis."""
    if cells <= 0:
        return ""
    length = cell_len(text)
    if length > cells:
        return set_cell_size(text, cells - 1) + "…"
    return " " * (cells - length) + text if right else text + " " * (cells - length)


def joined(pieces: Iterable[Line], separator: Span) -> Line:
    """Lines one after the other with something between them; empty ones leave no gap."""
    result: list[Span] = []
    for piece in pieces:
        if piece:
            result.extend([separator, *piece] if result else piece)
    return tuple(result)


def printable(text: str) -> str:
    """Text in which nothing is left that a terminal would obey: names and words of an image may be hostile."""
    return (
        text
        if text.isprintable()
        else "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in text)
    )
