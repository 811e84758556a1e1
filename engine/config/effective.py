"""Settings in force, one by one, and what is odd about them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from engine.config import app_side, places
from engine.config.lines import SettingPath
from engine.config.reading import Mistake, Origin, Settings
from engine.config.words import toml

_DEFAULT = "default"


class Row(NamedTuple):
    """One setting, its value as TOML has it, and where that stands."""

    setting: str
    value: str
    origin: str


def rows(settings: Settings) -> list[Row]:
    """Every setting, with defaults where nothing was set; of tables that people fill, each entry."""
    return [
        Row(".".join(path), toml(value), str(settings.origins.get(path, _DEFAULT)))
        for path, value in _leaves(settings.config, ())
    ]


def _leaves(model: Struct, above: SettingPath) -> Iterator[tuple[SettingPath, Any]]:
    for field in msgspec.structs.fields(model):
        value, path = getattr(model, field.name), (*above, field.encode_name)
        if isinstance(value, Struct):
            yield from _leaves(value, path)
        elif isinstance(value, dict) and value:
            yield from (((*path, name), each) for name, each in value.items())
        else:
            yield path, value


def doubts(settings: Settings) -> list[Mistake]:
    """Settings of the right type that mean nothing: a theme that isn't there, a key for what doesn't exist."""
    found = [doubt for check in app_side.checks for doubt in check(settings.config)]
    return [Mistake(_origin(settings, doubt.path), doubt.cause, doubt.remedy) for doubt in found]


def _origin(settings: Settings, path: SettingPath) -> Origin:
    return settings.origins.get(path) or Origin(places.own_file(), None)
