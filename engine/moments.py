"""Points in time as people type them."""

from __future__ import annotations

import re
import time
from contextlib import suppress
from datetime import datetime

from engine.errors import InvalidRequest

_DURATION = re.compile(r"(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m)?(?:(\d+(?:\.\d+)?)s)?")
_NANOSECONDS = 1_000_000_000


def unix_ns(text: str) -> int:
    """A time as nanoseconds since the epoch: seconds since then, RFC 3339 (local without a zone), or how long ago.

    Raises:
        InvalidRequest: it is none.
    """
    with suppress(ValueError):
        return round(float(text) * _NANOSECONDS)
    with suppress(ValueError):
        return round(datetime.fromisoformat(text).astimezone().timestamp() * _NANOSECONDS)
    match = _DURATION.fullmatch(text.removeprefix("-"))
    if not text or match is None or not any(match.groups()):
        raise InvalidRequest(f"{text!r} is not a time", "write it as 2024-01-31T10:00:00, 1706695200 or 10m")
    hours, minutes, seconds = (float(part or 0) for part in match.groups())
    return time.time_ns() - round((hours * 3600 + minutes * 60 + seconds) * _NANOSECONDS)
