"""Flags as Go's parsers read them, which is how callers of runc write them: ``--flag v``, ``--flag=v``, ``-flag v``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple, TypeVar, get_args, get_origin

import msgspec

from engine.errors import InvalidRequest

_Options = TypeVar("_Options")
_Values = dict[str, str | bool | list[str]]
_FALSE = ("0", "f", "F", "false", "FALSE", "False")


class Flag(NamedTuple):
    """One flag.

    Attributes:
        name: without dashes; the field of the options has underscores instead of dashes.
        kind: a switch takes no value (but may be written ``--force=false``), a list may be given again and again.
        help: what it does; empty for one that is only tolerated.
        short: one letter.
    """

    name: str
    kind: Literal["switch", "text", "list"]
    help: str = ""
    short: str = ""


class Parsed(NamedTuple):
    """Values by the names of fields, and the words that are neither flags nor their values."""

    values: _Values
    words: list[str]


def parse(arguments: Sequence[str], flags: Sequence[Flag], interspersed: bool) -> Parsed:
    """Tell flags from words.

    Args:
        interspersed: flags may follow the first word; otherwise it and what follows is left as it is.

    Raises:
        InvalidRequest: there is no such flag, or its value is missing.
    """
    known = {name: flag for flag in flags for name in (flag.name, flag.short) if name}
    parsed = Parsed({}, [])
    rest = list(arguments)
    while rest:
        argument = rest.pop(0)
        if argument == "--":
            parsed.words.extend(rest)
            break
        if not argument.startswith("-") or argument == "-":
            parsed.words.append(argument)
            if not interspersed:
                parsed.words.extend(rest)
                break
            continue
        rest = _take(argument, rest, known, parsed.values)
    return parsed


def read(values: _Values, kind: type[_Options]) -> _Options:
    """Values as options of a type, with numbers as numbers.

    Raises:
        InvalidRequest: a value has the wrong form.
    """
    try:
        return msgspec.convert(values, kind, strict=False)
    except msgspec.ValidationError as error:
        reason, _, at = str(error).partition(" - at ")
        field = at.strip("`$.")
        flag, choices = field.replace("_", "-"), _choices(kind, field)
        if choices:
            raise InvalidRequest(
                f"--{flag} can't be {values[field]!r}", f"choose one of {', '.join(choices)}"
            ) from error
        raise InvalidRequest(f"the value of --{flag} is not valid ({reason})", "see --help") from error


def _choices(kind: type, name: str) -> tuple[str, ...]:
    """The values of an option that has only some."""
    types = {field.name: field.type for field in msgspec.structs.fields(kind)}
    return get_args(types[name]) if get_origin(types.get(name)) is Literal else ()


def _take(argument: str, rest: list[str], known: dict[str, Flag], values: _Values) -> list[str]:
    """Note a flag, and its value from the rest where it has one; returns what is left."""
    name, equals, value = argument.lstrip("-").partition("=")
    flag = known.get(name)
    if flag is None and not argument.startswith("--") and name and all(known.get(letter) for letter in name):
        for letter in name[:-1]:  # several letters after one dash
            rest = _take(f"-{letter}", rest, known, values)
        flag = known[name[-1]]
    if flag is None:
        raise InvalidRequest(f"there is no flag {argument.partition('=')[0]}", "see --help")
    if flag.kind == "switch":
        _note(flag, not equals or value not in _FALSE, values)
        return rest
    if not equals:
        if not rest:
            raise InvalidRequest(f"the flag {argument} needs a value", "see --help")
        value, *rest = rest
    _note(flag, value, values)
    return rest


def _note(flag: Flag, value: str | bool, values: _Values) -> None:
    field = flag.name.replace("-", "_")
    if flag.kind == "list":
        values[field] = [*_listed(values.get(field)), str(value)]
    else:
        values[field] = value


def _listed(value: object) -> list[str]:
    return value if isinstance(value, list) else []
