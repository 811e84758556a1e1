"""Changes to an image's config in a Dockerfile's words, as ``commit --change`` takes them.

The config is changed as the JSON that it is: fields of which Boxdeck knows nothing stay what they were.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from engine.errors import InvalidRequest

Config = dict[str, Any]
_Change = Callable[[Config, str], None]


def apply(config: Mapping[str, Any], changes: tuple[str, ...]) -> Config:
    """A changed copy of the "config" object of an image's config (config.md).

    Args:
        changes: such as ``CMD ["sh"]``, ``ENV A=b``, ``WORKDIR /srv``.

    Raises:
        InvalidRequest: a change that can't be understood.
    """
    changed = dict(config)
    for change in changes:
        word, _, rest = change.strip().partition(" ")
        act = _CHANGES.get(word.upper())
        if act is None or not rest.strip():
            raise InvalidRequest(f"{change!r} can't be understood", f"begin it with one of {', '.join(_CHANGES)}")
        act(changed, rest.strip())
    return changed


def _command(field: str) -> _Change:
    def act(config: Config, text: str) -> None:
        config[field] = _argv(text)

    return act


def _word(field: str) -> _Change:
    def act(config: Config, text: str) -> None:
        config[field] = text

    return act


def _environment(config: Config, text: str) -> None:
    pairs = _pairs(text) if "=" in text.split(maxsplit=1)[0] else [tuple(text.split(maxsplit=1))]
    for name, value in (pair for pair in pairs if len(pair) == 2):
        kept = [entry for entry in config.get("Env") or [] if not entry.startswith(f"{name}=")]
        config["Env"] = [*kept, f"{name}={value}"]


def _labels(config: Config, text: str) -> None:
    config["Labels"] = {**(config.get("Labels") or {}), **dict(_pairs(text))}


def _set(field: str) -> _Change:
    def act(config: Config, text: str) -> None:
        values = _json(text) if text.startswith("[") else text.split()
        config[field] = {**(config.get(field) or {}), **{value: {} for value in values}}

    return act


def _ports(config: Config, text: str) -> None:
    ports = [port if "/" in port else f"{port}/tcp" for port in text.split()]
    config["ExposedPorts"] = {**(config.get("ExposedPorts") or {}), **{port: {} for port in ports}}


def _pairs(text: str) -> list[tuple[str, str]]:
    try:
        words = [word.partition("=") for word in shlex.split(text)]
    except ValueError as error:
        raise InvalidRequest(f"{text!r} can't be understood ({error})", "write it as NAME=value") from error
    if not all(name and equals for name, equals, _ in words):
        raise InvalidRequest(f"{text!r} can't be understood", "write it as NAME=value")
    return [(name, value) for name, _, value in words]


def _argv(text: str) -> list[str]:
    """A JSON list is the command itself, anything else is for a shell."""
    return _json(text) if text.startswith("[") else ["/bin/sh", "-c", text]


def _json(text: str) -> list[str]:
    try:
        return msgspec.json.decode(text.encode(), type=list[str])
    except msgspec.MsgspecError as error:
        raise InvalidRequest(f"{text!r} is no list of words ({error})", 'write it as ["one", "two"]') from error


_CHANGES: Final[dict[str, _Change]] = {
    "CMD": _command("Cmd"),
    "ENTRYPOINT": _command("Entrypoint"),
    "ENV": _environment,
    "EXPOSE": _ports,
    "LABEL": _labels,
    "STOPSIGNAL": _word("StopSignal"),
    "USER": _word("User"),
    "VOLUME": _set("Volumes"),
    "WORKDIR": _word("WorkingDir"),
}
