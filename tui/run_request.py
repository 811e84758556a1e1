"""From what a person types into the run form to a command line, and to a request or sentences beside wrong fields."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from engine.cli.run_options import RunOptions
from engine.errors import BoxdeckError, InvalidRequest
from engine.model import ContainerRequest
from engine.oci.reference import parse_reference
from tui.limit_words import FieldError
from tui.run_fields import Kind, RunField, fields, parser

Typed = Mapping[str, str]
"""What stands in each field, by name; a switch that is on has ``yes``. Empty and missing is: nothing said."""

_NO_POINTER = re.compile(r"argument \S+: ")
_HELP = "see: boxdeck run --help"
_ANY_IMAGE = "base"


class Wanted(NamedTuple):
    """What the form stands for: a container, and how its image is had."""

    request: ContainerRequest
    pull: str
    platform: str | None


def words(typed: Typed) -> list[str]:
    """The command line that does the same, without its first two words.

    Raises:
        FieldError: a quote is open.
    """
    told = ["-dit" if typed.get("tty") else "-d"]
    for name, field in fields().items():
        if field.option and name != "tty":
            told += _told(field, typed.get(name, ""))
    return [*told, typed.get("image", "").strip(), *_split("command", typed.get("command", ""))]


def line(typed: Typed) -> str:
    """The whole command line, for a shell; as far as it can be told."""
    try:
        return shlex.join(["boxdeck", "run", *words(typed)])
    except FieldError as error:
        return str(error)


def wanted(typed: Typed) -> Wanted:
    """What is to be run.

    Raises:
        FieldError: the first field that can't be right.
        BoxdeckError: fields that don't go together, or that this machine can't do.
    """
    _check_image(typed.get("image", "").strip())
    try:
        return _understood(words(typed))
    except FieldError:
        raise
    except BoxdeckError as error:
        found = next(mistakes(typed), None)
        raise (found if found is not None else _plain(error)) from error


def _check_image(image: str) -> None:
    """Judge its name alone; whether there is such an image, only the store and registries know."""
    if not image:
        raise FieldError("image", "an image is needed", "base is always there")
    try:
        parse_reference(image)
    except InvalidRequest as error:
        raise FieldError("image", error.cause, error.remedy) from error


def mistakes(typed: Typed) -> Iterator[FieldError]:
    """What is wrong with single fields; those that are wrong only together aren't among them.

    A field that needs another is judged with those that are right by themselves.
    """
    alone = {"image": _ANY_IMAGE}
    suspects = [name for name in typed if name not in ("image", "tty") and _mistake(name, {**alone, name: typed[name]})]
    rest = {name: text for name, text in typed.items() if name not in suspects} | alone
    for name in suspects:
        error = _mistake(name, {**rest, name: typed[name]})
        if error is not None:
            yield error


def _mistake(name: str, typed: Typed) -> FieldError | None:
    """What is wrong with a field, if anything is."""
    try:
        _understood(words(typed))
    except FieldError as error:
        return error
    except BoxdeckError as error:
        plain = _plain(error)
        return FieldError(name, plain.cause, plain.remedy)
    return None


def _understood(told: list[str]) -> Wanted:
    from engine.cli.run import request_of
    from engine.trial import try_out

    options = parser().parse_args(told, RunOptions())
    request = request_of(options)
    try_out(request)
    return Wanted(request, options.pull, options.platform)


def _told(field: RunField, text: str) -> list[str]:
    """The words of one field."""
    value = text.strip()
    if not value:
        return []
    if field.kind is Kind.SWITCH:
        return [field.option]
    if field.negative:
        return {"yes": [field.option], "no": [field.negative]}.get(value, [])
    if field.kind is Kind.CHOICE and value == _usual(field):
        return []
    values = _split(field.name, value) if field.kind is Kind.LIST else [value]
    return [
        word for each in values for word in ([f"{field.option}={each}"] if each[:1] == "-" else [field.option, each])
    ]


def _usual(field: RunField) -> str:
    """The choice that is meant where nothing is said."""
    return str(parser().get_default(field.name))


def _split(name: str, text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError as error:
        raise FieldError(name, "a quote is open", "close it") from error


def _plain(error: BoxdeckError) -> InvalidRequest:
    """Without words that only a command line needs."""
    remedy = "" if error.remedy == _HELP else error.remedy
    return InvalidRequest(_NO_POINTER.sub("", error.cause, count=1), remedy)
