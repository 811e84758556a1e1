"""What people type after options, as values; what can't be raises `argparse.ArgumentTypeError` with a sentence."""

from __future__ import annotations

import math
import os
import re
from argparse import ArgumentTypeError

from engine.cli.command import TRUTHS
from engine.errors import InvalidRequest
from engine.restart_policy import RestartPolicy, policy_of

RESTART_HELP = "when it has ended by itself: no, on-failure[:MOST], always, unless-stopped [no]"

_SIZE = re.compile(r"(\d+(?:\.\d+)?) ?([bkmgtp]?)(?:i?b)?", re.IGNORECASE)
_GO_PART = re.compile(r"(\d+(?:\.\d+)?)(h|ms|m|s)")
_GO_SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_POWERS = {"": 0, "b": 0, "k": 1, "m": 2, "g": 3, "t": 4, "p": 5}


def memory_size(text: str) -> int | None:
    """Bytes, from docker's notation: ``512m``, ``1.5g``, ``1048576``; None for 0, which is no limit."""
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise ArgumentTypeError(f"{text!r} is not a size such as 64m or 1.5g")
    number, unit = match.groups()
    return int(float(number) * 1024 ** _POWERS[unit.lower()]) or None


def processors(text: str) -> float | None:
    """Processors' worth of time, such as ``1.5``; None for 0, which is no limit."""
    number = _number(text)
    if number is None or number < 0:
        raise ArgumentTypeError(f"{text!r} is not a number of processors such as 0.5 or 2")
    return number or None


def process_count(text: str) -> int:
    """How many processes; -1 for 0 and -1, which are no limit."""
    try:
        number = int(text)
    except ValueError:
        number = -2
    if number < -1:
        raise ArgumentTypeError(f"{text!r} is not a number of processes such as 100")
    return number if number > 0 else -1


def umask(text: str) -> int:
    """Permissions in octal, such as ``022``."""
    try:
        mask = int(text, 8)
    except ValueError:
        mask = -1
    if not 0 <= mask <= 0o777:
        raise ArgumentTypeError(f"{text!r} is not a umask such as 0022")
    return mask


def stop_timeout(text: str) -> float:
    """As `seconds`, but -1 stays -1: it goes into records, which know no infinity."""
    return number if math.isfinite(number := seconds(text)) else -1.0


def seconds(text: str) -> float:
    """A time to wait, such as ``10`` or ``0.5``; -1 waits for ever, as docker's."""
    number = _number(text)
    if number is None or (number < 0 and number != -1):
        raise ArgumentTypeError(f"{text!r} is not a number of seconds such as 10")
    return number if number >= 0 else math.inf


def line_count(text: str) -> int | None:
    """How many lines from the end; None for ``all`` or, as docker has it, a negative number."""
    if text == "all" or (text.startswith("-") and text[1:].isdecimal()):
        return None
    if not text.isdecimal():
        raise ArgumentTypeError(f"{text!r} is not a number of lines such as 100")
    return int(text)


def variable(text: str) -> str:
    """``NAME=value``; a ``NAME`` alone takes the value that it has here, and is empty without one."""
    name, equals, _ = text.partition("=")
    if not name:
        raise ArgumentTypeError(f"{text!r} has no name; write NAME=value")
    if equals:
        return text
    return f"{name}={os.environ[name]}" if name in os.environ else ""


def label(text: str) -> tuple[str, str]:
    """``key=value``, or ``key`` with an empty value."""
    key, _, value = text.partition("=")
    if not key:
        raise ArgumentTypeError(f"{text!r} has no key; write key=value")
    return key, value


def restart(text: str) -> RestartPolicy:
    """A restart policy."""
    try:
        return policy_of(text)
    except InvalidRequest as error:
        raise ArgumentTypeError(str(error)) from error


def go_duration(text: str) -> float:
    """Seconds, from Go's notation: ``90s``, ``1m30s``, ``500ms``; a number alone is in seconds."""
    if (number := _number(text)) is not None:
        return number
    parts = _GO_PART.findall(text)
    if not parts or "".join(digits + unit for digits, unit in parts) != text:
        raise ArgumentTypeError(f"{text!r} is not a time such as 30s, 1m30s or 500ms")
    return sum(float(digits) * _GO_SECONDS[unit] for digits, unit in parts)


def boolean(text: str) -> bool:
    """``true`` or ``false``, also in Go's other words for them."""
    if text.lower() not in TRUTHS:
        raise ArgumentTypeError(f"{text!r} is neither true nor false")
    return TRUTHS[text.lower()]


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
