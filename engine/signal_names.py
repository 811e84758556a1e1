"""Signals by the names that people type."""

from __future__ import annotations

import signal

from engine.errors import InvalidRequest


def signal_number(name: str) -> int:
    """The number of a signal given as ``TERM``, ``SIGTERM``, ``sigterm`` or ``15``.

    Raises:
        InvalidRequest: there is no such signal.
    """
    text = name.upper()
    if text.isdecimal() and 0 < int(text) < signal.NSIG:
        return int(text)
    try:
        return signal.Signals[text if text.startswith("SIG") else f"SIG{text}"].value
    except KeyError as error:
        raise InvalidRequest(
            f"{name!r} is not a signal", "give a name such as TERM, or a number; see: kill -l"
        ) from error
