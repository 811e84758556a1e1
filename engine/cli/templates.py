r"""``--format``: a table, JSON, or a line of one's own in a small part of Go's templates (pkg.go.dev/text/template).

What is understood is ``{{.Field}}``, ``{{.Field.Inner}}``, ``{{json .}}`` and ``{{json .Field}}``, with ``\t`` and
``\n`` for tabs and line ends, and ``table`` in front for headings and columns, as docker has it. Everything else is
refused by its text.
"""

from __future__ import annotations

import re
from argparse import ArgumentTypeError
from collections.abc import Callable, Sequence
from typing import NamedTuple

import msgspec

from engine.cli.failure import one_line
from engine.cli.json_text import compact_json
from engine.errors import InvalidRequest

_ACTION = re.compile(r"\{\{(.*?)\}\}")
_PATH = re.compile(r"(json\s+)?\.((?:\w+(?:\.\w+)*)?)")
_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_TABLE = "table"


class Field(NamedTuple):
    """A placeholder: names of fields from the outermost in, and whether JSON is wanted; no names is all of it."""

    path: tuple[str, ...]
    as_json: bool

    def text(self, document: object) -> str:
        """What stands in its place.

        Raises:
            InvalidRequest: the document has no such field; those that it has are named.
        """
        value = document
        for name in self.path:
            value = _inner(value, name)
        return compact_json(value) if self.as_json else one_line(_shown(value))


class Format(NamedTuple):
    """What a list is to look like.

    Attributes:
        name: ``table`` (or ``text``), ``json`` or ``template``.
        parts: of a template.
        has_headings: whether the template is a table's.
    """

    name: str
    parts: tuple[str | Field, ...] = ()
    has_headings: bool = False

    @property
    def is_plain(self) -> bool:
        """Whether it shows fields of documents and not the cells of our own table."""
        return self.name in ("json", "template")

    @property
    def fields(self) -> frozenset[str]:
        """The outermost fields that a template shows."""
        return frozenset(part.path[0] for part in self.parts if isinstance(part, Field) and part.path)

    def line(self, document: object) -> str:
        """The template with a document's fields.

        Raises:
            InvalidRequest: a field that there isn't.
        """
        return "".join(part if isinstance(part, str) else part.text(document) for part in self.parts)

    def headings(self, known: Sequence[tuple[str, str]]) -> str:
        """The template with headings: those of columns that have one by the name of their field, else its name."""
        named = {field: heading for heading, field in known}
        return "".join(part if isinstance(part, str) else _heading(part, named) for part in self.parts)


def format_of(*plain: str) -> Callable[[str], Format]:
    """Reads ``--format``; `plain` are the words that aren't templates, such as ``table`` and ``json``."""

    def read(text: str) -> Format:
        if text in plain:
            return Format(text)
        if "{{" not in text:
            raise ArgumentTypeError(f"{text!r} is neither {' nor '.join(plain)} nor a template such as '{{{{.Name}}}}'")
        has_headings = text.startswith(f"{_TABLE} ") and _TABLE in plain
        return Format("template", _parts(text.removeprefix(_TABLE).strip(" ") if has_headings else text), has_headings)

    return read


def _parts(text: str) -> tuple[str | Field, ...]:
    """Plain texts and placeholders in turn.

    Raises:
        ArgumentTypeError: something between braces that isn't understood.
    """
    pieces = _ACTION.split(text)
    parts = [_plain(piece) if number % 2 == 0 else _field(piece) for number, piece in enumerate(pieces)]
    return tuple(part for part in parts if part)


def _plain(text: str) -> str:
    if "{{" in text:
        raise ArgumentTypeError(f"{text[text.index('{{') :]!r} has no end; write {{{{.Field}}}}")
    return text.replace("\\t", "\t").replace("\\n", "\n")


def _field(text: str) -> Field:
    match = _PATH.fullmatch(text.strip())
    if match is None or not (match[1] or match[2]):
        raise ArgumentTypeError(
            f"{{{{{text}}}}} is not understood; of Go's templates there are {{{{.Field}}}}, {{{{json .}}}} and "
            "{{json .Field}}"
        )
    return Field(tuple(match[2].split(".")) if match[2] else (), bool(match[1]))


def _inner(value: object, name: str) -> object:
    fields = _fields(value)
    found = fields.get(name, fields.get(name[:1].lower() + name[1:], msgspec.UNSET))
    if found is msgspec.UNSET:
        there = f"there are: {', '.join(fields)}" if fields else "what stands before it has no fields"
        raise InvalidRequest(f"there is no field {name!r} to show", there)
    return found


def _fields(value: object) -> dict[str, object]:
    if isinstance(value, msgspec.Struct):
        names = zip(value.__struct_encode_fields__, value.__struct_fields__, strict=True)
        return {encoded: getattr(value, name) for encoded, name in names}
    return {str(key): each for key, each in value.items()} if isinstance(value, dict) else {}


def _shown(value: object) -> str:
    """As Go prints it."""
    if value is None:
        return "<no value>"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, tuple)):
        return f"[{' '.join(_shown(each) for each in value)}]"
    if isinstance(value, (dict, msgspec.Struct)):
        return f"map[{' '.join(f'{key}:{_shown(each)}' for key, each in _fields(value).items())}]"
    return str(value)


def _heading(field: Field, known: dict[str, str]) -> str:
    if not field.path:
        return ""
    return known.get(field.path[-1]) or _WORDS.sub(" ", field.path[-1]).upper()
