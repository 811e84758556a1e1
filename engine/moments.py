"""Points in time as people type them."""

from __future__ import annotations

import math
import re
import time
from contextlib import suppress
from datetime import datetime

from engine.errors import InvalidRequest

_DURATION = re.compile(r"(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m)?(?:(\d+(?:\.\d+)?)s)?")
_NANOSECONDS = 1_000_000_000
_FARTHEST_SECONDS = (1 << 62) / _NANOSECONDS  # 146 years: nothing that is kept happened before or after


def unix_ns(text: str) -> int:
    """A time as nanoseconds since the epoch: seconds since then, RFC 3339 (local without a zone), or how long ago.

    Raises:
        InvalidRequest: it is none.
    """
    with suppress(ValueError):
        return _nanoseconds(float(text))
    with suppress(ValueError, OverflowError):
        return _nanoseconds(datetime.fromisoformat(text).astimezone().timestamp())
    match = _DURATION.fullmatch(text.removeprefix("-"))
    if not text or match is None or not any(match.groups()):
        raise InvalidRequest(f"{text!r} is not a time", "write it as 2024-01-31T10:00:00, 1706695200 or 10m")
    hours, minutes, seconds = (float(part or 0) for part in match.groups())
    return _nanoseconds(time.time() - (hours * 3600 + minutes * 60 + seconds))


def _nanoseconds(seconds: float) -> int:
    """What is too far away to be counted in 64 bits is as far away as can be.

    Raises:
        ValueError: it isn't a number.
    """
    if math.isnan(seconds):
        raise ValueError(seconds)
    return round(max(-_FARTHEST_SECONDS, min(seconds, _FARTHEST_SECONDS)) * _NANOSECONDS)
