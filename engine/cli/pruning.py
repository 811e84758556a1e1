"""What all prunes have in common: filters, the question, and the last line."""

from __future__ import annotations

import sys
from argparse import ArgumentTypeError

from engine.cli.command import Options, Parser
from engine.cli.formats import decimal_size
from engine.cli.moments import moment
from engine.cli.output import write_lines
from engine.errors import InvalidRequest
from engine.pruning import LabelFilter, Pruned, PruneFilter


class PruneOptions(Options):
    """Options of every prune."""

    force: bool
    filters: list[int | LabelFilter]

    @property
    def filter(self) -> PruneFilter:
        """What the filters want together."""
        times = [each for each in self.filters if isinstance(each, int)]
        labels = tuple(each for each in self.filters if isinstance(each, LabelFilter))
        return PruneFilter(until_unix_ns=min(times, default=None), labels=labels)


def prune_arguments(parser: Parser) -> None:
    """Add the options that every prune takes."""
    parser.add_argument("-f", "--force", action="store_true", help="don't ask")
    parser.add_argument(
        "--filter", metavar="KEY=VALUE", dest="filters", type=_filter, action="append", default=[],
        help="only those of before until=TIME (as in events) or with label=KEY, label=KEY=VALUE or without "
        "(label!=KEY); may be repeated, and all must pass",
    )  # fmt: skip


def agreed(which: str) -> bool:
    """Ask whether this is to go.

    Raises:
        InvalidRequest: there is nobody to ask.
    """
    if not sys.stdin.isatty():
        raise InvalidRequest(f"this would remove {which}", "say so with --force")
    return input(f"This removes {which}. Go on? [y/N] ").strip().lower() in ("y", "yes")


def show(*pruned: Pruned) -> None:
    """Print what was taken away."""
    lines = [line for each in pruned for line in each.lines]
    total = sum(each.reclaimed_bytes for each in pruned)
    write_lines([*lines, f"Total reclaimed space: {decimal_size(total)}"])


def _filter(text: str) -> int | LabelFilter:
    key, equals, value = text.partition("=")
    if key == "until" and value:
        return moment(value)
    name, has_value, wanted = value.partition("=")
    if key not in ("label", "label!") or not equals or not name:
        raise ArgumentTypeError(f"{text!r} is not until=TIME, label=KEY or label=KEY=VALUE")
    return LabelFilter(name=name, value=wanted if has_value else None, negated=key == "label!")
