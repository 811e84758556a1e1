"""Signals by the names that people type."""

from __future__ import annotations

import re
import signal

from engine.errors import InvalidRequest

_REAL_TIME = re.compile(r"(?:SIG)?(RTMIN|RTMAX)([+-][0-9]{1,2})")  # as in STOPSIGNAL SIGRTMIN+3, of images with systemd


def signal_number(name: str) -> int:
    """The number of a signal given as ``TERM``, ``SIGTERM``, ``sigterm``, ``15`` or ``RTMIN+3``.

    Raises:
        InvalidRequest: there is no such signal.
    """
    text = name.upper()
    if text.isdecimal() and 0 < int(text) < signal.NSIG:
        return int(text)
    if (match := _REAL_TIME.fullmatch(text)) is not None:
        number = signal.Signals[f"SIG{match[1]}"] + int(match[2])
        if signal.SIGRTMIN <= number <= signal.SIGRTMAX:
            return number
    try:
        return signal.Signals[text if text.startswith("SIG") else f"SIG{text}"].value
    except KeyError as error:
        raise InvalidRequest(
            f"{name!r} is not a signal", "give a name such as TERM, or a number; see: kill -l"
        ) from error


def signal_name(number: int) -> str:
    """``SIGTERM``, ``SIGRTMIN+3``; the number itself for the two that the C library keeps."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"SIGRTMIN+{number - signal.SIGRTMIN}" if number > signal.SIGRTMIN else str(number)
