"""What of a flood of plain lines need not be interpreted, since it would scroll out of what is kept at once.

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
_LINE_END = b"\r\n"


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


def without_lost(data: bytes, lines: int, seam_lines: int) -> tuple[bytes, bytes]:
    """Plain output without the lines that so many later ones push out; feeding it to a terminal shows the same.

    What comes before its first line end stays, as the end of what was written before, and so do the looks that are in
    force where it goes on.

    Args:
        lines: of history and of the screen.
        seam_lines: how many of them push out what the screen showed before.

    Returns:
        What is to be fed first, after which history may be forgotten, and the rest. The first is empty, and the rest
        all of the output, where there is nothing to leave out.
    """
    cut = _begin_of_last(data, lines + seam_lines)
    first = data.find(_LINE_END) + len(_LINE_END)
    if cut <= first:
        return b"", data
    reset = max(data.rfind(b"\x1b[0m", first, cut), data.rfind(b"\x1b[m", first, cut), first)
    looks = b"".join(_LOOK.findall(data, reset, cut))
    if len(looks) > _MOST_LOOKS_BYTES:
        return b"", data
    seam = cut
    for _ in range(seam_lines):
        seam = data.index(_LINE_END, seam) + len(_LINE_END)
    return data[:first] + looks + data[cut:seam], data[seam:]


def _begin_of_last(data: bytes, lines: int) -> int:
    """Where the last lines begin; 0 when there aren't more."""
    at = len(data)
    for _ in range(lines + 1):
        at = data.rfind(_LINE_END, 0, at)
        if at < 0:
            return 0
    return at + len(_LINE_END)
