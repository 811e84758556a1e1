"""What of a flood of plain lines is needed to show its end.

Plain is text with line ends, tabs and looks (SGR): nothing that moves the cursor elsewhere or changes how the terminal
works. All functions are pure.
"""

from __future__ import annotations

import re

_MOST_LOOKS_BYTES = 4096
_LONGEST_LOOK = 256

# A sequence may be cut at the end. C2 80 to C2 9F are control characters in UTF-8.
_UNPLAIN = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f]|\x1b(?!\[[0-9;:]*m|\[?[0-9;:]*\Z)|\xc2[\x80-\x9f]")
_UNFINISHED = re.compile(rb"(?:\x1b\[?[0-9;:]*|\xc2)\Z")
_LOOK = re.compile(rb"\x1b\[[0-9;:]*m")
LINE_END = b"\r\n"


def is_plain(data: bytes) -> bool:
    """Whether output does no more than to write lines; it may begin and end amid a sequence."""
    return _UNPLAIN.search(data) is None


class Plainness:
    """Whether all output since it was last asked is plain, told piece by piece, so that nobody waits for it long."""

    def __init__(self) -> None:
        self._end = b""
        self.holds = True

    def add(self, data: bytes) -> None:
        """More output; a sequence that was cut goes on in it."""
        data = self._end + data
        self.holds = self.holds and is_plain(data)
        unfinished = _UNFINISHED.search(data[-_LONGEST_LOOK:])
        self._end = b"" if unfinished is None else unfinished.group()

    def take(self) -> bool:
        """Whether it holds, and begin anew."""
        held, self.holds = self.holds, True
        return held


def last_lines(data: bytes, lines: int) -> bytes:
    """The last lines of plain output and what comes after them, with the looks in force where they begin.

    Returns:
        Nothing where there aren't so many, or where looks go on for long without a reset.
    """
    cut = _begin_of_last(data, lines)
    if cut == 0:
        return b""
    reset = max(data.rfind(b"\x1b[0m", 0, cut), data.rfind(b"\x1b[m", 0, cut), 0)
    looks = b"".join(_LOOK.findall(data, reset, cut))
    return looks + data[cut:] if len(looks) <= _MOST_LOOKS_BYTES else b""


def _begin_of_last(data: bytes, lines: int) -> int:
    """Where the last lines begin; 0 when there aren't more."""
    at = len(data)
    for _ in range(lines + 1):
        at = data.rfind(LINE_END, 0, at)
        if at < 0:
            return 0
    return at + len(LINE_END)
