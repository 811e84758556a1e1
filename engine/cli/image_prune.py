"""``boxdeck image prune``."""

from __future__ import annotations

import sys
from argparse import ArgumentTypeError
from typing import TYPE_CHECKING

from engine.cli.command import Command, Options, Parser, with_engine
from engine.cli.formats import decimal_size
from engine.cli.moments import moment
from engine.cli.output import write_lines
from engine.errors import InvalidRequest
from engine.images.remover import LabelFilter, PruneRequest

if TYPE_CHECKING:
    from engine.engine import Engine

_TEXT = """Removes the images that have no name any more, and with --all also those that have one, as long as no
container was made from them; and what engines that were killed have left behind."""


class PruneOptions(Options):
    """Options of ``image prune``."""

    all: bool
    force: bool
    filters: list[int | LabelFilter]


def _arguments(parser: Parser) -> None:
    parser.description = _TEXT
    add = parser.add_argument
    add("-a", "--all", action="store_true", help="every image that no container uses, not only those without a name")
    add("-f", "--force", action="store_true", help="don't ask")
    add(
        "--filter", metavar="KEY=VALUE", dest="filters", type=_filter, action="append", default=[],
        help="only those of before until=TIME (as in events) or with label=KEY, label=KEY=VALUE or without "
        "(label!=KEY); may be repeated, and all must pass",
    )  # fmt: skip


def _filter(text: str) -> int | LabelFilter:
    key, equals, value = text.partition("=")
    if key == "until" and value:
        return moment(value)
    name, has_value, wanted = value.partition("=")
    if key not in ("label", "label!") or not equals or not name:
        raise ArgumentTypeError(f"{text!r} is not until=TIME, label=KEY or label=KEY=VALUE")
    return LabelFilter(name=name, value=wanted if has_value else None, negated=key == "label!")


async def _prune(engine: Engine, options: PruneOptions) -> int:
    if not options.force and not _agreed(options.all):
        return 0
    times = [each for each in options.filters if isinstance(each, int)]
    request = PruneRequest(
        named=options.all,
        until_unix_ns=min(times, default=None),
        labels=tuple(each for each in options.filters if isinstance(each, LabelFilter)),
    )
    pruned = await engine.images.prune(request)
    write_lines([*pruned.lines, f"Total reclaimed space: {decimal_size(pruned.reclaimed_bytes)}"])
    return 0


def _agreed(named: bool) -> bool:
    which = "every image that no container uses" if named else "every image that has no name and no container"
    if not sys.stdin.isatty():
        raise InvalidRequest(f"this would remove {which}", "say so with --force")
    return input(f"This removes {which}. Go on? [y/N] ").strip().lower() in ("y", "yes")


PRUNE = Command(PruneOptions, _arguments, with_engine(_prune))
