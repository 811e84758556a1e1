"""A noun of the command line whose verbs are commands of their own: ``boxdeck image pull``."""

from __future__ import annotations

import argparse
from collections.abc import Mapping

from engine.cli.command import Command, NounVerb, Options, Parser, Roots, perform
from engine.errors import InvalidRequest


class NounOptions(Options):
    """Which verb, and all that follows it."""

    verb: str
    rest: list[str]


def noun(name: str, verbs: Mapping[str, NounVerb]) -> Command[NounOptions]:
    """A command that hands the rest of its line to one of its verbs."""

    def arguments(parser: Parser) -> None:
        lines = [f"  {verb:<9} {found.summary}" for verb, found in verbs.items()]
        parser.formatter_class = argparse.RawDescriptionHelpFormatter
        parser.epilog = "verbs:\n" + "\n".join(lines) + f"\n\nboxdeck {name} VERB --help tells more."
        parser.add_argument("verb", metavar="VERB", help="one of those below")
        rest = parser.add_argument("rest", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
        rest.required = False  # for argparse it is, though it may be empty

    def action(roots: Roots, options: NounOptions) -> int:
        found = verbs.get(options.verb)
        if found is None:
            raise InvalidRequest(f"there is no command '{name} {options.verb}'", f"choose one of {', '.join(verbs)}")
        return perform(found.load(), f"boxdeck {name} {options.verb}", found.summary, roots, options.rest)

    return Command(NounOptions, arguments, action, verbs)
