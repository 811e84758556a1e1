"""From files to settings: each mistake is one sentence with its line, each value knows where it is from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, get_args, get_origin

import msgspec
from msgspec import Struct

from engine.config import places
from engine.config.lines import SettingPath, line_of, lines_of_keys
from engine.config.model import Config, RegistrySettings
from engine.config.words import expected, resembling, toml
from engine.errors import InvalidRequest

_CHECK = "boxdeck config check"


class Origin(NamedTuple):
    """Where a value stands; lines are counted from 1."""

    file: Path
    line: int | None

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else str(self.file)


class Mistake(NamedTuple):
    """What is wrong in a file, and what to do about it."""

    origin: Origin
    cause: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.origin}: {self.cause}; {self.remedy}" if self.remedy else f"{self.origin}: {self.cause}"


class Settings(NamedTuple):
    """What files say.

    Attributes:
        config: what is right of it, with defaults for all else.
        origins: of all values that aren't defaults.
        mistakes: in the files' order.
        files: those that were there.
    """

    config: Config
    origins: dict[SettingPath, Origin]
    mistakes: list[Mistake]
    files: tuple[Path, ...]


class _Value(NamedTuple):
    path: SettingPath
    value: Any


class _Wrong(NamedTuple):
    path: SettingPath
    cause: str
    remedy: str


def load(files: Sequence[Path] | None = None) -> Config:
    """The settings in force; without files, the defaults.

    Raises:
        InvalidRequest: a file can't be read or says something that isn't a setting.
    """
    settings = read(files)
    if settings.mistakes:
        first, more = settings.mistakes[0], len(settings.mistakes) - 1
        cause = f"{first.origin}: {first.cause}"
        raise InvalidRequest(cause, f"{first.remedy}; {_CHECK} shows {more} more" if more else first.remedy)
    return settings.config


def registry_settings() -> RegistrySettings:
    """Where images come from; see `load`."""
    return load().registries


def read(files: Sequence[Path] | None = None) -> Settings:
    """Everything that files say, right or wrong; None for those of this machine and person."""
    values: dict[SettingPath, Any] = {}
    origins: dict[SettingPath, Origin] = {}
    mistakes: list[Mistake] = []
    present: list[Path] = []
    for file in places.files() if files is None else files:
        text = ""
        try:
            text = file.read_bytes().decode()
            document = _document(text)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except (OSError, ValueError) as error:
            mistakes.append(_unreadable(file, error, len(text.splitlines())))
            continue
        finally:
            if file.exists():
                present.append(file)
        lines = lines_of_keys(text)
        for found in _examine(document, Config, ()):
            origin = Origin(file, line_of(found.path, lines))
            if isinstance(found, _Wrong):
                mistakes.append(Mistake(origin, found.cause, found.remedy))
            else:
                values[found.path], origins[found.path] = found.value, origin
    return Settings(msgspec.convert(_nested(values), Config), origins, mistakes, tuple(present))


def _document(text: str) -> dict[str, Any]:
    import tomllib  # most people set nothing, and the app starts without

    return tomllib.loads(text)


def _unreadable(file: Path, error: OSError | ValueError, last_line: int) -> Mistake:
    if isinstance(error, OSError):
        return Mistake(Origin(file, None), f"it can't be read ({error.strerror})", "see who may read it")
    cause, _, place = str(error).partition(" (at ")
    line = place.removeprefix("line ").partition(",")[0]
    number = int(line) if line.isdecimal() else last_line or None  # tomllib says "at end of document" for the last
    words = "it isn't text in UTF-8" if isinstance(error, UnicodeDecodeError) else f"it isn't TOML ({cause.lower()})"
    return Mistake(Origin(file, number), words, "correct that line" if number else "correct it")


def _examine(table: dict[str, Any], model: type[Struct], above: SettingPath) -> Iterator[_Value | _Wrong]:
    """The values of a table, and what is wrong about it."""
    fields = {field.encode_name: field.type for field in msgspec.structs.fields(model)}
    for name, value in table.items():
        path = (*above, name)
        wanted = fields.get(name)
        if wanted is None:
            yield _Wrong(path, f"there is no setting {'.'.join(path)}", resembling(".".join(path), _names(Config)))
        elif not _is_table(wanted):
            yield _checked(path, value, wanted)
        elif not isinstance(value, dict):
            yield _Wrong(path, f"{'.'.join(path)} is a table, not {toml(value)}", f"write it as [{'.'.join(path)}]")
        elif get_origin(wanted) is dict:
            entry_type = get_args(wanted)[1]
            entries = flat(value) if entry_type is str else value.items()
            for key, entry in entries:
                yield _checked((*path, key), entry, entry_type)
        else:
            yield from _examine(value, wanted, path)


def _is_table(wanted: Any) -> bool:
    return get_origin(wanted) is dict or (isinstance(wanted, type) and issubclass(wanted, Struct))


def _checked(path: SettingPath, value: Any, wanted: Any) -> _Value | _Wrong:
    try:
        return _Value(path, msgspec.convert(value, wanted))
    except msgspec.ValidationError:
        return _Wrong(path, f"{'.'.join(path)} can't be {toml(value)}", f"it must be {expected(wanted)}")


def flat(table: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Names with dots, however they were written: TOML takes ``container.stop`` without quotes for a table."""
    for name, value in table.items():
        if isinstance(value, dict):
            yield from ((f"{name}.{rest}", each) for rest, each in flat(value))
        else:
            yield name, value


def _names(model: type[Struct], above: str = "") -> Iterator[str]:
    """All settings of a model, by their names with dots."""
    for field in msgspec.structs.fields(model):
        yield f"{above}{field.encode_name}"
        if isinstance(field.type, type) and issubclass(field.type, Struct):
            yield from _names(field.type, f"{above}{field.encode_name}.")


def _nested(values: dict[SettingPath, Any]) -> dict[str, Any]:
    document: dict[str, Any] = {}
    for path, value in values.items():
        table = document
        for name in path[:-1]:
            table = table.setdefault(name, {})
        table[path[-1]] = value
    return document
