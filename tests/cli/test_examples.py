"""The examples of ``--help`` are command lines that the commands take."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

import pytest

from engine.cli.command import parser_of
from engine.cli.examples import examples_of
from engine.cli.verbs import VERBS, load
from tests.command_line import CommandLine

SAY_IT_ALL = {"info", "doctor", "version", "config", "ns", "container", "image", "volume", "network", "system", "cp"}
_NEXT = re.compile(r"^(\||\|\||&&|;|<|>)$")


def commands() -> Iterator[str]:
    for verb in VERBS:
        yield verb
        yield from (f"{verb} {name}" for name in load(verb).verbs)


def parsed(line: str) -> list[str]:
    """Parse each of our commands in a line; their words."""
    found: list[list[str]] = [[]]
    for word in shlex.split(line.partition("  #")[0].replace("$(", "web; ").replace(")", "").replace(";", " ; ")):
        if _NEXT.match(word):
            found.append([])
        else:
            found[-1].append(word)
    ours = [words[1:] for words in found if words[:1] == ["boxdeck"]]
    for first, *rest in ours:
        command = load(first)
        if command.verbs:
            command, rest = command.verbs[rest[0]].load(), rest[1:]
        parser_of(command, "boxdeck", "").parse_args(rest, command.options())
    return [words[0] for words in ours]


@pytest.mark.parametrize("words", [*commands()])
def test_everyday_commands_have_examples_that_can_be_parsed(words: str) -> None:
    lines = examples_of(words)
    assert lines or words.partition(" ")[0] in SAY_IT_ALL, words
    for line in lines:
        assert parsed(line), line
        assert len(line) <= 100


def test_help_shows_them(boxdeck: CommandLine) -> None:
    assert "\nexamples:\n  boxdeck run --rm -it base sh " in boxdeck.ok("run", "--help")
    assert "\nexamples:\n  boxdeck ps -a\n" in boxdeck.ok("container", "ls", "--help")
    assert "examples:" not in boxdeck.ok("--help")
