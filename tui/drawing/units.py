"""Numbers as people read them: sizes, rates, percentages and spans of time, short and aligned."""

from __future__ import annotations

import math
from collections.abc import Callable

UNKNOWN = "\u2013"
"""What stands in place of a number that isn't known."""

_YEAR_DAYS = 365
_BINARY = ("B", "K", "M", "G", "T", "P")
_DECIMAL = ("", "k", "M", "G", "T", "P")


def size(count_bytes: float) -> str:
    """Bytes in powers of 1024, such as ``48M`` or ``1.2G``; ``0`` for none."""
    if not count_bytes:
        return "0"
    return _scaled(count_bytes, 1024, _BINARY, "")


def rate(bytes_per_second: float) -> str:
    """Bytes per second in powers of 1000, such as ``310k/s``; ``0`` when nothing moves."""
    if bytes_per_second < 0.5:
        return "0"
    return _scaled(bytes_per_second, 1000, _DECIMAL, "/s")


def percent(value: float) -> str:
    """A percentage without its sign: one decimal below 100."""
    return f"{value:.1f}" if value < 99.95 else f"{value:.0f}"


def known(value: float | None, write: Callable[[float], str]) -> str:
    """A number as `write` puts it, or a dash when there is none."""
    return UNKNOWN if value is None else write(value)


def cpus(value: float) -> str:
    """A number of processors without needless decimals, such as ``1.5``."""
    return f"{value:g}"


def duration(seconds: float) -> str:
    """A span of time in its two largest units, such as ``3h 12m``."""
    seconds = max(0, int(seconds))
    days, rest = divmod(seconds, 86_400)
    hours, rest = divmod(rest, 3_600)
    minutes, seconds = divmod(rest, 60)
    if days >= _YEAR_DAYS:
        return f"{days // _YEAR_DAYS}y {days % _YEAR_DAYS}d"
    if days:
        return f"{days}d {hours:02d}h"
    if hours:
        return f"{hours}h {minutes:02d}m"
    return f"{minutes}m {seconds:02d}s" if minutes else f"{seconds}s"


def span(seconds: float) -> str:
    """A span of time in its largest unit alone, such as ``3h``."""
    return duration(seconds).partition(" ")[0]


def ceiling(value: float, *, binary: bool = False) -> float:
    """The next round number to end an axis with: 1, 2 or 5 times ten, or a power of two times 1024."""
    if value <= 0:
        return 1.0
    if binary:
        return float(2 ** math.ceil(math.log2(value)))
    magnitude = 10.0 ** math.floor(math.log10(value))
    steps = (step * magnitude for step in (1, 2, 5, 10))
    return next(step for step in steps if step >= value * (1 - 1e-9))


def _scaled(value: float, base: int, suffixes: tuple[str, ...], ending: str) -> str:
    """One to three digits and a suffix; a decimal only below ten and above the smallest unit."""
    index = 0
    while value >= 999.5 and index < len(suffixes) - 1:
        value /= base
        index += 1
    digits = f"{value:.1f}" if index and value < 9.95 else f"{value:.0f}"
    return f"{digits}{suffixes[index]}{ending}"
