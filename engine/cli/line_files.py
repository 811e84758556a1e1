"""``--env-file`` and ``--label-file``: a value on each line, those given on the command line after them."""

from __future__ import annotations

from argparse import ArgumentTypeError
from collections.abc import Callable, Sequence
from typing import TypeVar

from engine.cli import values
from engine.errors import InvalidRequest

Value = TypeVar("Value")


def variables(files: Sequence[str], given: Sequence[str]) -> tuple[str, ...]:
    """``NAME=value`` of files and of the command line; the later one counts.

    Raises:
        InvalidRequest: a file can't be read, or a line isn't one.
    """
    return tuple(filter(None, [*_read(files, values.variable), *given]))


def labels(files: Sequence[str], given: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Labels likewise.

    Raises:
        InvalidRequest: a file can't be read, or a line isn't one.
    """
    return dict([*_read(files, values.label), *given])


def _read(files: Sequence[str], parse: Callable[[str], Value]) -> list[Value]:
    found: list[Value] = []
    for path in files:
        try:
            with open(path, encoding="utf-8") as file:
                lines = file.read().splitlines()
        except OSError as error:
            raise InvalidRequest(f"{path} can't be read ({error.strerror})", "give the path of a text file") from error
        except UnicodeDecodeError as error:
            raise InvalidRequest(f"{path} is no text in UTF-8", "give the path of a text file") from error
        for number, line in enumerate(lines, 1):
            if not (text := line.lstrip()) or text.startswith("#"):
                continue
            try:
                found.append(parse(text))
            except ArgumentTypeError as error:
                raise InvalidRequest(f"line {number} of {path}: {error}", "correct it") from error
    return found
