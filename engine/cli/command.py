"""A verb of the command line: its options and what it does."""

from __future__ import annotations

import argparse
from collections.abc import Awaitable, Callable, Mapping, Sequence
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, NoReturn, TypeVar

from engine.cli import xray_option
from engine.errors import InvalidRequest

if TYPE_CHECKING:
    from engine.engine import Engine

TRUTHS = {"1": True, "t": True, "true": True, "0": False, "f": False, "false": False}
"""Go's words for yes and no, which docker's switches take, in small letters."""


class Roots(NamedTuple):
    """Where state lives, as given on the command line; None leaves it to the environment."""

    root: str | None
    runroot: str | None


class Parser(argparse.ArgumentParser):
    """A parser whose mistakes are Boxdeck's errors.

    Attributes:
        remedy: what to say after a mistake; None points to the help.
    """

    remedy: str | None = None

    def _parse_optional(self, arg_string: str) -> Any:
        """As argparse has it, for whom ``--rm=false`` gives a value to a switch that takes none."""
        return super()._parse_optional(self._as_switch(arg_string))

    def _as_switch(self, word: str) -> str:
        """A switch with docker's (Go's) words for yes and no as one without; any other word as it is."""
        name, equals, value = word.partition("=")
        switch = self._option_string_actions.get(name) if equals else None
        if switch is None or not isinstance(switch.const, bool) or value.lower() not in TRUTHS:
            return word
        if TRUTHS[value.lower()]:
            return name
        opposite = f"{name}=false"
        if opposite not in self._option_string_actions:
            self.add_argument(
                opposite, dest=switch.dest, action="store_const", const=not switch.const,
                default=argparse.SUPPRESS, help=argparse.SUPPRESS,
            )  # fmt: skip
        return opposite

    def format_help(self) -> str:
        """The help, with examples where there are some."""
        from engine.cli.examples import examples_of

        lines = examples_of(self.prog.partition(" ")[2])
        return super().format_help() + ("\nexamples:\n" + "".join(f"  {line}\n" for line in lines) if lines else "")

    def _get_values(self, action: argparse.Action, arg_strings: list[str]) -> Any:
        """As argparse has it, whose older versions take the dashes of ``--format=--`` for no value at all."""
        values = super()._get_values(action, arg_strings)
        if values == [] and action.option_strings and action.nargs is None:
            values = self._get_value(action, "--")
            self._check_value(action, values)
        return values

    def error(self, message: str) -> NoReturn:
        """Raise `InvalidRequest` instead of leaving the program."""
        where, is_number, value = message.partition("invalid int value: ")
        message = f"{where}{value} is not a whole number" if is_number else message
        where, is_switch, value = message.partition("ignored explicit argument ")
        message = f"{where}{value} is neither true nor false" if is_switch else message
        raise InvalidRequest(message, self.remedy or f"see: {self.prog} --help")


class Options(argparse.Namespace):
    """Options of a verb; subclasses annotate what their parser fills in."""


Chosen = TypeVar("Chosen", bound=Options)


class Command(NamedTuple, Generic[Chosen]):
    """A verb.

    Attributes:
        options: what the parser fills in.
        arguments: adds the verb's options to its parser.
        action: does the work and returns the exit status.
        verbs: of a noun, such as ``image``: where each is, and what it does.
    """

    options: type[Chosen]
    arguments: Callable[[Parser], None]
    action: Callable[[Roots, Chosen], int]
    verbs: Mapping[str, NounVerb] = MappingProxyType({})


class NounVerb(NamedTuple):
    """Where a noun's verb is: a module of this package and a constant in it; and what it does in a few words."""

    module: str
    constant: str
    summary: str

    def load(self) -> Command[Any]:
        """The verb, whose module is imported only now."""
        command: Command[Any] = getattr(import_module(f"engine.cli.{self.module}"), self.constant)
        return command


def with_engine(
    action: Callable[[Engine, Chosen], Awaitable[int]], recovers: bool = True
) -> Callable[[Roots, Chosen], int]:
    """A verb's action that works on an open engine, in an event loop of its own.

    Args:
        recovers: whether the engine puts in order what others left behind.
    """

    def opened(roots: Roots, options: Chosen) -> int:
        import asyncio

        from engine.engine import Engine

        async def work() -> int:
            async with Engine.open(roots.root, roots.runroot, recovers=recovers) as engine:
                return await action(engine, options)

        return asyncio.run(work())

    return opened


def parser_of(command: Command[Any], prog: str, summary: str) -> Parser:
    """What parses a verb's arguments and tells of them."""
    parser = Parser(prog=prog, description=summary, allow_abbrev=False, add_help=False)
    parser.add_argument("--help", action="help", help="show this help")
    command.arguments(parser)
    if xray_option.is_for(prog):
        xray_option.add_to(parser)
    return parser


def perform(command: Command[Any], prog: str, summary: str, roots: Roots, arguments: Sequence[str]) -> int:
    """Parse a verb's arguments and do what it says; returns the exit status.

    Raises:
        InvalidRequest: they can't be parsed.
    """
    parser = parser_of(command, prog, summary)
    options = parser.parse_args(arguments, command.options())
    if getattr(options, "xray", False):
        xray_option.begin()
    try:
        return command.action(roots, options)
    finally:
        if getattr(options, "xray", False):
            xray_option.show()
