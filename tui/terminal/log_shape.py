"""How a line of a log is shown: whose it is, and its JSON laid out; values in, values out."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from engine.model import LogLine

_MESSAGE = ("msg", "message", "event", "log")
_LEVEL = ("level", "lvl", "severity")
_TIME = ("time", "ts", "timestamp", "@timestamp", "t")
_LEVEL_COLOURS = {"deb": 6, "trac": 6, "inf": 2, "not": 2, "warn": 3, "err": 1, "crit": 1, "fat": 1, "pan": 1, "ale": 1}
_NAME_COLOURS = (36, 35, 34, 33, 32, 96, 95, 94, 93, 92)  # of SGR, ECMA-48 8.3.117; red is for errors
_MUTED, _PLAIN = "\x1b[2m", "\x1b[0m"


class NamedLine(LogLine, frozen=True, kw_only=True):
    """A line among those of several containers.

    Attributes:
        name: the container's.
        place: which of them it is, counted from 0; it decides the colour.
        name_columns: of the longest name.
    """

    name: str
    place: int
    name_columns: int


def shaped(line: LogLine, *, json: bool) -> LogLine:
    """The line as it is to be shown.

    Args:
        json: lay out a line that is a JSON object.
    """
    data = laid_out(line.data) if json else line.data
    if isinstance(line, NamedLine):
        colour = _NAME_COLOURS[line.place % len(_NAME_COLOURS)]
        data = f"\x1b[{colour}m{line.name.ljust(line.name_columns)}{_PLAIN} ".encode() + data
    elif data is line.data:
        return line
    return LogLine(at_unix_ns=line.at_unix_ns, stream=line.stream, data=data)


def laid_out(data: bytes) -> bytes:
    """A JSON object as time, level, message and ``key=value``; anything else as it is."""
    text = data.strip()
    if not (text.startswith(b"{") and text.endswith(b"}")):
        return data
    try:
        fields = msgspec.json.decode(text, type=dict[str, object])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return data
    return " ".join(_parts(fields)).encode()


def _parts(fields: dict[str, object]) -> Iterator[str]:
    at = _taken(fields, _TIME)
    if at is not None:
        yield f"{_MUTED}{_text(at)}{_PLAIN}"
    level = _taken(fields, _LEVEL)
    if level is not None:
        word = _text(level)
        colour = next((number for begin, number in _LEVEL_COLOURS.items() if word.lower().startswith(begin)), 7)
        yield f"\x1b[3{colour}m{word.upper():<5}{_PLAIN}"
    message = _taken(fields, _MESSAGE)
    if message is not None:
        yield _text(message)
    for key, value in fields.items():
        yield f"{_MUTED}{key}={_PLAIN}{_text(value)}"


def _taken(fields: dict[str, object], names: tuple[str, ...]) -> object:
    return next((fields.pop(name) for name in names if name in fields), None)


def _text(value: object) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
