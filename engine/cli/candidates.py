"""What may come next on an unfinished command line, for the completion of shells."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from engine.cli.command import Parser, Roots, parser_of
from engine.cli.verbs import VERBS, load
from engine.paths import Paths

_GLOBAL = {"--root": "DIR", "--runroot": "DIR", "--theme": "NAME", "--web": "", "--version": "", "--help": ""}
_TABLES = {
    "CONTAINER": "SELECT name FROM containers ORDER BY name",
    "CONTAINER[:ro]": "SELECT name FROM containers ORDER BY name",
    "IMAGE": "SELECT reference FROM image_references ORDER BY reference",
    "NAME[:TAG]": "SELECT reference FROM image_references ORDER BY reference",
    "VOLUME": "SELECT name FROM volumes ORDER BY name",
    "NETWORK": "SELECT name FROM networks ORDER BY name",
}


class Candidate(NamedTuple):
    """A word that may come next, and what it means."""

    word: str
    meaning: str = ""


def candidates(line: str, roots: Roots) -> list[Candidate]:
    """What may stand in the place of the last word of a line that begins with the program's name.

    Nothing is made or changed; what the store can't tell isn't offered.
    """
    words, last = _split(line)
    options = {"root": roots.root, "runroot": roots.runroot}
    while words and words[0].partition("=")[0] in _GLOBAL:
        name, has_value, value = words.pop(0).removeprefix("--").partition("=")
        if name in options:
            options[name] = value if has_value else (words.pop(0) if words else None)
    paths = Paths.resolve(options["root"], options["runroot"])
    found = _after(words, last, paths) if words else _verbs()
    if not words and last.startswith("-"):
        found = (Candidate(option) for option in _GLOBAL)
    return [candidate for candidate in found if candidate.word.startswith(last)]


def _split(line: str) -> tuple[list[str], str]:
    """The finished words without the program's name, and the one that isn't finished."""
    try:
        words = shlex.split(line)
    except ValueError:  # a quote that isn't closed yet
        words = line.split()
    if not line or line[-1].isspace():
        return words[1:], ""
    return words[1:-1], words[-1] if words else ""


def _verbs() -> Iterator[Candidate]:
    return (Candidate(name, verb.summary) for name, verb in VERBS.items())


def _after(words: Sequence[str], last: str, paths: Paths) -> Iterator[Candidate]:
    """What may follow a verb and some words."""
    name, *rest = words
    if name not in VERBS:
        return iter(())
    command = load(name)
    if command.verbs and not rest:
        return (Candidate(verb, found.summary) for verb, found in command.verbs.items())
    if command.verbs:
        if rest[0] not in command.verbs:
            return iter(())
        command = command.verbs[rest.pop(0)].load()
    return _arguments(parser_of(command, "", ""), rest, last, paths)


def _arguments(parser: Parser, words: Sequence[str], last: str, paths: Paths) -> Iterator[Candidate]:
    """What may follow the words of one verb."""
    seen_in_help = [action for action in parser._actions if action.help is not argparse.SUPPRESS]
    options = {name: action for action in seen_in_help for name in action.option_strings}
    places = [action for action in parser._actions if not action.option_strings]
    awaited: argparse.Action | None = None
    seen = 0
    for word in words:
        if awaited is not None:
            awaited = None
        elif word in options:
            awaited = options[word] if options[word].nargs != 0 else None
        elif not word.startswith("-"):
            seen += 1
    if awaited is not None:
        return _values(awaited, paths)
    option, has_value, _ = last.partition("=")
    if has_value and option in options:
        return (Candidate(f"{option}={value.word}", value.meaning) for value in _values(options[option], paths))
    if last.startswith("-"):
        return (Candidate(name, _meaning(action)) for name, action in options.items() if name.startswith("--"))
    if (place := _place(places, seen)) is None:
        return iter(())
    return _values(place, paths)


def _place(places: Sequence[argparse.Action], seen: int) -> argparse.Action | None:
    """The positional argument that comes after so many words; the last one may take several."""
    if seen < len(places):
        return places[seen]
    last = places[-1] if places else None
    return last if last is not None and last.nargs in ("+", "*") else None


def _values(action: argparse.Action, paths: Paths) -> Iterator[Candidate]:
    if action.choices is not None:
        return (Candidate(str(choice)) for choice in action.choices)
    kinds = [kind for kind in str(action.metavar).split("|") if kind in _TABLES]
    if action.dest == "network":
        kinds = ["NETWORK"]
    return (Candidate(name) for kind in kinds for name in _names(_TABLES[kind], paths))


def _names(query: str, paths: Paths) -> list[str]:
    """Names in the store, which is only read: whoever may not, or has none, gets no names."""
    import sqlite3

    try:
        connection = sqlite3.connect(f"file:{paths.database}?mode=ro", uri=True)
        try:
            return [row[0] for row in connection.execute(query)]
        finally:
            connection.close()
    except sqlite3.Error:
        return []


def _meaning(action: argparse.Action) -> str:
    return (action.help or "").partition(";")[0]
