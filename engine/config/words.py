"""Settings in words: what may stand there, what was meant, and values as TOML writes them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any, get_args, get_origin

from msgspec import Meta

_WORDS = {str: "text in quotes", int: "a whole number", float: "a number", bool: "true or false"}
_MANY = {str: "texts in quotes", int: "whole numbers"}


def expected(wanted: Any) -> str:
    """What a type wants, such as ``a whole number of at least 1``."""
    if get_origin(wanted) is tuple:
        return f"a list of {_MANY.get(get_args(wanted)[0], 'values')}, such as [{_example(get_args(wanted)[0])}]"
    metas = [each for each in getattr(wanted, "__metadata__", ()) if isinstance(each, Meta)]
    plain = getattr(wanted, "__origin__", wanted)
    return " ".join([_WORDS.get(plain, "a value"), *map(_bounds, metas)])


def _example(wanted: Any) -> str:
    return '"a", "b"' if wanted is str else "1, 2"


def _bounds(meta: Meta) -> str:
    if meta.ge is not None and meta.le is not None:
        return f"from {meta.ge} to {meta.le}"
    return f"of at least {meta.ge}" if meta.ge is not None else f"of at most {meta.le}"


def resembling(name: str, known: Iterable[str]) -> str:
    """What was probably meant, as a remedy; otherwise all that there is."""
    names = list(known)
    near = get_close_matches(name, names, n=1) or [each for each in names if _last(each) == _last(name)]
    return f"did you mean {near[0]}?" if near else f"there are {', '.join(names)}"


def _last(name: str) -> str:
    return name.rpartition(".")[2]


def toml(value: Any) -> str:
    """A value as a TOML file has it, in one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{toml(str(key))} = {toml(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(toml, value)) + "]"
    if isinstance(value, str | bool):
        return json.dumps(value, ensure_ascii=False)
    return str(value)
