"""What templates do with values: fields of documents, functions, and how all is shown (pkg.go.dev/text/template)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import msgspec

from engine.cli.json_text import compact_json
from engine.errors import InvalidRequest
from engine.printable import printable

_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_VERB = re.compile(r"%(-?\d*)([sdvq%])")


class Clean(str):
    """Text without what terminals obey; all other text is made so when it is shown."""

    __slots__ = ()


class Headings:
    """Stands in for a document: each of its fields is its heading, and so are those of that.

    Args:
        known: headings by fields' names; the others' are made of the names.
    """

    def __init__(self, known: dict[str, str], heading: str = "") -> None:
        self._known, self.heading = known, heading

    def of(self, name: str) -> Headings:
        """The heading of a field."""
        return Headings(self._known, self._known.get(name) or _WORDS.sub(" ", name).upper())


def inner(value: object, name: str) -> object:
    """A field of a document; None for a key that a map doesn't have.

    Raises:
        InvalidRequest: the document has no such field; those that it has are named.
    """
    if isinstance(value, Headings):
        return value.of(name)
    if isinstance(value, msgspec.Raw):
        value = msgspec.json.decode(value)
    found = fields(value)
    if name in found or (lower := name[:1].lower() + name[1:]) in found:
        return found[name] if name in found else found[lower]
    if isinstance(value, dict):
        return None
    there = f"there are: {', '.join(found)}" if found else "what stands before it has no fields"
    raise InvalidRequest(f"there is no field {name!r} to show", there)


def fields(value: object) -> dict[str, object]:
    """A document's fields by the names that they have in JSON."""
    if isinstance(value, msgspec.Struct):
        names = zip(value.__struct_encode_fields__, value.__struct_fields__, strict=True)
        found = {encoded: getattr(value, name) for encoded, name in names}
        return {name: each for name, each in found.items() if each is not msgspec.UNSET}
    return {str(key): each for key, each in value.items()} if isinstance(value, dict) else {}


def label(value: object, key: object) -> str:
    """One of a row's labels, as docker's lists have them: ``a=b,c=d``; empty where there is none."""
    labels = inner(value, "Labels")
    if isinstance(labels, Headings):
        return text(key)
    if isinstance(labels, dict):
        return str(labels.get(key, ""))
    return dict(each.partition("=")[::2] for each in str(labels).split(",")).get(str(key), "")


def text(value: object) -> str:
    """As Go prints it, on one line."""
    return value if isinstance(value, Clean) else printable(_shown(value))


def _shown(value: object) -> str:
    if isinstance(value, Headings):
        return value.heading
    if value is None:
        return "<no value>"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, tuple)):
        return f"[{' '.join(map(_shown, value))}]"
    if isinstance(value, (dict, msgspec.Struct)):
        return f"map[{' '.join(f'{key}:{_shown(each)}' for key, each in fields(value).items())}]"
    return str(value)


def items(value: object) -> Iterator[tuple[object, object]]:
    """What ``range`` goes through: places and elements of a list, keys and values of a map in order."""
    if isinstance(value, (list, tuple)):
        yield from enumerate(value)
    elif isinstance(value, dict):
        yield from sorted(value.items())
    elif value is not None and not isinstance(value, Headings):
        raise InvalidRequest(f"{text(value)!r} is neither a list nor a map", "range goes through these only")


def _index(value: object, *places: object) -> object:
    for place in places:
        if isinstance(value, dict):
            value = value.get(place, "")
        elif isinstance(value, (list, tuple, str)) and isinstance(place, int) and 0 <= place < len(value):
            value = value[place]
        else:
            raise InvalidRequest(f"there is no {place!r} in {text(value)}", "give a key of a map, or a place in a list")
    return value


def _printf(form: object, *values: object) -> Clean:
    left = list(values)

    def put(match: re.Match[str]) -> str:
        if match[2] == "%":
            return "%"
        word = text(left.pop(0)) if left else "%!(MISSING)"
        word = f'"{word}"' if match[2] == "q" else word
        width = int(match[1].strip("-") or 0)
        return word.ljust(width) if match[1].startswith("-") else word.rjust(width)

    return Clean(_VERB.sub(put, text(form)))


def _join(values: object, separator: object = " ") -> Clean:
    return Clean(text(separator).join(text(each) for _, each in items(values)))


def _ordered(compare: Callable[[float], bool]) -> Callable[[object, object], bool]:
    def function(one: object, other: object) -> bool:
        return compare(float(str(one)) - float(str(other)))

    return function


FUNCTIONS: dict[str, Callable[..., object]] = {
    "json": lambda value: value if isinstance(value, Headings) else Clean(compact_json(value)),
    "index": _index,
    "join": _join,
    "split": lambda value, separator: str(value).split(str(separator)),
    "upper": lambda value: _shown(value).upper(),
    "lower": lambda value: _shown(value).lower(),
    "title": lambda value: _shown(value).title(),
    "truncate": lambda value, width: _shown(value)[: int(width)],
    "pad": lambda value, before, after: Clean(" " * int(before) + text(value) + " " * int(after)),
    "print": lambda *values: Clean("".join(map(text, values))),
    "println": lambda *values: Clean(" ".join(map(text, values)) + "\n"),
    "printf": _printf,
    "len": len,
    "not": lambda value: not value,
    "and": lambda *values: next((each for each in values if not each), values[-1]),
    "or": lambda *values: next((each for each in values if each), values[-1]),
    "eq": lambda value, *others: value in others,
    "ne": lambda one, other: one != other,
    "lt": _ordered(lambda difference: difference < 0),
    "le": _ordered(lambda difference: difference <= 0),
    "gt": _ordered(lambda difference: difference > 0),
    "ge": _ordered(lambda difference: difference >= 0),
}
"""Docker's, and those of Go's that compare, print and look up."""


def call(name: str, *values: object) -> object:
    """What a function makes of values.

    Raises:
        InvalidRequest: these values aren't for it.
    """
    try:
        return FUNCTIONS[name](*values)
    except (TypeError, ValueError, IndexError) as error:
        shown = " ".join(map(text, values))
        raise InvalidRequest(f"{name} can't be made of {shown!r}", "look at the values with {{json .}}") from error
