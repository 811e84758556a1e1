"""Go's templates, read (pkg.go.dev/text/template): text, values, ``if``, ``range``, ``with``, variables and pipelines.

What is read becomes functions from a scope to text or values, which are called for each document.
"""

from __future__ import annotations

import json
import re
from argparse import ArgumentTypeError
from collections.abc import Callable
from functools import reduce
from typing import NamedTuple

from engine.cli.template_values import FUNCTIONS, Clean, call, inner, items, label, text

_ACTION = re.compile(r'\{\{(-\s)?((?:"(?:[^"\\]|\\.)*"|`[^`]*`|/\*.*?\*/|[^"`])*?)(\s-)?\}\}', re.DOTALL)
_TOKEN = re.compile(
    r'\s*(?:(?P<string>"(?:[^"\\]|\\.)*"|`[^`]*`)|(?P<number>-?\d+(?:\.\d+)?)|(?P<name>\$\w*(?:\.\w+)*)'
    r"|(?P<chain>(?:\.\w+)+|\.)|(?P<word>\w+)|(?P<mark>:=|[=|(),]))"
)
_CONSTANTS = {"true": True, "false": False, "nil": None}
_HELP = "of Go's templates there are fields, pipelines, variables, if, range, with, and: " + ", ".join(FUNCTIONS)


class Scope(NamedTuple):
    """What is at hand: the value of the dot, and variables."""

    dot: object
    variables: dict[str, object]

    def within(self, dot: object, **variables: object) -> Scope:
        """A scope of its own for a block."""
        return Scope(dot, {**self.variables, **variables})


Value = Callable[[Scope], object]
Writer = Callable[[Scope], str]


class Template(NamedTuple):
    """A template.

    Attributes:
        writer: makes text of a scope.
        fields: the outermost fields that it shows.
    """

    writer: Writer
    fields: frozenset[str]

    def line(self, document: object) -> str:
        """What it makes of a document.

        Raises:
            InvalidRequest: a field that there isn't, or a value that isn't for what is done with it.
        """
        return self.writer(Scope(document, {"$": document}))


def parse(source: str) -> Template:
    r"""Read a template; ``\t`` and ``\n`` between its actions are tabs and line ends.

    Raises:
        ArgumentTypeError: something in it isn't understood; it is named.
    """
    return _Reader(source).template()


