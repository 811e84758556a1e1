"""Finding a time in a file of a log, by halves (`engine.log_lines` has the form)."""

from __future__ import annotations

import os
from typing import BinaryIO

from engine.log_lines import parse

_BLOCK = 64 * 1024
_LONGEST = 256 * 1024
_TRIES = 64
"""Lines of which none can be read, as after a full disk, before it is given up."""


def offset_of_time(content: BinaryIO, at_unix_ns: int) -> int:
    """Where a file's entries of a time begin, or up to 64 KB before; times grow towards its end."""
    low, high = 0, content.seek(0, os.SEEK_END)
    while high - low > _BLOCK:
        middle = (low + high) // 2
        found = _time_after(content, middle)
        if found is not None and found < at_unix_ns:
            low = middle
        else:
            high = middle
    return low


def _time_after(content: BinaryIO, offset: int) -> int | None:
    """When the first entry that begins after an offset was written; None where none comes."""
    content.seek(offset)
    content.readline(_LONGEST)
    for _ in range(_TRIES):
        raw = content.readline(_LONGEST)
        if not raw.endswith(b"\n"):
            return None
        if (entry := parse(raw[:-1])) is not None:
            return entry.at_unix_ns
    return None
