"""What people type to find lines of a log: regular expressions, and points in time."""

from __future__ import annotations

import re
import time
from datetime import datetime, timedelta
from typing import NamedTuple

from engine.errors import InvalidRequest
from engine.moments import unix_ns

_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?")
_SEQUENCE = re.compile(rb"\x1b\[[0-?]*[ -/]*[@-~]")  # a colour amid a word hides it from nobody


class LogFilter(NamedTuple):
    """Which lines are shown: those that a pattern is found in or, inverse, the others."""

    pattern: re.Pattern[str]
    inverse: bool

    def wants(self, data: bytes) -> bool:
        """Whether a line is shown."""
        text = _SEQUENCE.sub(b"", data) if b"\x1b" in data else data
        return (self.pattern.search(text.decode("utf-8", "replace")) is not None) is not self.inverse

    def __str__(self) -> str:
        return f"{'!' if self.inverse else ''}{self.pattern.pattern}"


def pattern_of(text: str) -> re.Pattern[str]:
    """A regular expression; it ignores case unless it has a capital letter.

    Raises:
        InvalidRequest: it isn't one.
    """
    try:
        return re.compile(text, 0 if text != text.lower() else re.IGNORECASE)
    except re.error as error:
        raise InvalidRequest(
            f"{text!r} is no regular expression ({error})", "put \\ before characters that mean more"
        ) from error


def filter_of(text: str) -> LogFilter | None:
    """A filter; one that begins with ``!`` is inverse, and an empty one is none.

    Raises:
        InvalidRequest: the rest isn't a regular expression.
    """
    inverse = text.startswith("!")
    text = text.removeprefix("!")
    return LogFilter(pattern_of(text), inverse) if text else None


def time_of(text: str) -> int:
    """A point in time, in nanoseconds since the epoch: 14:05 or 14:05:30 of the last 24 hours, or as for ``--since``.

    Raises:
        InvalidRequest: it is none.
    """
    if (clock := _CLOCK.fullmatch(text.strip())) is not None:
        hour, minute, second = (int(part or 0) for part in clock.groups())
        at = datetime.now().replace(hour=hour, minute=minute, second=second, microsecond=0)
        if at.timestamp() > time.time():
            at -= timedelta(days=1)
        return int(at.timestamp()) * 1_000_000_000
    try:
        return unix_ns(text.strip())
    except InvalidRequest as error:
        raise InvalidRequest(error.cause, "write it as 14:05, 2026-01-31T14:05 or 10m for ten minutes ago") from error