class _Reader:
    def __init__(self, source: str) -> None:
        self._pieces = _pieces(source)
        self._place = 0
        self._fields: set[str] = set()

    def template(self) -> Template:
        writer, last = self._block()
        if last:
            raise ArgumentTypeError(f"{{{{{last}}}}} ends nothing")
        return Template(writer, frozenset(self._fields))

    def _block(self, opener: str = "") -> tuple[Writer, str]:
        """Everything up to an ``end`` or ``else``, and that."""
        writers: list[Writer] = []
        while self._place < len(self._pieces):
            kind, piece = self._pieces[self._place]
            self._place += 1
            if kind == "text":
                writers.append(lambda scope, piece=piece: piece)  # type: ignore[misc]
                continue
            first, _, rest = piece.partition(" ")
            if first in ("end", "else"):
                return _written(writers), piece
            if first in ("if", "range", "with"):
                writers.append(self._branches(first, rest.strip(), piece))
            elif piece and not piece.startswith("/*"):
                writers.append(self._action(piece))
            elif not piece:
                raise _not_understood(piece)
        if opener:
            raise ArgumentTypeError(f"{{{{{opener}}}}} has no end; write {{{{end}}}}")
        return _written(writers), ""

    def _branches(self, kind: str, condition: str, piece: str) -> Writer:
        names, value = self._declared(condition, piece)
        then, last = self._block(piece)
        otherwise: Writer = _written([])
        if last.startswith("else "):
            inner_kind, _, rest = last.removeprefix("else ").strip().partition(" ")
            if inner_kind not in ("if", "with"):
                raise _not_understood(last)
            otherwise = self._branches(inner_kind, rest.strip(), piece)
        elif last == "else":
            otherwise, last = self._block(piece)
        if kind == "range":
            return _each(names, value, then, otherwise)
        return _chosen(kind == "with", names, value, then, otherwise)

    def _action(self, piece: str) -> Writer:
        names, value = self._declared(piece, piece)
        if not names:
            return lambda scope: text(value(scope))

        def declare(scope: Scope) -> str:
            scope.variables[names[0]] = value(scope)
            return ""

        return declare

    def _declared(self, words: str, piece: str) -> tuple[list[str], Value]:
        """The variables before ``:=`` or ``=``, and the pipeline after it."""
        tokens = _tokens(words, piece)
        names: list[str] = []
        marks = [place for place, (kind, word) in enumerate(tokens) if kind == "mark" and word in (":=", "=")]
        if marks:
            names = [word for kind, word in tokens[: marks[0]] if kind == "name"]
            tokens = tokens[marks[0] + 1 :]
        value = self._pipeline(tokens, piece)
        if tokens:
            raise _not_understood(piece)
        return names, value

    def _pipeline(self, tokens: list[tuple[str, str]], piece: str) -> Value:
        """Commands, each of which gets the value of the one before as its last; used up as far as it goes."""
        value = self._command(tokens, piece, None)
        while tokens and tokens[0] == ("mark", "|"):
            tokens.pop(0)
            value = self._command(tokens, piece, value)
        return value

    def _command(self, tokens: list[tuple[str, str]], piece: str, before: Value | None) -> Value:
        operands: list[Value] = []
        function = ""
        while tokens and not (tokens[0][0] == "mark" and tokens[0][1] in "|)"):
            kind, word = tokens.pop(0)
            if not operands and not function and kind == "word" and word in FUNCTIONS:
                function = word
            elif not operands and kind == "chain" and word == ".Label" and tokens:
                operands.append(lambda scope: scope.dot)
                function = "Label"
                self._fields.add("Labels")
            else:
                operands.append(self._operand(kind, word, tokens, piece))
        if before is not None:
            if not function:
                raise _not_understood(piece)
            operands.append(before)
        if function == "Label" and len(operands) == 2:
            return lambda scope: label(*(operand(scope) for operand in operands))
        if function in FUNCTIONS and operands:
            return lambda scope: call(function, *(operand(scope) for operand in operands))
        if function or len(operands) != 1:
            raise _not_understood(piece)
        return operands[0]

    def _operand(self, kind: str, word: str, tokens: list[tuple[str, str]], piece: str) -> Value:
        if kind == "string":
            constant = word[1:-1] if word[0] == "`" else json.loads(word, strict=False)
            return lambda scope: Clean(constant)
        if kind == "number":
            return lambda scope: float(word) if "." in word else int(word)
        if kind == "word" and word in _CONSTANTS:
            return lambda scope: _CONSTANTS[word]
        if kind == "chain":
            names = [name for name in word.split(".") if name]
            self._fields.update(names[:1])
            return lambda scope: reduce(inner, names, scope.dot)
        if kind == "name":
            return self._variable(word, piece)
        if (kind, word) == ("mark", "("):
            return self._parenthesis(tokens, piece)
        raise _not_understood(piece)

    def _variable(self, word: str, piece: str) -> Value:
        name, *names = word.split(".")
        if name == "$":
            self._fields.update(names[:1])

        def value(scope: Scope) -> object:
            if name not in scope.variables:
                raise ArgumentTypeError(f"there is no variable {name} in {{{{{piece}}}}}")
            return reduce(inner, names, scope.variables[name])

        return value

    def _parenthesis(self, tokens: list[tuple[str, str]], piece: str) -> Value:
        value = self._pipeline(tokens, piece)
        if not tokens or tokens.pop(0) != ("mark", ")"):
            raise _not_understood(piece)
        if tokens and tokens[0][0] == "chain" and tokens[0][1] != ".":
            names = tokens.pop(0)[1].split(".")[1:]
            return lambda scope: reduce(inner, names, value(scope))
        return value


def _pieces(source: str) -> list[tuple[str, str]]:
    """Text and actions in turn."""
    pieces: list[tuple[str, str]] = []
    end, trims = 0, False
    for match in _ACTION.finditer(source):
        between = source[end : match.start()].lstrip() if trims else source[end : match.start()]
        pieces.append(("text", _plain(between.rstrip() if match[1] else between)))
        pieces.append(("action", match[2].strip()))
        end, trims = match.end(), bool(match[3])
    pieces.append(("text", _plain(source[end:].lstrip() if trims else source[end:])))
    return pieces


def _plain(words: str) -> str:
    if "{{" in words:
        raise ArgumentTypeError(f"{words[words.index('{{') :]!r} has no end; write {{{{.Field}}}}")
    return words.replace("\\t", "\t").replace("\\n", "\n")


def _tokens(words: str, piece: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    place = 0
    while words[place:].strip():
        match = _TOKEN.match(words, place)
        if match is None or match.lastgroup is None:
            raise _not_understood(piece)
        found.append((match.lastgroup, match[match.lastgroup]))
        place = match.end()
    return found


def _written(writers: list[Writer]) -> Writer:
    return lambda scope: "".join([writer(scope) for writer in writers])


def _chosen(moves_dot: bool, names: list[str], value: Value, then: Writer, otherwise: Writer) -> Writer:
    def write(scope: Scope) -> str:
        found = value(scope)
        own = scope.within(found if moves_dot and found else scope.dot, **dict.fromkeys(names, found))
        return then(own) if found else otherwise(own)

    return write


def _each(names: list[str], value: Value, then: Writer, otherwise: Writer) -> Writer:
    def write(scope: Scope) -> str:
        found = list(items(value(scope)))
        written = [then(scope.within(each, **_named(names, key, each))) for key, each in found]
        return "".join(written) if found else otherwise(scope)

    return write


def _named(names: list[str], key: object, value: object) -> dict[str, object]:
    """One variable is the value, two are the key and the value."""
    return dict(zip(names[-2:], (key, value)[-len(names) :], strict=False)) if names else {}


def _not_understood(piece: str) -> ArgumentTypeError:
    return ArgumentTypeError(f"{{{{{piece}}}}} is not understood; {_HELP}")
