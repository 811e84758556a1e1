"""``--log-opt``: how large the log of a container may become."""

from __future__ import annotations

from argparse import ArgumentTypeError
from collections.abc import Iterable

from engine.cli import values
from engine.errors import InvalidRequest
from engine.runtime.logs import DEFAULT_MAX_BYTES, DEFAULT_MAX_FILES

HELP = "max-size=SIZE of each of max-file=NUMBER files [10m, 3]"


def log_limits(words: Iterable[str]) -> tuple[int, int]:
    """Bytes of a file and number of files, from ``max-size=…`` and ``max-file=…``.

    Raises:
        InvalidRequest: another option, or a value that is none.
    """
    max_bytes, max_files = DEFAULT_MAX_BYTES, DEFAULT_MAX_FILES
    for word in words:
        name, _, value = word.partition("=")
        if name == "max-size":
            max_bytes = _size(value)
        elif name == "max-file":
            max_files = _count(value)
        else:
            raise InvalidRequest(f"there is no log option {name!r}", "choose max-size=10m or max-file=3")
    return max_bytes, max_files


def _size(text: str) -> int:
    try:
        return values.memory_size(text) or 0
    except ArgumentTypeError as error:
        raise InvalidRequest(f"--log-opt max-size: {error}") from error


def _count(text: str) -> int:
    if not text.isdecimal():
        raise InvalidRequest(f"{text!r} is no number of log files", "write it as max-file=3")
    return int(text)
