"""Sizes, times and durations as docker shows them (github.com/docker/go-units)."""

from __future__ import annotations

from datetime import UTC, datetime

_DECIMAL = ("B", "kB", "MB", "GB", "TB", "PB")
_BINARY = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
_NEVER = "0001-01-01T00:00:00Z"  # Go's zero time, which docker shows for what hasn't happened

_MINUTE = 60
_HOUR = 60 * _MINUTE
_DAY = 24 * _HOUR


def decimal_size(size_bytes: float, digits: int = 3) -> str:
    """A size in powers of 1000, such as ``7.05MB``."""
    return _scaled(size_bytes, 1000, _DECIMAL, digits)


def binary_size(size_bytes: float) -> str:
    """A size in powers of 1024, such as ``1.5MiB``."""
    return _scaled(size_bytes, 1024, _BINARY, 4)


def _scaled(size: float, base: int, units: tuple[str, ...], digits: int) -> str:
    power = 0
    while size >= base and power < len(units) - 1:
        size /= base
        power += 1
    text = f"{size:.{digits}g}"
    return f"{size:.0f}{units[power]}" if "e" in text else text + units[power]


def duration(seconds: float) -> str:
    """How long, in one rounded unit: ``3 minutes``, ``About an hour``."""
    whole = int(seconds)
    if whole < 1:
        return "Less than a second"
    if whole < _MINUTE:
        return _counted(whole, "second")
    if whole < 2 * _MINUTE:
        return "About a minute"
    if whole < _HOUR:
        return _counted(whole // _MINUTE, "minute")
    hours = round(whole / _HOUR)
    return "About an hour" if hours == 1 else _long_duration(hours)


def _long_duration(hours: int) -> str:
    days = hours // 24
    if hours < 48:
        return _counted(hours, "hour")
    if days < 14:
        return _counted(days, "day")
    if days < 60:
        return _counted(days // 7, "week")
    if days < 730:
        return _counted(days // 30, "month")
    return _counted(days // 365, "year")


def _counted(count: int, unit: str) -> str:
    return f"{count} {unit}" if count == 1 else f"{count} {unit}s"


def rfc3339(unix_ns: int | None) -> str:
    """A time in UTC with nanoseconds, such as ``2024-01-31T10:00:00.123456789Z``."""
    if unix_ns is None:
        return _NEVER
    seconds, nanoseconds = divmod(unix_ns, 1_000_000_000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{nanoseconds:09d}Z"


def local_time(unix_ns: int) -> str:
    """A time as lists show it, such as ``2024-01-31 10:00:00 +0000 UTC``."""
    return f"{datetime.fromtimestamp(unix_ns / 1e9).astimezone():%Y-%m-%d %H:%M:%S %z %Z}"


def clock_time(unix_ns: int | None, now_unix_ns: int) -> str:
    """When something began, as ps(1) shows it: the time of a day that isn't long ago, else the date."""
    if unix_ns is None:
        return "--"
    then = datetime.fromtimestamp(unix_ns / 1e9).astimezone()
    return f"{then:%H:%M:%S}" if now_unix_ns - unix_ns < _DAY * 1e9 else f"{then:%Y-%m-%d}"
