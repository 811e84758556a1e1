"""In which lines of a TOML file its keys are, for whoever has to mend one of them."""

from __future__ import annotations

import re

SettingPath = tuple[str, ...]
"""A setting's tables and its name: ``("registries", "insecure")``."""

_PART = r"""(?:[\w-]+|"[^"]*"|'[^']*')"""
_KEY = rf"{_PART}(?:\s*\.\s*{_PART})*"
_HEADING = re.compile(rf"\s*\[\s*({_KEY})\s*\]")
_ENTRY = re.compile(rf"\s*({_KEY})\s*=")


def lines_of_keys(text: str) -> dict[str, int]:
    """Line numbers, from 1, of tables and entries, by their names with dots, however they are quoted.

    Text over several lines and tables in one line aren't looked into: what is missing has its table's line.
    """
    found: dict[str, int] = {}
    table = ""
    for number, line in enumerate(text.splitlines(), 1):
        if heading := _HEADING.match(line):
            table = f"{_plain(heading[1])}."
            found.setdefault(table[:-1], number)
        elif entry := _ENTRY.match(line):
            found.setdefault(table + _plain(entry[1]), number)
    return found


def line_of(path: SettingPath, lines: dict[str, int]) -> int | None:
    """The line of a setting, or of the nearest table around it."""
    names = (".".join(path[:end]) for end in range(len(path), 0, -1))
    return next((lines[name] for name in names if name in lines), None)


def _plain(key: str) -> str:
    return ".".join(part.strip("\"'") for part in re.findall(_PART, key))
